/**
 * The bars that a self-test holds its figures against, each with where it comes from. What has two sides, `doubt` and `fail`, is good up to
 * the first.
 */
export const bars = {
  camera: {
    /** UK SI 2022/71, Schedule 1: evidence has five frames a second or more. */
    leastRate: 5,
    /** Shares of the rate that was asked for: clocks of cameras differ by less than a tenth, and half is a line or a light that gives out. */
    rate: { doubt: 0.9, fail: 0.5 },
    /** Share of frames that cannot be decoded: more than one in a hundred is a cable, one in ten a road that is seen in part. */
    damaged: { doubt: 0.01, fail: 0.1 },
    /** Grey levels: no road in any light has so little contrast; a lens cap with a noisy sensor behind it has 2.3. */
    coveredSpread: 4,
  },
  /**
   * `blurOf`. Eight roads and the rendered street, sharp: 0.19 to 0.42; their pictures blurred by two pixels: 0.55 to 0.62, by four: 0.73
   * to 0.80; one hazy overpass of little contrast stays below 0.41 throughout.
   */
  blur: { doubt: 0.5, fail: 0.65 },
  /** Share of the fine detail that the calibration's own picture had; half is lost by a blur of somewhat less than a pixel. */
  detail: { doubt: 0.5, fail: 0.25 },
  exposure: {
    /** Shares of the picture in which nothing can be told apart: at night most of it may be black, never most of it white. */
    black: { doubt: 0.75, fail: 0.97 },
    white: { doubt: 0.1, fail: 0.4 },
  },
  place: {
    /** Times the shift from which the camera counts as moved; from five times on nobody is accused (device/scene/drift). */
    fail: 5,
  },
  clock: {
    /** Milliseconds: beyond this the second that evidence states may be another. */
    errorBoundMs: 1000,
    /** Milliseconds that the newest entry may lie ahead of now: two readings of one clock. */
    aheadMs: 1000,
  },
  storage: {
    /** Of a durable write of 16 KiB, ms: an infraction is announced after three or four of them, in a bound of seconds. */
    p99Ms: { doubt: 200, fail: 1000 },
    /**
     * 10^6 bytes a second. 10: the least of an SD card of class 10 (SD Association, Speed Class). 2: a clip of some 5 MB, two at once, within
     * half of a seal's deadline of ten seconds.
     */
    rate: { doubt: 10, fail: 2 },
    /** Share in use: as the alert `disk-nearly-full`. */
    used: { doubt: 0.85, fail: 0.95 },
  },
  /** Percent of the medium's life that is used (JEDEC JESD84-B51, DEVICE_LIFE_TIME_EST; NVMe percentage used). */
  wear: { doubt: 80, fail: 100 },
  /** Degrees Celsius: as the alert `temperature-high`. */
  temperature: { doubt: 78, fail: 88 },
  broker: {
    /** Milliseconds: a mobile link with a poor signal takes a second; beyond five, a queue stands before it. */
    roundTripMs: 5000,
  },
  certificate: {
    /** Share of its life after which a certificate is due to be renewed. */
    renewal: 2 / 3,
  },
  detector: {
    /** Milliseconds an inference: at four a second a vehicle at 50 km/h goes 3.5 m between two looks; at one a second, 14 m. */
    inferenceMs: { doubt: 250, fail: 1000 },
    /** Share of the reference picture's vehicles. */
    found: { doubt: 1, fail: 0.5 },
  },
  /** Milliseconds for sealing one small entry: the deadline of a seal is 10 s. */
  sealMs: { doubt: 2000, fail: 10_000 },
} as const;
