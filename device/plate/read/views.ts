import { stripHeight } from '../engine/plate-engine.ts';
import { boundingQuad, directionOf, grown, heightOf, widthOf } from '../find/box-quad.ts';
import type { Pixels } from '../find/scale-picture.ts';
import { findDefaults, type TextRegion } from '../find/text-regions.ts';
import type { Quad } from '../plate-reader.ts';
import { rectify } from './rectify.ts';

/** Pixels; what the network takes widths in. */
const STEP = 8;
const narrowest = 64;
const widest = 480;

/** What is read as one text: one line, or two that stand one above the other. */
export type Lines = readonly [TextRegion] | readonly [TextRegion, TextRegion];

export interface Strip {
  readonly data: Uint8Array;
  /** A multiple of 8. */
  readonly width: number;
}

/**
 * Ways to cut the same text out: none knows the true corners, and what two of them read alike is likelier right than what one reads
 * surely.
 */
export interface View {
  /** `level`: along the least rectangle; `upright`: sides kept vertical, as a camera beside the road sees a plate that is turned away. */
  readonly shape: 'level' | 'upright';
  /** Margin added at the ends and above and below, in heights of the region. */
  readonly sideways: number;
  readonly around: number;
  /** Horizontal stretch. */
  readonly stretch: number;
}

export const views: readonly [View, ...View[]] = [
  { shape: 'level', sideways: 0.12, around: 0, stretch: 1 },
  { shape: 'upright', sideways: 0.12, around: -0.05, stretch: 1.2 },
  { shape: 'level', sideways: 0.2, around: 0.08, stretch: 1.1 },
  { shape: 'upright', sideways: 0.05, around: -0.08, stretch: 0.95 },
  { shape: 'level', sideways: 0.12, around: 0, stretch: 0.8 },
  { shape: 'level', sideways: 0.06, around: -0.1, stretch: 1 },
];

/** The quad of a region as a view cuts it. */
export function quadOf(region: TextRegion, { shape, sideways, around }: View): Quad {
  const quad = shape === 'level' ? region.quad : uprightQuad(region);
  const height = heightOf(quad);
  return grown(quad, sideways * height, around * height);
}

function uprightQuad({ kernel, quad }: TextRegion): Quad {
  const tight = boundingQuad(kernel, directionOf(quad), { x: 0, y: 1 });
  const [width, height] = [widthOf(tight), heightOf(tight)];
  const offset = (width * height * findDefaults.unclip) / (2 * (width + height));
  return grown(tight, offset, offset);
}

/** The text as a strip of 48 rows; two lines stand one after the other. */
export function stripOf(crop: Pixels, lines: Lines, view: View): Strip {
  const quads = lines.map((region) => quadOf(region, view));
  const widths = quads.map((quad) => stripWidth(quad, view.stretch, lines.length));
  const width = widths.reduce((sum, one) => sum + one, 0);
  const data = new Uint8Array(stripHeight * width * 3);
  let from = 0;
  for (const [i, quad] of quads.entries()) {
    const own = widths[i] ?? 0;
    rectify(crop, quad, own, stripHeight, data.subarray(from * 3), width * 3);
    from += own;
  }
  return { data, width };
}

function stripWidth(quad: Quad, stretch: number, lines: number): number {
  const wanted = (stripHeight * widthOf(quad) * stretch) / Math.max(heightOf(quad), 1e-6);
  return Math.round(Math.min(widest / lines, Math.max(narrowest / lines, wanted)) / STEP) * STEP;
}
