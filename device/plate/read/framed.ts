import { type Fraction, fraction } from '../../kernel/units.ts';
import { grown, heightOf, widthOf } from '../find/box-quad.ts';
import type { Pixels } from '../find/scale-picture.ts';
import type { Quad } from '../plate-reader.ts';
import { lightnessOf, whitest } from './lightness.ts';
import { rectify } from './rectify.ts';

/** Rows that the text's region takes in the patch that is looked at. */
const ROWS = 12;
/** How far around the region the plate's edge is looked for, in heights of the region. */
const around = { ends: 1, above: 0.9 } as const;
/** An edge is a step of this share of the text's own contrast. */
const STEP = 0.25;
/** Of 255: text with less contrast has no ground. */
const leastContrast = 8;

/** A patch around a text, `ends` columns at either end of it and `above` rows above and below. */
interface Patch {
  readonly data: Uint8Array;
  readonly width: number;
  readonly tall: number;
  readonly columns: number;
  readonly ends: number;
  readonly above: number;
}

/**
 * How much of a text's surroundings end at an edge, as a plate does and paint on a door does not: the share of rows, at the weaker end,
 * and of columns, at the weaker of top and foot, along which the ground that the text stands on changes within about one height.
 */
export function framedOf(crop: Pixels, quad: Quad): Fraction {
  const height = heightOf(quad);
  const columns = Math.max(ROWS, Math.min(8 * ROWS, Math.round((ROWS * widthOf(quad)) / Math.max(height, 1e-6))));
  const [ends, above] = [Math.round(around.ends * ROWS), Math.round(around.above * ROWS)];
  const [width, tall] = [columns + 2 * ends, ROWS + 2 * above];
  const data = rectify(crop, grown(quad, around.ends * height, around.above * height), width, tall);
  const ground = groundOf({ data, width, tall, columns, ends, above });
  if (ground === undefined) return fraction(0);
  const { red, green, blue, step } = ground;
  /** True where one of `count` pixels, `stride` apart, is not of the ground. */
  const departs = (from: number, count: number, stride: number): boolean => {
    for (let i = 0, at = from * 3; i < count; i += 1, at += stride * 3) {
      if (Math.abs(data[at]! - red) > step) return true;
      if (Math.abs(data[at + 1]! - green) > step) return true;
      if (Math.abs(data[at + 2]! - blue) > step) return true;
    }
    return false;
  };
  let [left, right, top, foot] = [0, 0, 0, 0];
  for (let y = above; y < above + ROWS; y += 1) {
    if (departs(y * width, ends, 1)) left += 1;
    if (departs(y * width + ends + columns, ends, 1)) right += 1;
  }
  for (let x = ends; x < ends + columns; x += 1) {
    if (departs(x, above, width)) top += 1;
    if (departs((above + ROWS) * width + x, above, width)) foot += 1;
  }
  return fraction((Math.min(left, right) / ROWS + Math.min(top, foot) / columns) / 2);
}

/** Mean colour of what a text stands on, and how far a colour may be from it; undefined for text without contrast. */
function groundOf({ data, width, tall, columns, ends, above }: Patch) {
  const light = lightnessOf(data, width * tall);
  const count = columns * ROWS;
  // The pixels of the text itself in order of their lightness, each as its lightness and its place: numbers are ordered by the engine.
  const order = new Float64Array(count);
  for (let i = 0, y = above; y < above + ROWS; y += 1) {
    for (let x = ends; x < ends + columns; x += 1, i += 1)
      order[i] = light[y * width + x]! * light.length + y * width + x;
  }
  order.sort();
  const level = (share: number): number =>
    (Math.floor(order[Math.min(count - 1, Math.floor(share * count))]! / light.length) / whitest) * 255;
  const [dark, middle, bright] = [level(0.05), level(0.5), level(0.95)];
  const contrast = bright - dark;
  if (contrast < leastContrast) return undefined;
  // Most of a line of text is its ground: the pixels on the median's side of the middle.
  const isBright = middle > (bright + dark) / 2;
  const [from, to] = isBright ? [Math.floor(count * 0.6), count] : [0, Math.floor(count * 0.4)];
  let [red, green, blue] = [0, 0, 0];
  for (let i = from; i < to; i += 1) {
    const at = (order[i]! % light.length) * 3;
    red += data[at]!;
    green += data[at + 1]!;
    blue += data[at + 2]!;
  }
  const share = 1 / Math.max(1, to - from);
  return { red: red * share, green: green * share, blue: blue * share, step: STEP * contrast };
}
