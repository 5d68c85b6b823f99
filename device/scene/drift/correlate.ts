import type { LumaWindow } from './luma-window.ts';

/** Where a template fits best in a window, and how well: its upper left corner, and the normalised cross-correlation there, -1 to 1. */
export interface Fit {
  readonly x: number;
  readonly y: number;
  readonly score: number;
}

/** A template with what correlation needs of it, worked out once. */
export interface Template {
  readonly size: number;
  /** Less its mean. */
  readonly centred: Float32Array;
  /** Root of the sum of its squares; 0 for a template of one grey. */
  readonly norm: number;
}

export function templateOf({ width, data }: LumaWindow): Template {
  let sum = 0;
  for (const value of data) sum += value;
  const mean = sum / data.length;
  const centred = Float32Array.from(data, (value) => value - mean);
  let squares = 0;
  for (const value of centred) squares += value * value;
  return { size: width, centred, norm: Math.sqrt(squares) };
}

/** Correlation where the window has less contrast than this (root mean square, grey levels) says nothing. */
const leastContrast = 2;

/** Scores of a template at every place of a window from (x0, y0) to (x1, y1), row-major. */
export interface Scores {
  readonly columns: number;
  readonly values: Float32Array;
}

/**
 * Normalised cross-correlation (J. P. Lewis, Fast Normalized Cross-Correlation, 1995) at the places x0..x1, y0..y1 of the template's corner. It
 * does not change with brightness and contrast. Places without contrast score 0.
 */
export function correlate(
  { size, centred, norm }: Template,
  window: LumaWindow,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
): Scores {
  const columns = x1 - x0 + 1;
  const values = new Float32Array(columns * (y1 - y0 + 1));
  const { sums, squares, stride } = integrals(window);
  const { data, width } = window;
  const count = size * size;
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const [a, b] = [y * stride + x, (y + size) * stride + x];
      const sum = (sums[b + size] ?? 0) - (sums[b] ?? 0) - (sums[a + size] ?? 0) + (sums[a] ?? 0);
      const square = (squares[b + size] ?? 0) - (squares[b] ?? 0) - (squares[a + size] ?? 0) + (squares[a] ?? 0);
      const spread = square - (sum * sum) / count;
      if (norm === 0 || spread < count * leastContrast ** 2) continue;
      let cross = 0;
      for (let row = 0, t = 0; row < size; row++) {
        const from = (y + row) * width + x;
        for (let i = 0; i < size; i++, t++) cross += (centred[t] as number) * (data[from + i] as number);
      }
      values[(y - y0) * columns + x - x0] = cross / (norm * Math.sqrt(spread));
    }
  }
  return { columns, values };
}

/** The place of the greatest score. */
export function bestOf({ columns, values }: Scores): Fit {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return { x: best % columns, y: Math.floor(best / columns), score: values[best] ?? 0 };
}

/** Where the greatest score lies between the pixels, by a parabola through it and its neighbours in each direction. */
export function betweenPixels({ columns, values }: Scores, { x, y }: Fit): { readonly x: number; readonly y: number } {
  const rows = values.length / columns;
  const at = (column: number, row: number): number => values[row * columns + column] ?? 0;
  const peak = (before: number, here: number, after: number): number => {
    const bend = before - 2 * here + after;
    return bend < 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend))) : 0;
  };
  return {
    x: x + (x > 0 && x < columns - 1 ? peak(at(x - 1, y), at(x, y), at(x + 1, y)) : 0),
    y: y + (y > 0 && y < rows - 1 ? peak(at(x, y - 1), at(x, y), at(x, y + 1)) : 0),
  };
}

/** Sums and sums of squares of everything above and to the left. Exact: 255^2 times a window's pixels is far below 2^53. */
function integrals({ width, height, data }: LumaWindow) {
  const stride = width + 1;
  const sums = new Float64Array(stride * (height + 1));
  const squares = new Float64Array(stride * (height + 1));
  for (let y = 0; y < height; y++) {
    let [sum, square] = [0, 0];
    for (let x = 0; x < width; x++) {
      const value = data[y * width + x] as number;
      sum += value;
      square += value * value;
      const at = (y + 1) * stride + x + 1;
      sums[at] = (sums[at - stride] as number) + sum;
      squares[at] = (squares[at - stride] as number) + square;
    }
  }
  return { sums, squares, stride };
}
