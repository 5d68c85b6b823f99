import type { Picture } from '../../capture/frame.ts';
import { contains, type Point, type Polygon } from '../geometry.ts';
import { correlate } from './correlate.ts';
import { type LumaWindow, lumaWindow } from './luma-window.ts';
import { matchPatch, patchSize, preparePatch, type ReferencePatch, reach } from './match-patch.ts';

/** Patches at most; each costs a third of a millisecond a look. */
export const mostPatches = 12;
/** Patches must stand this far from the border, so that a small move leaves them whole, pixels. */
const border = 16;
/** The picture is divided into so many cells, of which each gives one patch at most: patches far apart show a turn. */
const cells = { x: 6, y: 4 } as const;
/** Least strength of texture in its weaker direction: root mean square gradient, grey levels a pixel. */
const leastTexture = 3;
/** A place within reach, and further than this from the patch, that looks this much like it makes it useless. */
const alike = { px: 6, score: 0.85 } as const;

/**
 * Chooses the patches by which a later look tells whether the camera was moved: textured in both directions, unlike what is around them, and
 * off the `avoid`ed areas, where things move. `later` are other pictures of the same camera in the same position: a patch that is not
 * found in all of them at its place is left out. The best of each cell of the picture, the strongest first.
 */
export function chooseReferences(
  picture: Picture,
  avoid: readonly Polygon[],
  later: readonly Picture[] = [],
): readonly ReferencePatch[] {
  const best = new Map<number, Candidate[]>();
  const step = patchSize / 2;
  for (let y = border; y + patchSize + border <= picture.height; y += step) {
    for (let x = border; x + patchSize + border <= picture.width; x += step) {
      if (avoid.some((area) => touches(area, x, y))) continue;
      const grey = lumaWindow(picture, x, y, patchSize, patchSize);
      const texture = textureOf(grey);
      if (texture < leastTexture) continue;
      const cell = cellOf(x, picture.width, cells.x) + cells.x * cellOf(y, picture.height, cells.y);
      best.set(cell, [...(best.get(cell) ?? []), { x, y, grey: grey.data, texture }]);
    }
  }
  const chosen = [...best.values()].flatMap((candidates) => {
    const ordered = candidates.toSorted((a, b) => b.texture - a.texture).slice(0, 8);
    return ordered.find((one) => isUnique(one, picture) && later.every((other) => staysAt(one, other))) ?? [];
  });
  return chosen
    .toSorted((a, b) => b.texture - a.texture)
    .slice(0, mostPatches)
    .map(({ x, y, grey }) => ({ x, y, grey }));
}

interface Candidate extends ReferencePatch {
  readonly texture: number;
}

const cellOf = (at: number, size: number, count: number): number =>
  Math.min(count - 1, Math.floor((at * count) / size));

/** Whether a patch and an area have a point in common, as far as a grid of points in the patch tells; areas are far larger. */
function touches(area: Polygon, x: number, y: number): boolean {
  const steps = [0, patchSize / 2, patchSize];
  const isInPatch = (point: Point): boolean =>
    point.x >= x && point.x <= x + patchSize && point.y >= y && point.y <= y + patchSize;
  return area.some(isInPatch) || steps.some((dx) => steps.some((dy) => contains(area, { x: x + dx, y: y + dy })));
}

/** Root of the smaller eigenvalue of the mean structure tensor (J. Shi, C. Tomasi, Good Features to Track, 1994). */
function textureOf({ width, height, data }: LumaWindow): number {
  let [xx, xy, yy] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const gx = ((data[at + 1] ?? 0) - (data[at - 1] ?? 0)) / 2;
      const gy = ((data[at + width] ?? 0) - (data[at - width] ?? 0)) / 2;
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
    }
  }
  const count = (width - 2) * (height - 2);
  const smaller = (xx + yy) / 2 - Math.hypot((xx - yy) / 2, xy);
  return Math.sqrt(Math.max(0, smaller) / count);
}

/** Whether nothing else within reach looks like the patch, at a quarter of the size, where it is looked for first. */
function isUnique(patch: ReferencePatch, picture: Picture): boolean {
  const { full } = preparePatch(patch);
  const [left, top] = [Math.min(reach, patch.x), Math.min(reach, patch.y)];
  const right = Math.min(reach, picture.width - patch.x - patchSize);
  const bottom = Math.min(reach, picture.height - patch.y - patchSize);
  const window = lumaWindow(picture, patch.x - left, patch.y - top, left + patchSize + right, top + patchSize + bottom);
  const { columns, values } = correlate(full, window, [0, 0, left + right, top + bottom]);
  return values.every((score, i) => {
    const away = Math.hypot((i % columns) - left, Math.floor(i / columns) - top);
    return away <= alike.px || score < alike.score;
  });
}

/** Whether a patch is found at its place in another picture. */
function staysAt(patch: ReferencePatch, picture: Picture): boolean {
  const sight = matchPatch(preparePatch(patch), picture);
  return sight.kind === 'seen' && Math.hypot(sight.dx, sight.dy) < 1 && sight.score > 0.9;
}
