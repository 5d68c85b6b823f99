import type { Range } from '../quantise/affine.ts';

const bins = 2048;

/** How often values fell into equal steps of a range that holds them all. */
export class Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts = new Float64Array(bins);

  constructor(low: number, high: number) {
    this.low = low;
    this.high = high > low ? high : low + 1;
  }

  count(values: Float32Array): void {
    const { low, counts } = this;
    const width = this.high - low;
    for (const value of values) {
      // The share first: steps a unit would overflow where the whole range is barely more than zero.
      const bin = Math.min(bins - 1, Math.max(0, Math.floor(((value - low) / width) * bins)));
      counts[bin]! += 1;
    }
  }

  /** Value in the middle of a step. */
  centre(bin: number): number {
    return this.low + ((bin + 0.5) * (this.high - this.low)) / bins;
  }
}

/**
 * The range, inside what was seen and around zero, whose 255 steps lose least in mean square: rounding inside, saturation outside.
 *
 * Rounding costs `step^2 / 12` a value (uniform quantisation noise, Bennett 1948); saturation the squared distance to the end.
 */
export function leastSquaresRange(histogram: Histogram): Range {
  const shares = Array.from({ length: 64 }, (_, i) => (i + 1) / 64);
  let low = Math.min(histogram.low, 0);
  let high = Math.max(histogram.high, 0);
  // One end at a time, twice: the ends act on each other through the step alone, which moves little.
  for (let round = 0; round < 2; round++) {
    const [bottom, top] = [low, high];
    const lowest = Math.min(histogram.low, 0);
    const highest = Math.max(histogram.high, 0);
    high = best(
      shares.map((share) => share * highest),
      (end) => loss(histogram, bottom, end),
    );
    low = best(
      shares.map((share) => share * lowest),
      (end) => loss(histogram, end, high),
    );
    if (low === bottom && high === top) break;
  }
  return [low, high];
}

function loss(histogram: Histogram, low: number, high: number): number {
  const rounding = ((high - low) / 255) ** 2 / 12;
  return histogram.counts.reduce((sum, count, bin) => {
    if (count === 0) return sum;
    const value = histogram.centre(bin);
    const outside = value < low ? low - value : value > high ? value - high : 0;
    return sum + count * (outside === 0 ? rounding : outside ** 2);
  }, 0);
}

function best(values: readonly number[], cost: (value: number) => number): number {
  return values.reduce((least, value) => (cost(value) < cost(least) ? value : least));
}
