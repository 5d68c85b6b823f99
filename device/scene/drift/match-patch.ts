import type { Picture } from '../../capture/frame.ts';
import { bestOf, betweenPixels, correlate, type Template, templateOf } from './correlate.ts';
import { halved, type LumaWindow, lumaWindow, part } from './luma-window.ts';

/** A square of the picture, as it was when the camera was calibrated. */
export interface ReferencePatch {
  /** Upper left corner, pixels. */
  readonly x: number;
  readonly y: number;
  /** `patchSize` squared, row-major. */
  readonly grey: Uint8Array;
}

/** Side of a patch, pixels. */
export const patchSize = 48;
/** How far a patch is looked for in every direction, pixels. */
export const reach = 64;
/** How far it is looked for first. */
const near = 12;
/** At a quarter of the size a patch between two pixels is less like itself than at its full size. */
const leastCoarse = 0.5;
/** Correlation from which a patch is taken as seen: below it is dark, wet, covered, or not where it was. */
const leastScore = 0.75;

/** A patch with its templates at full, half and a quarter of the size. */
export interface PreparedPatch {
  readonly x: number;
  readonly y: number;
  readonly full: Template;
  readonly half: Template;
  readonly quarter: Template;
}

export function preparePatch({ x, y, grey }: ReferencePatch): PreparedPatch {
  const full: LumaWindow = { width: patchSize, height: patchSize, data: grey };
  const half = halved(full);
  return { x, y, full: templateOf(full), half: templateOf(half), quarter: templateOf(halved(half)) };
}

/** Where a patch is now: how far from where it was, pixels, and how like itself; `hidden` where it is not to be seen. */
export type PatchSight =
  | { readonly kind: 'seen'; readonly dx: number; readonly dy: number; readonly score: number }
  | { readonly kind: 'hidden'; readonly score: number };

/**
 * Looks for a patch: near its place first, where it nearly always is, then over the whole reach. At a quarter of the size, then finer around
 * the best. Patches were chosen because nothing within reach looks like them, so the first place that does is the one.
 */
export function matchPatch(patch: PreparedPatch, picture: Picture): PatchSight {
  const close = matchWithin(patch, picture, near);
  return close.kind === 'seen' ? close : matchWithin(patch, picture, reach);
}

function matchWithin(patch: PreparedPatch, picture: Picture, by: number): PatchSight {
  // Multiples of four, so that a pixel of a quarter covers the same pixels in the template and in the window.
  const left = Math.min(by, patch.x) & ~3;
  const top = Math.min(by, patch.y) & ~3;
  const right = Math.min(by, picture.width - patch.x - patchSize) & ~3;
  const bottom = Math.min(by, picture.height - patch.y - patchSize) & ~3;
  if (right < 0 || bottom < 0) return { kind: 'hidden', score: 0 };
  const full = lumaWindow(picture, patch.x - left, patch.y - top, left + patchSize + right, top + patchSize + bottom);
  const half = halved(full);
  const quarter = halved(half);
  const coarse = bestOf(correlate(patch.quarter, quarter, [0, 0, (left + right) / 4, (top + bottom) / 4]));
  if (coarse.score < leastCoarse) return { kind: 'hidden', score: coarse.score };
  const middle = around(patch.half, half, 2 * coarse.x, 2 * coarse.y, 2);
  const fine = around(patch.full, full, 2 * middle.x, 2 * middle.y, 2);
  if (fine.score < leastScore) return { kind: 'hidden', score: fine.score };
  return { kind: 'seen', dx: fine.between.x - left, dy: fine.between.y - top, score: fine.score };
}

/** The best place within so many pixels of a guess. */
function around(template: Template, window: LumaWindow, x: number, y: number, by: number) {
  const [lastX, lastY] = [window.width - template.size, window.height - template.size];
  const [x0, y0] = [Math.max(0, x - by), Math.max(0, y - by)];
  const [right, down] = [Math.min(lastX, x + by) - x0, Math.min(lastY, y + by) - y0];
  const near = part(window, x0, y0, right + template.size, down + template.size);
  const scores = correlate(template, near, [0, 0, right, down]);
  const best = bestOf(scores);
  const between = betweenPixels(scores, best);
  return {
    x: best.x + x0,
    y: best.y + y0,
    score: best.score,
    between: { x: between.x + x0, y: between.y + y0 },
  };
}
