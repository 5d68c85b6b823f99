import { type Fraction, fraction } from '../../kernel/units.ts';
import { grown, heightOf, widthOf } from '../find/box-quad.ts';
import type { Pixels } from '../find/scale-picture.ts';
import type { Quad } from '../plate-reader.ts';
import { rectify } from './rectify.ts';

/** Rows that the text's region takes in the patch that is looked at. */
const ROWS = 12;
/** How far around the region the plate's edge is looked for, in heights of the region. */
const around = { ends: 1, above: 0.9 } as const;
/** An edge is a step of this share of the text's own contrast. */
const STEP = 0.25;

/**
 * How much of a text's surroundings end at an edge, as a plate does and paint on a door does not: the share of rows, at the weaker end,
 * and of columns, at the weaker of top and foot, along which the ground that the text stands on changes within about one height.
 */
export function framedOf(crop: Pixels, quad: Quad): Fraction {
  const height = heightOf(quad);
  const columns = Math.max(ROWS, Math.min(8 * ROWS, Math.round((ROWS * widthOf(quad)) / Math.max(height, 1e-6))));
  const [ends, above] = [Math.round(around.ends * ROWS), Math.round(around.above * ROWS)];
  const [width, tall] = [columns + 2 * ends, ROWS + 2 * above];
  const patch = rectify(crop, grown(quad, around.ends * height, around.above * height), width, tall);
  const light = (i: number) =>
    0.299 * (patch[i * 3] ?? 0) + 0.587 * (patch[i * 3 + 1] ?? 0) + 0.114 * (patch[i * 3 + 2] ?? 0);
  const own: { readonly i: number; readonly light: number }[] = [];
  for (let y = above; y < above + ROWS; y += 1) {
    for (let x = ends; x < ends + columns; x += 1) own.push({ i: y * width + x, light: light(y * width + x) });
  }
  own.sort((a, b) => a.light - b.light);
  const level = (share: number) => own[Math.min(own.length - 1, Math.floor(share * own.length))] ?? { i: 0, light: 0 };
  const contrast = level(0.95).light - level(0.05).light;
  if (contrast < 8) return fraction(0);
  // Most of a line of text is its ground: the pixels on the median's side of the middle.
  const bright = level(0.5).light > (level(0.95).light + level(0.05).light) / 2;
  const grounds = bright ? own.slice(Math.floor(own.length * 0.6)) : own.slice(0, Math.floor(own.length * 0.4));
  const ground = [0, 1, 2].map(
    (channel) => grounds.reduce((sum, { i }) => sum + (patch[i * 3 + channel] ?? 0), 0) / Math.max(1, grounds.length),
  );
  const departs = (pixels: readonly number[]) =>
    pixels.some((i) =>
      ground.some((value, channel) => Math.abs((patch[i * 3 + channel] ?? 0) - value) > STEP * contrast),
    );
  const side = (count: number, line: (i: number) => readonly number[]) => {
    let found = 0;
    for (let i = 0; i < count; i += 1) if (departs(line(i))) found += 1;
    return found / count;
  };
  const at = (x: number, y: number) => y * width + x;
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const left = side(ROWS, (i) => range(0, ends).map((x) => at(x, above + i)));
  const right = side(ROWS, (i) => range(ends + columns, width).map((x) => at(x, above + i)));
  const top = side(columns, (i) => range(0, above).map((y) => at(ends + i, y)));
  const foot = side(columns, (i) => range(above + ROWS, tall).map((y) => at(ends + i, y)));
  return fraction((Math.min(left, right) + Math.min(top, foot)) / 2);
}
