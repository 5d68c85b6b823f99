import type { CaptureTime } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import { milliseconds } from '../kernel/units.ts';
import { overlap, sharedArea } from '../scene/geometry.ts';
import type { Subject } from './subject.ts';

/** Something that happened to a subject at a frame. */
export interface Happening {
  readonly subject: Subject;
  readonly frame: number;
  readonly time: CaptureTime;
  readonly box: Box;
}

/** Happenings further apart are two, however alike. */
const twinTime = milliseconds(600);
/** Frames back from the second happening in which the two must have been seen together to be compared there. */
const recently = 25;

/**
 * True where two subjects to whom the same happened at about the same time are one road user that the tracker has twice. Where both were seen in
 * one frame, their boxes of that frame decide: a vehicle close behind stands elsewhere then.
 */
export function isTwin(a: Happening, b: Happening): boolean {
  if (a.subject === b.subject) return false;
  const apart = Math.abs(a.time.elapsed - b.time.elapsed);
  if (apart > twinTime) return false;
  const { seen } = a.subject.trail;
  for (let i = seen.length - 1; i >= 0; i--) {
    const one = seen[i];
    if (one === undefined || one.frame < b.frame - recently) break;
    const other = one.frame <= b.frame ? boxAt(b.subject, one.frame) : undefined;
    if (other !== undefined) return same(one.box, other);
  }
  return apart < twinTime / 2 && same(a.box, b.box);
}

const boxAt = (subject: Subject, frame: number): Box | undefined =>
  subject.trail.seen.findLast((one) => one.frame === frame)?.box;

function same(a: Box, b: Box): boolean {
  const smaller = Math.min(a.width * a.height, b.width * b.height);
  return overlap(a, b) > 0.4 || sharedArea(a, b) > 0.75 * smaller;
}
