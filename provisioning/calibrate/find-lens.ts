import { distance, dot, type Point, subtract } from '../../device/scene/geometry.ts';
import {
  type Lens,
  type LensModel,
  lensBefore,
  lensFault,
  type PictureSize,
  straighten,
  straightenJacobian,
} from '../../device/scene/lens.ts';
import { symmetricEigen } from '../../device/scene/linear.ts';
import { leastSquares } from './least-squares.ts';

/** A lens that was found from lines, and how well. */
export interface FoundLens {
  readonly model: LensModel;
  /** What one standard deviation adds to k1 and k2, along the independent directions of their error. */
  readonly deviations: readonly (readonly [number, number])[];
  /** Root mean square distance of the drawn points from straight lines, pixels: with the lens taken out, and as delivered. */
  readonly residualPx: number;
  readonly deliveredPx: number;
  /** How far the lens moves the point that it moves most, of those where it is needed, in pixels; and the greatest standard error of that
   * beyond a change of scale, which the map to the road takes up. */
  readonly bendPx: number;
  readonly bendErrorPx: number;
}

export type LensOutcome =
  | { readonly kind: 'found'; readonly lens: FoundLens }
  | { readonly kind: 'straight'; readonly lens: FoundLens }
  | { readonly kind: 'refused'; readonly says: string };

/** Lines and points on each that are needed: two unknowns of the lens and two of each line, and something to check them by. */
export const lensNeeds = { lines: 3, points: 4 } as const;

/** Standard deviation of k2 before anything is seen: lenses of roadside cameras lie within, and lines near the middle tell nothing of it. */
const usualK2 = 0.05;
/** The straight picture must be known to this, pixels for a picture of 1920 x 1080; lines that tell less show nothing of the lens. */
const knownPx = 8;
/** Below this bend at the worst point, in pixels and in its standard errors, the lens is taken as straight. */
const negligible = { px: 1, sigmas: 2 } as const;

/**
 * Finds the lens that makes straight what is straight: k1 and k2 for which the points of each line lie nearest to a straight line. Distances
 * are counted in the delivered picture, across the line, so that shrinking the picture gains nothing. `pixelError` is the standard error of
 * a drawn point; `where` are the points at which the lens is needed, those of the lines unless others are given.
 */
export function findLens(
  lines: readonly (readonly Point[])[],
  picture: PictureSize,
  pixelError: number,
  where: readonly Point[] = lines.flat(),
): LensOutcome {
  const refused = (says: string): LensOutcome => ({ kind: 'refused', says });
  if (lines.length < lensNeeds.lines) {
    return refused(`${lines.length} lines are drawn, ${lensNeeds.lines} are needed to find the lens`);
  }
  const short = lines.findIndex((line) => line.length < lensNeeds.points);
  if (short >= 0) {
    return refused(
      `line ${short + 1} has ${lines[short]?.length ?? 0} points, ${lensNeeds.points} are needed: put them evenly along it`,
    );
  }
  const around = (model: LensModel): readonly number[] => lines.flatMap((line) => misses(line, model, picture));
  const fit = leastSquares([0, 0], ([k1 = 0, k2 = 0]) => [
    ...around({ k1, k2 }).map((miss) => miss / pixelError),
    k2 / usualK2,
  ]);
  if (fit === undefined) return refused('the lines determine no lens');
  const [k1 = 0, k2 = 0] = fit.parameters;
  const model = { k1: round(k1), k2: round(k2) };
  const fault = lensFault(model);
  if (fault !== undefined) return refused(fault);
  const count = lines.reduce((sum, line) => sum + line.length, 0);
  const freedom = count - 2 * lines.length - 2;
  const own = around(model);
  const misfit = Math.max(1, sumOfSquares(own) / pixelError ** 2 / Math.max(1, freedom));
  const worst = worstLine(lines, own);
  const allowed = 4 * pixelError;
  if (worst.px > allowed) {
    return refused(
      `line ${worst.line} is bent by ${worst.px.toFixed(1)} px with any lens (${allowed.toFixed(1)} px allowed): is it straight on the road, and is every point on it?`,
    );
  }
  const { values, vectors } = symmetricEigen(fit.covariance);
  const deviations = values.map((value, i): readonly [number, number] => {
    const size = Math.sqrt(Math.max(0, value) * misfit);
    return [round(size * (vectors[i]?.[0] ?? 0)), round(size * (vectors[i]?.[1] ?? 0))];
  });
  const [found, others] = [
    lensBefore(model, picture),
    deviations.map(([d1, d2]) => lensBefore({ k1: k1 + d1, k2: k2 + d2 }, picture)),
  ];
  const bendPx = Math.max(...where.map((point) => distance(straighten(found, point), point)));
  const moves = others.map((other) => beyondScale(where, found, other));
  const bendErrorPx = Math.max(...where.map((_, i) => Math.hypot(...moves.map((move) => move[i] ?? 0))));
  const known = (knownPx * Math.hypot(picture.width, picture.height)) / Math.hypot(1920, 1080);
  if (bendErrorPx > known) {
    return refused(
      `the lines tell too little of the lens: where it is needed it stays uncertain by ${bendErrorPx.toFixed(0)} px (${known.toFixed(0)} px allowed). Draw longer lines, and some near the picture's borders; a line through its middle tells nothing`,
    );
  }
  const lens: FoundLens = {
    model,
    deviations,
    residualPx: Math.sqrt(sumOfSquares(own) / count),
    deliveredPx: Math.sqrt(sumOfSquares(around({ k1: 0, k2: 0 })) / count),
    bendPx,
    bendErrorPx,
  };
  const straight = bendPx < negligible.px || bendPx < negligible.sigmas * bendErrorPx;
  return { kind: straight ? 'straight' : 'found', lens };
}

