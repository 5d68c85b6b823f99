import type { Point, Polyline } from '../../device/scene/geometry.ts';
import type { GroundPlane } from '../../device/scene/ground-plane.ts';
import type { PictureSize } from '../../device/scene/lens.ts';

/** A line of the grid in the picture; `metres` is its x or y on the road. */
export interface GridLine {
  readonly axis: 'x' | 'y';
  readonly metres: number;
  readonly points: Polyline;
}

/** Metres of road around the marks that the grid covers, across and along. */
const margin = { x: 3, y: 6 } as const;
/** Pieces of a line, metres: short enough that a lens shows. */
const piece = 0.5;
const mostLines = 400;

/**
 * A grid of metres as it lies on the road in the picture, from a few metres before the marks to a few behind: every metre across and every
 * `along` metres along. Pieces outside of the picture, and beyond the horizon, are left out.
 */
export function metreGrid(plane: GroundPlane, picture: PictureSize, along = 5): readonly GridLine[] {
  const roads = plane.fit.pairs.map(({ road }) => road);
  const [west, east] = [
    Math.min(...roads.map(({ x }) => x)) - margin.x,
    Math.max(...roads.map(({ x }) => x)) + margin.x,
  ];
  const [south, north] = [
    Math.min(...roads.map(({ y }) => y)) - margin.y,
    Math.max(...roads.map(({ y }) => y)) + margin.y,
  ];
  const across = multiples(west, east, 1).map((x) => ({
    axis: 'x' as const,
    metres: x,
    road: multiples(south, north, piece).map((y) => ({ x, y })),
  }));
  const lengthwise = multiples(south, north, along).map((y) => ({
    axis: 'y' as const,
    metres: y,
    road: multiples(west, east, piece).map((x) => ({ x, y })),
  }));
  return [...across, ...lengthwise]
    .slice(0, mostLines)
    .flatMap(({ axis, metres, road }) => seenPieces(road, plane, picture).map((points) => ({ axis, metres, points })));
}

function multiples(from: number, to: number, step: number): readonly number[] {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => (first + i) * step);
}

/** Runs of points that the picture shows. */
function seenPieces(road: readonly Point[], plane: GroundPlane, { width, height }: PictureSize): readonly Polyline[] {
  const runs: Point[][] = [[]];
  for (const at of road) {
    const point = plane.toImage(at);
    const back = plane.toRoad(point);
    const isSeen = back !== undefined && Math.hypot(back.x - at.x, back.y - at.y) < 0.01;
    if (isSeen && point.x >= 0 && point.y >= 0 && point.x <= width && point.y <= height) runs.at(-1)?.push(point);
    else if ((runs.at(-1)?.length ?? 0) > 0) runs.push([]);
  }
  return runs.filter((run) => run.length >= 2);
}
