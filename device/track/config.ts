import { type Fraction, fraction, type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { AssociationConfig } from './associate.ts';
import type { DuplicateConfig } from './duplicates.ts';
import type { MotionModel } from './kalman.ts';

/** Everything that the tracker can be told. Times are times, never frames; lengths are in sizes (root of the box's area) or pixels. */
export interface TrackerConfig {
  /** From this score on a detection is strong: it continues any track. */
  readonly strongScore: Fraction;
  /** From this score on a detection is weak: it continues a track, but makes none. Below, it is ignored. */
  readonly weakScore: Fraction;
  /** From this score on a detection that continues no track begins one. At least `strongScore`. */
  readonly birthScore: Fraction;
  /** Strong detections that confirm a track. */
  readonly confirmHits: number;
  /** A tentative track ends when it is missed this long. */
  readonly tentativePatience: Milliseconds;
  /** A moving track ends when it is missed this long. */
  readonly coastMoving: Milliseconds;
  /** A moving track ends when only weak detections have fed it this long: clutter on the horizon would keep it alive for ever. */
  readonly weakPatience: Milliseconds;
  /** A standing track ends when it is missed, or fed by weak detections alone, this long: a lorry passing in front of it takes seconds. */
  readonly coastStanding: Milliseconds;
  /** Slower than this is standing, in sizes per second. */
  readonly standingSpeed: number;
  /** The time over which that speed is taken. */
  readonly standingWindow: Milliseconds;
  /** A box's growth fades with this time constant while nobody sees it. */
  readonly sizeFade: Milliseconds;
  /** A lost track ends when less than this of its predicted box is within the picture (where the picture's size is given). */
  readonly leavingShare: Fraction;
  /** Detections of weak score err this many times as much. */
  readonly weakDoubt: number;
  readonly motion: MotionModel;
  readonly association: AssociationConfig;
  readonly duplicates: DuplicateConfig;
  /** Points kept per track: the newest half untouched, the older ones thinned out. */
  readonly historyPoints: number;
}

/**
 * Chosen from what road users do, then held against annotated boxes: on those, every value of `motion` and `association` can be changed
 * by a third either way and the mean IDF1 moves by less than 0.01.
 *
 * A car's size is about 2 m, so a drift of 1 is 2 m/s after one second, 6 m/s at three sigmas; 6 sizes per second, at three sigmas, are
 * 130 km/h. The floor of the position error is one pixel of a detector's input of 300 on a tile of 600.
 */
export const defaultTrackerConfig: TrackerConfig = {
  strongScore: fraction(0.5),
  weakScore: fraction(0.2),
  birthScore: fraction(0.5),
  confirmHits: 3,
  tentativePatience: milliseconds(300),
  coastMoving: milliseconds(2000),
  weakPatience: milliseconds(1500),
  coastStanding: milliseconds(20_000),
  standingSpeed: 0.15,
  standingWindow: milliseconds(1500),
  sizeFade: milliseconds(500),
  leavingShare: fraction(0.25),
  weakDoubt: 2,
  motion: { velocityDrift: 1, standingDrift: 0.15, initialSpeed: 6, positionError: 0.05, positionErrorFloor: 2 },
  association: {
    gateSigmas: 3,
    gateSizes: 2,
    staleGateSizes: 0.5,
    sureIou: 0.3,
    leastLikeness: 0.2,
    otherClassCost: 0.05,
    staleCost: 0.1,
    strongLimit: 0.95,
    weakLimit: 0.6,
    weakIou: 0.3,
  },
  duplicates: {
    foldIou: 0.7,
    mergeIou: 0.55,
    mergeAfter: milliseconds(400),
    partShare: 0.8,
    partPatience: milliseconds(1000),
  },
  historyPoints: 900,
};
