import type { Box, Detection, ObjectClass } from '../detect/detection.ts';
import { assign, type Pair } from './assign.ts';
import { centre, centreDistance, iou, shapeLikeness, sizeOf } from './boxes.ts';
import { kindOf } from './classes.ts';

/** Which detection may continue which track, and how gladly. */
export interface AssociationConfig {
  /** The detection's centre lies within this many sigmas of the prediction (track and detection together). */
  readonly gateSigmas: number;
  /** And never farther than this many sizes, however unsure the prediction, for a track seen in the last frame ... */
  readonly gateSizes: number;
  /** ... falling to this many at the end of the coasting time: whoever was long unseen is sooner somebody else. */
  readonly staleGateSizes: number;
  /** With this IoU the gates are passed whatever the filter believes: a vehicle that brakes hard is still there. */
  readonly sureIou: number;
  /** Least likeness of the shapes (ratio of widths times ratio of heights). */
  readonly leastLikeness: number;
  /** Added where the class differs within its kind. */
  readonly otherClassCost: number;
  /** Added to a track's cost at the end of its coasting time, in proportion before: who was seen now goes first. */
  readonly staleCost: number;
  /** Highest cost of a strong pair. */
  readonly strongLimit: number;
  /** Highest cost of a weak pair. */
  readonly weakLimit: number;
  /** Least IoU of a weak pair with the predicted box. */
  readonly weakIou: number;
}

/** What association knows of a track. */
export interface Expectation {
  /** Where the track should be in this frame. */
  readonly box: Box;
  /** Variances of that centre and of a detection there, px^2. */
  readonly varX: number;
  readonly varY: number;
  readonly class: ObjectClass;
  /** 0: seen in the last frame; 1: at the end of its coasting time. */
  readonly staleness: number;
}

/**
 * Cost of a pair, `Infinity` where it is out of the question.
 *
 * Half of it is the missing overlap, which says most where frames follow closely; three tenths the distance of the centres over the
 * farthest allowed, which still says something where a fast vehicle or a skipped frame leaves no overlap at all; two tenths the
 * unlikeness of the shapes. 0 for a perfect fit, 1 for the worst that is allowed, before what `config` adds.
 */
export function associationCost(expected: Expectation, detection: Detection, config: AssociationConfig): number {
  if (kindOf(expected.class) !== kindOf(detection.class)) return Infinity;
  const likeness = shapeLikeness(expected.box, detection.box);
  if (likeness < config.leastLikeness) return Infinity;
  const overlap = iou(expected.box, detection.box);
  const size = Math.sqrt(sizeOf(expected.box) * sizeOf(detection.box));
  const reach = size * (config.gateSizes + (config.staleGateSizes - config.gateSizes) * expected.staleness);
  const distance = centreDistance(expected.box, detection.box);
  if (overlap < config.sureIou) {
    const p = centre(expected.box);
    const q = centre(detection.box);
    const sigmas = Math.sqrt((p.x - q.x) ** 2 / expected.varX + (p.y - q.y) ** 2 / expected.varY);
    if (sigmas > config.gateSigmas || distance > reach) return Infinity;
  }
  const geometry = 0.5 * (1 - overlap) + 0.3 * Math.min(1, distance / reach) + 0.2 * (1 - likeness);
  const otherClass = expected.class === detection.class ? 0 : config.otherClassCost;
  return geometry + otherClass + config.staleCost * expected.staleness;
}

/** The best pairing of tracks (rows) and strong detections (columns). */
export function associateStrong(
  expected: readonly Expectation[],
  detections: readonly Detection[],
  config: AssociationConfig,
): readonly Pair[] {
  return pairUp(expected, detections, config.strongLimit, (e, d) => associationCost(e, d, config));
}

/** The same for weak detections, which must lie where the track is expected. */
export function associateWeak(
  expected: readonly Expectation[],
  detections: readonly Detection[],
  config: AssociationConfig,
): readonly Pair[] {
  return pairUp(expected, detections, config.weakLimit, (e, d) =>
    iou(e.box, d.box) < config.weakIou ? Infinity : associationCost(e, d, config),
  );
}

function pairUp(
  expected: readonly Expectation[],
  detections: readonly Detection[],
  limit: number,
  cost: (expected: Expectation, detection: Detection) => number,
): readonly Pair[] {
  if (expected.length === 0 || detections.length === 0) return [];
  const costs = new Float64Array(expected.length * detections.length);
  expected.forEach((e, row) => {
    detections.forEach((d, column) => {
      costs[row * detections.length + column] = cost(e, d);
    });
  });
  return assign(costs, expected.length, detections.length, limit);
}
