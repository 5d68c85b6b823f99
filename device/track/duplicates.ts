import { type Box, type Detection, objectClasses } from '../detect/detection.ts';
import type { Milliseconds } from '../kernel/units.ts';
import { containment, iou, isUsable } from './boxes.ts';
import { addVotes, kindOf, type Votes } from './classes.ts';

/** What to take for the same road user seen twice. */
export interface DuplicateConfig {
  /** Detections of one kind with this IoU are one object under two classes: the higher score stays, both vote. */
  readonly foldIou: number;
  /** Tracks of one kind with this IoU are one object once they have had it for `mergeAfter`; a detection with it begins no track. */
  readonly mergeIou: number;
  readonly mergeAfter: Milliseconds;
  /** A box with this share within a tracked box of its kind may be a part of it (cut off by a tile's border) ... */
  readonly partShare: number;
  /** ... so its track is confirmed only when it has lasted this long. */
  readonly partPatience: Milliseconds;
}

/** A detection with what its doubles said of the class. */
export interface Candidate {
  readonly detection: Detection;
  readonly votes: Votes;
}

/**
 * Orders detections by their content, so that nothing depends on the order of arrival, drops boxes without area or number, and folds
 * doubles (a class-blind suppression within a kind).
 */
export function foldDoubles(detections: readonly Detection[], config: DuplicateConfig): readonly Candidate[] {
  const kept: { detection: Detection; votes: Votes }[] = [];
  for (const detection of detections.filter((d) => isUsable(d.box) && d.score > 0).sort(byContent)) {
    const votes: Votes = { [detection.class]: detection.score };
    const double = kept.find((k) => isDouble(k.detection, detection, config.foldIou));
    if (double === undefined) kept.push({ detection, votes });
    else double.votes = addVotes(double.votes, votes);
  }
  return kept;
}

function byContent(a: Detection, b: Detection): number {
  return (
    b.score - a.score ||
    a.box.x - b.box.x ||
    a.box.y - b.box.y ||
    a.box.width - b.box.width ||
    a.box.height - b.box.height ||
    objectClasses.indexOf(a.class) - objectClasses.indexOf(b.class)
  );
}

/** True for two boxes of one kind that overlap by `least` or more. */
export function isDouble(a: Detection, b: Detection, least: number): boolean {
  return kindOf(a.class) === kindOf(b.class) && iou(a.box, b.box) >= least;
}

/** True where `part` may be a piece of one of `wholes`. */
export function mayBePart(part: Box, wholes: readonly Box[], config: DuplicateConfig): boolean {
  return wholes.some(
    (whole) => whole.width * whole.height > part.width * part.height && containment(part, whole) >= config.partShare,
  );
}
