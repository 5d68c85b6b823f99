/** The largest lightness: white. */
export const whitest = 255_000;

/** Lightness of each pixel of an interleaved RGB picture, 0 to `whitest`: ITU-R BT.601's weights, in whole numbers. */
export function lightnessOf(data: Uint8Array, pixels: number): Int32Array {
  const light = new Int32Array(pixels);
  for (let i = 0, at = 0; i < pixels; i += 1, at += 3)
    light[i] = 299 * data[at]! + 587 * data[at + 1]! + 114 * data[at + 2]!;
  return light;
}

const BITS = 9;

/**
 * The value below which a share of the values lies: the one at `floor(share * count)` in ascending order, without putting them in order.
 * Values from 0 to `whitest`; 0 where there is none.
 */
export function percentile(values: Int32Array, share: number): number {
  let left = Math.min(values.length - 1, Math.floor(share * values.length));
  if (left < 0) return 0;
  // First among the upper bits, then among the lower ones of those that agree in the upper.
  const upper = new Int32Array((whitest >> BITS) + 1);
  for (let i = 0; i < values.length; i += 1) upper[values[i]! >> BITS]! += 1;
  let high = 0;
  for (; left >= upper[high]!; high += 1) left -= upper[high]!;
  const lower = new Int32Array(1 << BITS);
  for (let i = 0; i < values.length; i += 1)
    if (values[i]! >> BITS === high) lower[values[i]! & ((1 << BITS) - 1)]! += 1;
  let low = 0;
  for (; left >= lower[low]!; low += 1) left -= lower[low]!;
  return (high << BITS) | low;
}
