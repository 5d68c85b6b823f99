import type { Box } from '../detect/detection.ts';
import { dot, type Point } from '../scene/geometry.ts';
import type { Moment } from './trail.ts';

/**
 * Guards against a passage that nobody saw. An axle is placed from the box, and a box is what is visible: where a part of the vehicle
 * disappears behind another one, an edge moves though the vehicle stands.
 */

/** A passage is placed between two moments no further apart than this, milliseconds. */
const longestGap = 400;
/**
 * The box as a whole must have gone this share of the way of its foot. By perspective an upper edge moves less than a lower one: the roof of
 * a bus before a camera at 6.5 m goes a fifth of it. Where the vehicle stands, it goes nothing.
 */
const wholeShare = 0.12;
/** A lower edge is taken as hidden where the box lost more than this share of its height but not of its width. */
const shapeShare = 0.07;

/** True where the two moments are so near to each other that what happened between them was seen. */
export const isSeamless = (before: Moment, now: Moment): boolean =>
  now.time.elapsed - before.time.elapsed <= longestGap;

/**
 * True where the whole body has moved in the way of `direction` (length 1) over the last second, and not only an edge: opposite edges moved
 * the same way, and the lesser of them by a share of what the foot did. False where there is nothing to compare with.
 */
export function movedWhole({ earlier, box }: Moment, direction: Point): boolean {
  if (earlier === undefined) return false;
  const left = box.x - earlier.x;
  const right = left + box.width - earlier.width;
  const top = box.y - earlier.y;
  const bottom = top + box.height - earlier.height;
  const whole = dot({ x: common(left, right), y: common(top, bottom) }, direction);
  const foot = dot({ x: (left + right) / 2, y: bottom }, direction);
  return whole > 0 && whole >= wholeShare * foot;
}

/** The lesser of two movements the same way; 0 for opposite ones. */
const common = (a: number, b: number): number => (a * b <= 0 ? 0 : Math.sign(a) * Math.min(Math.abs(a), Math.abs(b)));

/**
 * How many pixels of the box's lower part may be hidden, against a box of the same vehicle from before: the height that it lacks for its
 * width. 0 where the height is as it should be.
 */
export function hiddenBelow(before: Box, now: Box): number {
  const height = before.height * Math.min(1, now.width / before.width);
  return now.height < (1 - shapeShare) * height ? height - now.height : 0;
}
