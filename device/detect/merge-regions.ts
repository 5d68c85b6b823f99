import { type Fraction, fraction } from '../kernel/units.ts';
import type { Box, Detection, ObjectClass } from './detection.ts';
import type { Region } from './sample.ts';

/** What one region saw, in pixels of the full picture. */
export interface RegionDetections {
  readonly region: Region;
  readonly detections: readonly Detection[];
}

/** Vehicles that one detector takes for one another: of two such boxes on one place, one is wrong. */
const lookalikes: ReadonlySet<ObjectClass> = new Set(['car', 'bus', 'truck']);

/** A box this close to a border that cuts through the picture, as a share of the region, shows a part of an object. */
const CUT_MARGIN = 0.015;
/** A cut box that lies in another box by this share of its own area is a part of that object. */
const PART_OF = 0.6;

/**
 * Joins what overlapping regions saw into one list: of several boxes on one object the best stays, and a part of an object that a
 * region's border cut off gives way to the whole.
 *
 * Ordered by falling score; the result is a subset of the input.
 */
export function mergeRegions(
  seen: readonly RegionDetections[],
  picture: { readonly width: number; readonly height: number },
  overlap: Fraction = fraction(0.5),
): Detection[] {
  const all = seen.flatMap(({ region, detections }) =>
    detections.map((detection) => ({ detection, cut: isCut(detection.box, region, picture) })),
  );
  // Whole objects first, so that a part can be held against them; then by score.
  all.sort((a, b) => Number(a.cut) - Number(b.cut) || b.detection.score - a.detection.score);
  const kept: Detection[] = [];
  for (const { detection, cut } of all) {
    const covered = kept.some((better) => {
      if (!alike(better.class, detection.class)) return false;
      const shared = intersection(better.box, detection.box);
      if (shared === 0) return false;
      const own = area(detection.box);
      const share = shared / (own + area(better.box) - shared);
      return share > overlap || (cut && shared > PART_OF * own);
    });
    if (!covered) kept.push(detection);
  }
  return kept.sort((a, b) => b.score - a.score);
}

function alike(a: ObjectClass, b: ObjectClass): boolean {
  return a === b || (lookalikes.has(a) && lookalikes.has(b));
}

function isCut(box: Box, region: Region, picture: { readonly width: number; readonly height: number }): boolean {
  const marginX = region.width * CUT_MARGIN;
  const marginY = region.height * CUT_MARGIN;
  const right = region.x + region.width;
  const bottom = region.y + region.height;
  return (
    (region.x > 0 && box.x < region.x + marginX) ||
    (region.y > 0 && box.y < region.y + marginY) ||
    (right < picture.width && box.x + box.width > right - marginX) ||
    (bottom < picture.height && box.y + box.height > bottom - marginY)
  );
}

function area(box: Box): number {
  return box.width * box.height;
}

function intersection(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
