import type { Clock, ClockState } from '../../kernel/clock.ts';
import { type Milliseconds, milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { CaptureTime } from '../frame.ts';

/**
 * What the stamps of a camera are.
 *
 * `driver`: milliseconds of this kernel's monotonic clock, taken by the driver when the picture was captured. `stream`: milliseconds of
 * another clock, from an unknown zero: the spacing is true. `arrival`: none; the picture's arrival here stands for its capture.
 */
export interface Stamps {
  readonly kind: 'driver' | 'stream' | 'arrival';
  /** Error of an interval between two pictures, 1 sigma. */
  readonly intervalError: Milliseconds;
  /** Why it is that large. */
  readonly because: string;
  /**
   * How long after a picture's arrival a driver's stamp may lie; 20 ms where it is not said. A driver that stamps the planned end of a
   * frame, as the kernel's vivid does, may deliver before that.
   */
  readonly ahead?: Milliseconds;
}

/** Stamps of the cameras that are known, with the error that is stated of them. */
export const stampsOf = {
  /**
   * libcamera's SensorTimestamp is the moment at which the first row of the sensor begins to be exposed, by CLOCK_BOOTTIME
   * (libcamera, control_ids_core.yaml). On a machine that never sleeps that clock and CLOCK_MONOTONIC are one.
   */
  libcamera: {
    kind: 'driver',
    intervalError: milliseconds(0.5),
    because: 'the kernel stamps the start of each frame; an exposure that adjusts itself moves its middle a little',
  },
  /** The kernel's documentation of struct v4l2_buffer leaves open whether the stamp is of the first or the last data byte. */
  v4l2: {
    kind: 'driver',
    intervalError: milliseconds(2),
    because:
      'the driver stamps each buffer as its USB packets come in, which the bus delays by up to a few milliseconds',
  },
  argus: {
    kind: 'stream',
    intervalError: milliseconds(2),
    because: 'the pipeline stamps each picture by its own running time when the sensor has delivered it',
  },
  /** RFC 3550, 5.1: the RTP timestamp is the sampling instant of the first octet, by the clock of the camera. */
  rtp: {
    kind: 'stream',
    intervalError: milliseconds(5),
    because: 'the spacing is that of the RTP timestamps, which network cameras take when they encode',
  },
} as const satisfies Record<string, Stamps>;

/** For a camera that gives no stamps: pictures come late by what the program and this machine make of them. */
export function arrivalStamps(rate: number): Stamps {
  return {
    kind: 'arrival',
    intervalError: milliseconds(Math.max(10, 250 / rate)),
    because: 'the camera states no times: a picture counts from its arrival, late by encoding and scheduling',
  };
}

/** A driver's stamp lies so long before the arrival at most, or it is of another clock. */
const LATEST = 3000;
const AHEAD = milliseconds(20);
/** Readings of two clocks, of which the two closest to each other count. */
const READINGS = 8;
/** While a stream of unknown zero finds its place among arrivals, its times may jump. */
const SETTLING = 1000;
const SETTLING_ERROR = milliseconds(100);
/** The camera's clock is followed by no more than this part of the time that passes: an interval is wrong by 0.1 % at most. */
const FOLLOW = 0.001;
const WINDOW = 10_000;
/** The clock was stepped where date and monotonic time part by more than this; a date has whole milliseconds. */
const STEP = 5;
/** Reads of the date in which its millisecond is waited for; a few milliseconds on any machine. */
const MOST_READS = 50_000;

/** Gives pictures their times, from whatever the camera states. One for the life of a camera, over all its restarts. */
export class CaptureClock {
  readonly #stamps: Stamps;
  readonly #ahead: Milliseconds;
  readonly #clock: Clock;
  readonly #kernelClock: () => Milliseconds;
  #reads: 'undecided' | 'monotonic' | 'wall' | 'stream' | 'arrival' = 'undecided';
  /** Adds up with a stamp to the capture by this machine's monotonic clock. */
  #anchor = 0;
  #settledAt = 0;
  #lastArrival = 0;
  #windowEnd = 0;
  #lowest: readonly [before: number, now: number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  /** Capture of the first frame, by the monotonic clock. */
  #origin: number | undefined;
  #last = Number.NEGATIVE_INFINITY;
  readonly #utcOffset: UtcOffset;

  /** `kernelClock` reads the clock that the drivers stamp with. */
  constructor(stamps: Stamps, clock: Clock, kernelClock: () => Milliseconds) {
    this.#stamps = stamps;
    this.#ahead = stamps.ahead ?? AHEAD;
    this.#clock = clock;
    this.#utcOffset = new UtcOffset(clock);
    this.#kernelClock = kernelClock;
  }

  /** The camera is started anew: its stamps may begin anywhere. */
  restart(): void {
    this.#reads = 'undecided';
  }

  /** Time of a picture; a reason where its stamp cannot be true. `stamp` as `Stamps` says, `arrival` by the clock's monotonic time. */
  time(stamp: number | undefined, arrival: Milliseconds): CaptureTime | { readonly reason: string } {
    if (this.#reads === 'undecided') this.#decide(stamp, arrival);
    if (stamp === undefined && this.#reads !== 'arrival') return { reason: 'the camera states no time for it' };
    const captured = this.#captured(stamp ?? 0, arrival);
    const settling = this.#reads === 'stream' && arrival < this.#settledAt;
    this.#lastArrival = arrival;
    const driven = this.#reads === 'monotonic' || this.#reads === 'wall';
    if (driven && (captured < arrival - LATEST || captured > arrival + this.#ahead)) {
      const off = ((captured - arrival) / 1000).toFixed(2);
      return { reason: `its time stamp is ${off} s off its arrival` };
    }
    if (captured <= this.#last) return { reason: 'its time is not after that of the picture before' };
    this.#last = captured;
    this.#origin ??= captured;
    return {
      utc: utcMilliseconds(captured + this.#utcOffset.now()),
      elapsed: milliseconds(captured - this.#origin),
      clock: this.#state(settling),
    };
  }

  #state(settling: boolean): ClockState {
    const { synchronised, dated } = this.#clock.state();
    const { intervalError } = this.#stamps;
    const worse =
      this.#reads === 'stream' && this.#stamps.kind === 'driver' ? stampsOf.rtp.intervalError : intervalError;
    return { source: 'system', synchronised, dated, intervalError: settling ? SETTLING_ERROR : worse };
  }

  #decide(stamp: number | undefined, arrival: number): void {
    const { kind } = this.#stamps;
    const kernel = this.#kernelOffset();
    const near = (captured: number) => captured >= arrival - LATEST && captured <= arrival + this.#ahead;
    if (kind === 'arrival') this.#reads = 'arrival';
    else if (stamp === undefined) return;
    else if (kind === 'driver' && near(stamp + kernel)) {
      this.#reads = 'monotonic';
      this.#anchor = kernel;
      // Drivers from before the monotonic clock was agreed on stamp with the date.
    } else if (kind === 'driver' && near(stamp - this.#utcOffset.now())) this.#reads = 'wall';
    else {
      this.#reads = 'stream';
      this.#anchor = arrival - stamp;
      this.#settledAt = arrival + SETTLING;
      this.#windowEnd = arrival + WINDOW;
      this.#lowest = [Number.POSITIVE_INFINITY, this.#anchor];
    }
  }

  #captured(stamp: number, arrival: number): number {
    switch (this.#reads) {
      case 'monotonic':
        return stamp + this.#anchor;
      case 'wall':
        return stamp - this.#utcOffset.now();
      case 'stream':
        this.#follow(arrival - stamp, arrival);
        return stamp + this.#anchor;
      default:
        return arrival;
    }
  }

  /** The picture that came with the least delay says best how the camera's clock stands to this one; clocks drift, so only of late. */
  #follow(delay: number, arrival: number): void {
    const [before, now] = this.#lowest;
    this.#lowest = arrival > this.#windowEnd ? [now, delay] : [before, Math.min(now, delay)];
    if (arrival > this.#windowEnd) this.#windowEnd = arrival + WINDOW;
    const wanted = Math.min(...this.#lowest) - this.#anchor;
    const most = arrival < this.#settledAt ? Number.POSITIVE_INFINITY : FOLLOW * (arrival - this.#lastArrival);
    this.#anchor += Math.max(-most, Math.min(most, wanted));
  }

  /**
   * What the kernel's clock adds up with to this program's monotonic time: one clock read in two ways, so it never changes. Between two
   * readings this program may have been set aside, so the tightest of several counts.
   */
  #kernelOffset(): number {
    let [offset, tightest] = [0, Number.POSITIVE_INFINITY];
    for (let reading = 0; reading < READINGS; reading += 1) {
      const before = this.#clock.monotonic();
      const kernel = this.#kernelClock();
      const after = this.#clock.monotonic();
      if (after - before < tightest) [offset, tightest] = [(before + after) / 2 - kernel, after - before];
    }
    return offset;
  }
}

/** What monotonic time adds up with to the date: measured once, and anew where the date was stepped. */
export class UtcOffset {
  readonly #clock: Clock;
  #offset: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    const rough = this.#clock.utc() - this.#clock.monotonic();
    if (this.#offset === undefined || Math.abs(rough - this.#offset) > STEP) this.#offset = measureOffset(this.#clock);
    return this.#offset;
  }
}

/** Date minus monotonic time, at the moment at which the date's millisecond changes: to some microseconds. */
function measureOffset(clock: Clock): number {
  const first = clock.utc();
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    const utc = clock.utc();
    const monotonic = clock.monotonic();
    if (utc !== first) return utc - monotonic;
  }
  // A clock that stands still is read as it is.
  return first - clock.monotonic();
}
