import type { Point } from '../../scene/geometry.ts';
import type { Quad } from '../plate-reader.ts';
import { centreOf, convexHull, directionOf, grown, heightOf, leastRectangle, widthOf } from './box-quad.ts';
import { componentsOf } from './components.ts';
import type { Extent } from './working-size.ts';

/** A line of text as the finder saw it, in pixels of the crop. */
export interface TextRegion {
  /** Convex hull of the finder's kernel, which is narrower than the text. */
  readonly kernel: readonly Point[];
  /** The text with a small margin: the least rectangle around the kernel, moved out again. */
  readonly quad: Quad;
  /** Mean probability of the kernel's pixels. */
  readonly score: number;
  /** How many pieces of the map were joined. */
  readonly pieces: number;
}

export const findDefaults = {
  /** Probability from which a pixel is text: low, because a plate's format decides later. PaddleOCR's default. */
  threshold: 0.3,
  /** Pixels of the map. */
  leastArea: 12,
  most: 24,
  /**
   * The network marks text that was shrunk; the kernel is moved out by area x ratio / perimeter (Liao et al. 2020, Real-time scene text
   * detection with differentiable binarization, section 3.4, with PaddleOCR's ratio for this network).
   */
  unclip: 1.5,
} as const;

/** Regions of a probability map of the size `map`, placed in the crop; largest first. */
export function regionsOf(probability: Float32Array, map: Extent, crop: Extent): readonly TextRegion[] {
  const [sx, sy] = [crop.width / map.width, crop.height / map.height];
  return componentsOf(probability, map, findDefaults).map(({ outline, score }) =>
    regionAround(convexHull(outline.map(({ x, y }) => ({ x: x * sx, y: y * sy }))), score, 1),
  );
}

function regionAround(kernel: readonly Point[], score: number, pieces: number): TextRegion {
  const tight = leastRectangle(kernel);
  const [width, height] = [widthOf(tight), heightOf(tight)];
  const offset = (width * height * findDefaults.unclip) / (2 * (width + height));
  return { kernel, quad: grown(tight, offset, offset), score, pieces };
}

/** Pieces of one line: how alike they must be, in heights of the smaller one. */
const line = { tallest: 1.6, gap: 1.8, drift: 0.35, slope: 0.3 } as const;

/**
 * Lines that the finder broke at a wide gap, a dot or a coat of arms: every run of up to `longest` neighbouring pieces that stand on one
 * line, as one region. The pieces themselves are not among them.
 */
export function joinedLines(regions: readonly TextRegion[], longest = 4): readonly TextRegion[] {
  const sorted = [...regions].sort((a, b) => centreOf(a.quad).x - centreOf(b.quad).x);
  const joined: TextRegion[] = [];
  const extend = (run: readonly TextRegion[]) => {
    const last = run.at(-1);
    if (last === undefined || run.length >= longest) return;
    const next = sorted.slice(sorted.indexOf(last) + 1).find((piece) => continues(last, piece));
    if (next === undefined) return;
    const longer = [...run, next];
    joined.push(joinAll(longer));
    extend(longer);
  };
  for (const region of sorted) extend([region]);
  return joined;
}

function joinAll(pieces: readonly TextRegion[]): TextRegion {
  const score = Math.min(...pieces.map((piece) => piece.score));
  return regionAround(convexHull(pieces.flatMap((piece) => piece.kernel)), score, pieces.length);
}

/** True where `next` stands to the right of `before` on the same line. */
function continues(before: TextRegion, next: TextRegion): boolean {
  const [first, second] = [heightOf(before.quad), heightOf(next.quad)];
  const small = Math.min(first, second);
  if (Math.max(first, second) > line.tallest * small) return false;
  const [a, b] = [centreOf(before.quad), centreOf(next.quad)];
  const apart = Math.hypot(b.x - a.x, b.y - a.y);
  const gap = apart - (widthOf(before.quad) + widthOf(next.quad)) / 2;
  if (gap > line.gap * small || gap < -small) return false;
  // The longer piece knows the line's direction better.
  const along = directionOf(widthOf(before.quad) >= widthOf(next.quad) ? before.quad : next.quad);
  const drift = Math.abs((b.x - a.x) * -along.y + (b.y - a.y) * along.x);
  return drift <= line.drift * small + line.slope * Math.max(0, gap) * 0.5;
}
