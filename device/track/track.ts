import type { CaptureTime } from '../capture/frame.ts';
import type { Box, ObjectClass } from '../detect/detection.ts';
import type { Votes } from './classes.ts';

/** Where a track was at one frame. */
export interface TrackPoint {
  /** Sequence number of the frame. */
  readonly frame: number;
  readonly time: CaptureTime;
  /** Box in pixels: the detection's own where `measured`, else the filter's prediction. */
  readonly box: Box;
  /** The detection's score, 0 where the box was predicted. */
  readonly score: number;
  readonly measured: boolean;
  /** What the detections of this frame gave to each class; absent where the box was predicted. */
  readonly votes?: Votes;
}

/** One road user over many frames. The points are in order of time; the oldest are thinned out when there are too many. */
export interface Track {
  /** From 1, never used twice in a run. */
  readonly id: number;
  /** By vote over the detections, weighed by score. */
  readonly class: ObjectClass;
  /** Share of that vote that each class has got; they sum to 1, a class without a vote is absent. */
  readonly votes: ReadonlyMap<ObjectClass, number>;
  /** `tentative`: too few detections to be believed; `confirmed`: seen now; `lost`: coasting on prediction; `ended`: will not change any more. */
  readonly status: 'tentative' | 'confirmed' | 'lost' | 'ended';
  readonly points: readonly TrackPoint[];
}

/** What one frame changed: every living confirmed track, and those that ended with this frame. */
export interface TrackUpdate {
  readonly live: readonly Track[];
  readonly ended: readonly Track[];
}

/** The newest point; every track has at least one. */
export function lastPoint(track: Track): TrackPoint {
  const point = track.points.at(-1);
  if (point === undefined) throw new RangeError(`track ${track.id} has no point`);
  return point;
}
