/** Plane geometry in pixels or metres; x to the right, y down in a picture. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

/** At least three corners, closed by itself. */
export type Polygon = readonly Point[];
/** At least two points. */
export type Polyline = readonly Point[];

export const subtract = (a: Point, b: Point): Point => ({ x: a.x - b.x, y: a.y - b.y });
export const dot = (a: Point, b: Point): number => a.x * b.x + a.y * b.y;
export const cross = (a: Point, b: Point): number => a.x * b.y - a.y * b.x;
export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
export const between = (a: Point, b: Point, share: number): Point => ({
  x: a.x + (b.x - a.x) * share,
  y: a.y + (b.y - a.y) * share,
});

/** The vector at length 1, or `undefined` where it has no direction. */
export function unit(vector: Point): Point | undefined {
  const length = Math.hypot(vector.x, vector.y);
  return length > 1e-12 ? { x: vector.x / length, y: vector.y / length } : undefined;
}

/** Consecutive pairs; with `closed` the last point is joined to the first. */
export function sides(points: readonly Point[], closed: boolean): readonly (readonly [Point, Point])[] {
  const pairs: [Point, Point][] = [];
  for (const [i, a] of points.entries()) {
    const b = points[i + 1] ?? (closed ? points[0] : undefined);
    if (b !== undefined) pairs.push([a, b]);
  }
  return pairs;
}

/** True inside and on the lower/left boundary (even-odd rule; the choice on the boundary makes adjoining polygons disjoint). */
export function contains(polygon: Polygon, point: Point): boolean {
  let inside = false;
  for (const [a, b] of sides(polygon, true)) {
    if (a.y > point.y === b.y > point.y) continue;
    if (point.x < a.x + ((point.y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
  }
  return inside;
}

/** The point of the segment a-b that is nearest to `point`, and how far along it stands (0 at a, 1 at b). */
function nearestOnSegment(a: Point, b: Point, point: Point): { readonly point: Point; readonly share: number } {
  const along = subtract(b, a);
  const length2 = dot(along, along);
  const share = length2 > 0 ? Math.min(1, Math.max(0, dot(subtract(point, a), along) / length2)) : 0;
  return { point: between(a, b, share), share };
}

/** Distance from the point to the polygon's boundary: positive inside, negative outside. */
export function depthInside(polygon: Polygon, point: Point): number {
  const away = Math.min(...sides(polygon, true).map(([a, b]) => distance(nearestOnSegment(a, b, point).point, point)));
  return contains(polygon, point) ? away : -away;
}

/** Where a-b meets c-d, as shares of each; `undefined` where they are parallel or do not meet. */
export function meet(
  a: Point,
  b: Point,
  c: Point,
  d: Point,
): { readonly ofFirst: number; readonly ofSecond: number } | undefined {
  const r = subtract(b, a);
  const s = subtract(d, c);
  const across = cross(r, s);
  if (Math.abs(across) < 1e-12) return undefined;
  const from = subtract(c, a);
  const ofFirst = cross(from, s) / across;
  const ofSecond = cross(from, r) / across;
  return ofFirst >= 0 && ofFirst <= 1 && ofSecond >= 0 && ofSecond <= 1 ? { ofFirst, ofSecond } : undefined;
}

/** The first two sides of a polygon that cross each other, by index; `undefined` for a simple polygon. */
export function selfCrossing(polygon: Polygon): readonly [number, number] | undefined {
  const all = sides(polygon, true);
  for (const [i, [a, b]] of all.entries()) {
    for (const [j, [c, d]] of all.entries()) {
      const adjoining = j === i || (j + 1) % all.length === i || (i + 1) % all.length === j;
      if (j > i && !adjoining && meet(a, b, c, d) !== undefined) return [i, j];
    }
  }
  return undefined;
}

/** Signed area by the shoelace formula; in a picture (y down) positive for corners in clockwise order. */
export function signedArea(polygon: Polygon): number {
  return sides(polygon, true).reduce((sum, [a, b]) => sum + cross(a, b), 0) / 2;
}

/** Direction (length 1) of the polyline's side that is nearest to the point; `undefined` where the side has no length. */
export function directionAt(line: Polyline, point: Point): Point | undefined {
  let best: { readonly away: number; readonly direction: Point | undefined } | undefined;
  for (const [a, b] of sides(line, false)) {
    const away = distance(nearestOnSegment(a, b, point).point, point);
    if (best === undefined || away < best.away) best = { away, direction: unit(subtract(b, a)) };
  }
  return best?.direction;
}

export interface Offset {
  /** Distance from the line's side (prolonged at the polyline's two ends), positive to the right of its sense (y down). */
  readonly across: number;
  /** How far the foot of the perpendicular lies outside the polyline's ends; 0 within. */
  readonly past: number;
}

/**
 * Where a point stands against a polyline: signed distance from the nearest side, and how far it is past the ends. At a bend the
 * side that is nearer counts, so that every point has one answer.
 */
export function offsetFrom(line: Polyline, point: Point): Offset {
  const all = sides(line, false);
  let best: (Offset & { readonly away: number }) | undefined;
  for (const [i, [a, b]] of all.entries()) {
    const along = unit(subtract(b, a));
    if (along === undefined) continue;
    const from = subtract(point, a);
    const foot = dot(from, along);
    const length = distance(a, b);
    const away = distance(nearestOnSegment(a, b, point).point, point);
    const before = i === 0 ? Math.max(0, -foot) : 0;
    const after = i === all.length - 1 ? Math.max(0, foot - length) : 0;
    if (best === undefined || away < best.away)
      best = { away, across: cross(along, from), past: Math.max(before, after) };
  }
  return best ?? { across: Number.NaN, past: Number.POSITIVE_INFINITY };
}

/** Overlap of two rectangles over their union, 0 to 1. */
export function overlap(a: Rectangle, b: Rectangle): number {
  const shared = sharedArea(a, b);
  const whole = a.width * a.height + b.width * b.height - shared;
  return whole > 0 ? shared / whole : 0;
}

/** Area that two rectangles share. */
export function sharedArea(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
