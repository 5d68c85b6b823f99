import { cross, dot, type Point, subtract, unit } from '../../scene/geometry.ts';
import type { Quad } from '../plate-reader.ts';

/** Corners of the convex hull, anticlockwise in mathematical axes (Andrew's monotone chain). */
export function convexHull(points: readonly Point[]): readonly Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const half = (ordered: readonly Point[]) => {
    const chain: Point[] = [];
    for (const point of ordered) {
      for (;;) {
        const [before, last] = [chain.at(-2), chain.at(-1)];
        if (before === undefined || last === undefined) break;
        if (cross(subtract(last, before), subtract(point, before)) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** Extremes of the points along two directions (not necessarily at right angles), as a quad: `along` to the right, `down` below. */
export function boundingQuad(points: readonly Point[], along: Point, down: Point): Quad {
  // A point is a*along + b*down; the coefficients by Cramer's rule.
  const whole = cross(along, down);
  let [left, right, top, bottom] = [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (const point of points) {
    const a = cross(point, down) / whole;
    const b = cross(along, point) / whole;
    left = Math.min(left, a);
    right = Math.max(right, a);
    top = Math.min(top, b);
    bottom = Math.max(bottom, b);
  }
  const corner = (a: number, b: number) => ({ x: a * along.x + b * down.x, y: a * along.y + b * down.y });
  return [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)];
}

/**
 * The rectangle of least area around the points (one of its sides lies on a side of the hull: Freeman and Shapira 1975), its first corner
 * the top left one for text along its longer side, read from left to right.
 */
export function leastRectangle(points: readonly Point[]): Quad {
  const hull = convexHull(points);
  let best: { readonly quad: Quad; readonly area: number } | undefined;
  for (const [i, from] of hull.entries()) {
    const direction = unit(subtract(hull[(i + 1) % hull.length] ?? from, from));
    if (direction === undefined) continue;
    const quad = boundingQuad(hull, direction, { x: -direction.y, y: direction.x });
    const area = widthOf(quad) * heightOf(quad);
    if (best === undefined || area < best.area) best = { quad, area };
  }
  const quad = best?.quad ?? boundingQuad(points, { x: 1, y: 0 }, { x: 0, y: 1 });
  return asRead(quad);
}

/** The same rectangle with its corners turned so that its longer side is the text's direction, and that points to the right. */
function asRead(quad: Quad): Quad {
  const [a, b, c, d] = quad;
  const turned: Quad = widthOf(quad) >= heightOf(quad) ? quad : [b, c, d, a];
  const [p, q, r, s] = turned;
  return q.x >= p.x ? turned : [r, s, p, q];
}

/** Mean length of the upper and lower side. */
export const widthOf = ([a, b, c, d]: Quad): number =>
  (Math.hypot(b.x - a.x, b.y - a.y) + Math.hypot(c.x - d.x, c.y - d.y)) / 2;
/** Area over width: for a slanted quad the distance between its upper and lower side. */
export const heightOf = (quad: Quad): number => {
  const [a, b, c, d] = quad;
  const area = Math.abs(cross(subtract(c, a), subtract(d, b))) / 2;
  return area / Math.max(widthOf(quad), 1e-9);
};
export const centreOf = ([a, b, c, d]: Quad): Point => ({
  x: (a.x + b.x + c.x + d.x) / 4,
  y: (a.y + b.y + c.y + d.y) / 4,
});

/** Direction of the text, length 1. */
export const directionOf = ([a, b, c, d]: Quad): Point =>
  unit({ x: b.x - a.x + c.x - d.x, y: b.y - a.y + c.y - d.y }) ?? { x: 1, y: 0 };
/** Direction from the text's top to its foot, length 1. */
export const uprightOf = ([a, b, c, d]: Quad): Point =>
  unit({ x: d.x - a.x + c.x - b.x, y: d.y - a.y + c.y - b.y }) ?? { x: 0, y: 1 };

/** The quad with its sides moved outwards: `sideways` pixels at either end, `up` above and `down` below. */
export function grown(quad: Quad, sideways: number, up: number, down: number = up): Quad {
  const along = directionOf(quad);
  const upright = uprightOf(quad);
  const move = (point: Point, a: number, b: number): Point => ({
    x: point.x + along.x * a + upright.x * b,
    y: point.y + along.y * a + upright.y * b,
  });
  const [a, b, c, d] = quad;
  return [move(a, -sideways, -up), move(b, sideways, -up), move(c, sideways, down), move(d, -sideways, down)];
}

/** Where the point stands in the quad's own directions, relative to its centre, in pixels. */
export function within(quad: Quad, point: Point): { readonly along: number; readonly down: number } {
  const centre = centreOf(quad);
  const from = subtract(point, centre);
  return { along: dot(from, directionOf(quad)), down: dot(from, uprightOf(quad)) };
}
