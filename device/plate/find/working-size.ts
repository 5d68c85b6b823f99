/** The network halves its picture five times. */
const STEP = 32;

export interface Extent {
  readonly width: number;
  readonly height: number;
}

/**
 * The size at which a crop is searched: its longer side at `longest`, but enlarged no more than `enlargement` times, both sides multiples
 * of 32 and at least 32. Stretches either side by at most half a step.
 */
export function workingSize(crop: Extent, longest: number, enlargement: number): Extent {
  const scale = Math.min(enlargement, longest / Math.max(crop.width, crop.height));
  const side = (length: number) => Math.max(1, Math.round((length * scale) / STEP)) * STEP;
  return { width: side(crop.width), height: side(crop.height) };
}
