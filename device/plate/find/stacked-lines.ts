import { centreOf, directionOf, heightOf, uprightOf, widthOf } from './box-quad.ts';
import type { TextRegion } from './text-regions.ts';

/** How far apart and how unlike two lines of one plate may be, in heights of the upper line. */
const stack = { nearest: 0.6, farthest: 2.2, aside: 0.5, tallest: 1.8, widest: 2.6, turned: 0.9 } as const;

/** Pairs of regions that can be the upper and the lower line of one plate. */
export function stackedLines(regions: readonly TextRegion[]): readonly (readonly [TextRegion, TextRegion])[] {
  return regions.flatMap((upper) =>
    regions.filter((lower) => isBelow(upper, lower)).map((lower) => [upper, lower] as const),
  );
}

function isBelow(upper: TextRegion, lower: TextRegion): boolean {
  const [a, b] = [centreOf(upper.quad), centreOf(lower.quad)];
  const height = heightOf(upper.quad);
  const along = directionOf(upper.quad);
  const other = directionOf(lower.quad);
  const upright = uprightOf(upper.quad);
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const down = dx * upright.x + dy * upright.y;
  const aside = Math.abs(dx * along.x + dy * along.y);
  const ratio = (one: number, two: number) => Math.max(one, two) / Math.max(Math.min(one, two), 1e-9);
  return (
    down > stack.nearest * height &&
    down < stack.farthest * height &&
    aside < stack.aside * widthOf(upper.quad) &&
    ratio(height, heightOf(lower.quad)) < stack.tallest &&
    ratio(widthOf(upper.quad), widthOf(lower.quad)) < stack.widest &&
    along.x * other.x + along.y * other.y > stack.turned
  );
}