/** Distance of each point from the best straight line through them once the lens is taken out, pixels of the delivered picture. */
function misses(line: readonly Point[], model: LensModel, picture: PictureSize): readonly number[] {
  const lens = lensBefore(model, picture);
  const straight = line.map((point) => straighten(lens, point));
  const x = mean(straight.map((point) => point.x));
  const y = mean(straight.map((point) => point.y));
  let [xx, xy, yy] = [0, 0, 0];
  for (const point of straight) {
    xx += (point.x - x) ** 2;
    xy += (point.x - x) * (point.y - y);
    yy += (point.y - y) ** 2;
  }
  const angle = Math.atan2(2 * xy, xx - yy) / 2;
  const [nx, ny] = [-Math.sin(angle), Math.cos(angle)];
  return straight.map((point, i) => {
    const drawn = line[i] ?? point;
    const [[a, b], [c, d]] = straightenJacobian(lens, drawn);
    // A step v of the delivered point moves the straight one by J v, of which n counts: the shortest v is the distance over |J^T n|.
    return ((point.x - x) * nx + (point.y - y) * ny) / Math.hypot(a * nx + c * ny, b * nx + d * ny);
  });
}

/** How far two lenses put each point apart, pixels, once the second picture is scaled to the first as well as it can be. */
function beyondScale(where: readonly Point[], lens: Lens, other: Lens): readonly number[] {
  const from = where.map((point) => subtract(straighten(lens, point), lens.centre));
  const to = where.map((point) => subtract(straighten(other, point), lens.centre));
  const scale =
    from.reduce((sum, point, i) => sum + dot(point, to[i] ?? point), 0) /
    to.reduce((sum, point) => sum + dot(point, point), 0);
  return from.map((point, i) => {
    const { x, y } = to[i] ?? point;
    return distance(point, { x: x * scale, y: y * scale });
  });
}

function worstLine(
  lines: readonly (readonly Point[])[],
  own: readonly number[],
): { readonly line: number; readonly px: number } {
  let at = 0;
  let worst = { line: 1, px: 0 };
  for (const [i, line] of lines.entries()) {
    const px = Math.sqrt(sumOfSquares(own.slice(at, at + line.length)) / line.length);
    if (px > worst.px) worst = { line: i + 1, px };
    at += line.length;
  }
  return worst;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const sumOfSquares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);
/** Figures that a person can copy; far finer than any lens is known. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;
