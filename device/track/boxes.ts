import type { Box } from '../detect/detection.ts';

/** Geometry of boxes. All lengths in pixels of the full picture. */

/** Centre of a box. */
export function centre(box: Box): { readonly x: number; readonly y: number } {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The length by which distances of a box are judged: the side of the square with the same area, at least 1 px. */
export function sizeOf(box: Box): number {
  return Math.max(1, Math.sqrt(box.width * box.height));
}

/** Distance between the centres. */
export function centreDistance(a: Box, b: Box): number {
  const p = centre(a);
  const q = centre(b);
  return Math.hypot(p.x - q.x, p.y - q.y);
}

/** Area that both boxes cover. */
export function intersection(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union, 0 to 1. */
export function iou(a: Box, b: Box): number {
  const shared = intersection(a, b);
  return shared === 0 ? 0 : shared / (a.width * a.height + b.width * b.height - shared);
}

/** How much of `part` lies within `whole`, 0 to 1. */
export function containment(part: Box, whole: Box): number {
  return intersection(part, whole) / (part.width * part.height);
}

/** How alike two boxes are but for their place: ratio of widths times ratio of heights, 1 for equal ones. */
export function shapeLikeness(a: Box, b: Box): number {
  const widths = Math.min(a.width, b.width) / Math.max(a.width, b.width);
  const heights = Math.min(a.height, b.height) / Math.max(a.height, b.height);
  return widths * heights;
}

/** True for finite numbers and a positive area: what a detector must deliver and the filter can follow. */
export function isUsable(box: Box): boolean {
  return (
    Number.isFinite(box.x) &&
    Number.isFinite(box.y) &&
    Number.isFinite(box.width) &&
    Number.isFinite(box.height) &&
    box.width > 0 &&
    box.height > 0
  );
}
