import type { Region } from './sample.ts';

/**
 * The regions for a picture about which the scene says nothing: the whole picture, and, where it is wider than 4:3, two overlapping
 * squares of its full height beside it. The whole picture squeezes 16:9 into the network's square and loses small vehicles; the squares
 * do not, but cut the large ones.
 */
export function automaticRegions(width: number, height: number): Region[] {
  const whole = { x: 0, y: 0, width, height };
  if (width <= (4 / 3) * height) return [whole];
  // Half a side of overlap for 16:9 would want three squares; two a little wider than high cover the width with a fifth in common.
  const edge = Math.min(width, Math.max(height, Math.round(width * 0.6)));
  return [whole, { x: 0, y: 0, width: edge, height }, { x: width - edge, y: 0, width: edge, height }];
}
