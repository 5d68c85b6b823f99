import type { Point } from '../../scene/geometry.ts';

/** A connected piece of the probability map. */
export interface Component {
  /** Outer corners of its outermost pixels in each row: enough for its convex hull. */
  readonly outline: readonly Point[];
  /** Pixels. */
  readonly area: number;
  /** Mean probability of its pixels. */
  readonly score: number;
}

/**
 * Connected components (8 neighbours) of the pixels at or above `threshold` in a map of `width` x `height`, largest first, at most `most`;
 * those below `leastArea` are left out.
 */
export function componentsOf(
  map: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  { threshold, leastArea, most }: { readonly threshold: number; readonly leastArea: number; readonly most: number },
): readonly Component[] {
  const seen = new Uint8Array(width * height);
  const stack = new Int32Array(width * height);
  const leftmost = new Int32Array(height);
  const rightmost = new Int32Array(height);
  const found: Component[] = [];
  for (let start = 0; start < seen.length; start += 1) {
    if (seen[start] === 1 || !((map[start] as number) >= threshold)) continue;
    let depth = 0;
    stack[depth++] = start;
    seen[start] = 1;
    let [area, sum] = [0, 0];
    const top = Math.floor(start / width);
    let bottom = top;
    leftmost.fill(width, top);
    rightmost.fill(-1, top);
    while (depth > 0) {
      const at = stack[--depth] as number;
      const y = Math.floor(at / width);
      const x = at - y * width;
      area += 1;
      sum += map[at] as number;
      bottom = Math.max(bottom, y);
      leftmost[y] = Math.min(leftmost[y] as number, x);
      rightmost[y] = Math.max(rightmost[y] as number, x);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny += 1) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx += 1) {
          const next = ny * width + nx;
          if (seen[next] === 1 || !((map[next] as number) >= threshold)) continue;
          seen[next] = 1;
          stack[depth++] = next;
        }
      }
    }
    if (area < leastArea) continue;
    const outline: Point[] = [];
    for (let y = top; y <= bottom; y += 1) {
      const [left, right] = [leftmost[y] as number, (rightmost[y] as number) + 1];
      outline.push({ x: left, y }, { x: right, y }, { x: left, y: y + 1 }, { x: right, y: y + 1 });
    }
    found.push({ outline, area, score: sum / area });
  }
  return found.sort((a, b) => b.area - a.area).slice(0, most);
}
