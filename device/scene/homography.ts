import type { Point } from './geometry.ts';
import { inverse, type Matrix, multiply, solve, symmetricEigen, transpose, type Vector } from './linear.ts';

/** A projective map of the plane: nine numbers, row-major, known up to a factor. */
export type Homography = readonly [number, number, number, number, number, number, number, number, number];

/** The same place on the road and in the picture. */
export interface PointPair {
  /** Metres on the road plane. */
  readonly road: Point;
  /** Pixels in the picture. */
  readonly image: Point;
}

/** 1-sigma errors of the pairs, per coordinate. */
export interface PairError {
  /** Pixels. */
  readonly image: number;
  /** Metres. */
  readonly road: number;
  /** Error that all road points share, as a share of every length, such as that of a tape or of a standard. 0 where absent. */
  readonly scale?: number;
}

export interface HomographyFit {
  /** Road metres to picture pixels. */
  readonly toImage: Homography;
  /** Picture pixels to road metres. */
  readonly toRoad: Homography;
  /** `toRoad` moved by one standard deviation along each of the eight independent directions of its error. */
  readonly perturbed: readonly Homography[];
  /** What was fitted, in the order of `residuals`. */
  readonly pairs: readonly PointPair[];
  /** The errors that the pairs were weighed by. */
  readonly error: PairError;
  /** What each pair misses by: the picture point against its projected road point, and the road point against its projected picture point. */
  readonly residuals: readonly { readonly px: number; readonly m: number }[];
  /** Observations beyond the eight unknowns; with 0 the fit passes through every point and the residuals say nothing. */
  readonly freedom: number;
  /** Mean squared residual over its expected value; `undefined` without freedom. */
  readonly misfit: number | undefined;
}

/** Where a homography takes a point; the third number `w` changes its sign across the horizon and is 0 on it. */
export function apply(h: Homography, { x, y }: Point): Point & { readonly w: number } {
  const w = h[6] * x + h[7] * y + h[8];
  return { x: (h[0] * x + h[1] * y + h[2]) / w, y: (h[3] * x + h[4] * y + h[5]) / w, w };
}

/** Partial derivatives of `apply`: rows x and y of the result, columns x and y of the argument. */
export function jacobian(h: Homography, point: Point): readonly [readonly [number, number], readonly [number, number]] {
  const { x, y, w } = apply(h, point);
  return [
    [(h[0] - x * h[6]) / w, (h[1] - x * h[7]) / w],
    [(h[3] - y * h[6]) / w, (h[4] - y * h[7]) / w],
  ];
}

/** The inverse map; `undefined` where the homography folds the plane into a line. */
export function invert(h: Homography): Homography | undefined {
  const inverted = inverse(toMatrix(h));
  return inverted === undefined ? undefined : fromMatrix(inverted);
}

/**
 * Fits the homography to at least four pairs: normalised direct linear transform (Hartley and Zisserman, Multiple View Geometry, 2nd
 * ed., algorithm 4.2), then Gauss-Newton on the reprojection error in the picture, each residual weighed by the pair's own error
 * (picture error plus road error projected into the picture). The parameters' covariance is the inverse of the normal matrix at the
 * solution (ibid., 5.2), enlarged by the misfit where the residuals are greater than the stated errors explain. An error of scale shows in
 * no residual and is added to the covariance.
 *
 * `undefined` where the points do not determine a homography.
 */
export function fitHomography(pairs: readonly PointPair[], error: PairError): HomographyFit | undefined {
  if (pairs.length < 4) return undefined;
  const road = normaliser(pairs.map((pair) => pair.road));
  const image = normaliser(pairs.map((pair) => pair.image));
  if (road === undefined || image === undefined) return undefined;
  const normal = pairs.map((pair) => ({ road: apply(road, pair.road), image: apply(image, pair.image) }));
  const scaled: PairError = { image: error.image * image[0], road: error.road * road[0] };
  const start = linearFit(normal);
  const refined = start === undefined ? undefined : refine(start, normal, scaled);
  if (refined === undefined) return undefined;
  const back = invert(image);
  if (back === undefined) return undefined;
  const whole = (parameters: Vector) => compose(back, compose(fromParameters(parameters), road));
  const toImage = whole(refined.parameters);
  const toRoad = invert(toImage);
  if (toRoad === undefined) return undefined;
  const freedom = 2 * pairs.length - 8;
  const misfit = freedom > 0 ? refined.squares / freedom : undefined;
  const enlarged = Math.max(1, misfit ?? 1);
  const scale = error.scale ?? 0;
  const eigen = symmetricEigen(scale === 0 ? refined.covariance : withScaleError(refined, scale ** 2 / enlarged));
  const perturbed = eigen.values.flatMap((value, i) => {
    const step = Math.sqrt(Math.max(0, value) * enlarged);
    const moved = invert(whole(refined.parameters.map((p, j) => p + step * (eigen.vectors[i]?.[j] ?? 0))));
    return moved === undefined ? [] : [moved];
  });
  if (perturbed.length !== 8) return undefined;
  const residuals = pairs.map((pair) => {
    const seen = apply(toImage, pair.road);
    const stood = apply(toRoad, pair.image);
    return {
      px: Math.hypot(seen.x - pair.image.x, seen.y - pair.image.y),
      m: Math.hypot(stood.x - pair.road.x, stood.y - pair.road.y),
    };
  });
  return { toImage, toRoad, perturbed, pairs, error, residuals, freedom, misfit };
}

/** Moves the points' centroid to the origin and their mean distance from it to the square root of 2. */
function normaliser(points: readonly Point[]): Homography | undefined {
  const x = points.reduce((sum, point) => sum + point.x, 0) / points.length;
  const y = points.reduce((sum, point) => sum + point.y, 0) / points.length;
  const mean = points.reduce((sum, point) => sum + Math.hypot(point.x - x, point.y - y), 0) / points.length;
  if (!(mean > 1e-9)) return undefined;
  const s = Math.SQRT2 / mean;
  return [s, 0, -s * x, 0, s, -s * y, 0, 0, 1];
}

/** The direct linear transform: eight parameters, the ninth entry 1. */
function linearFit(pairs: readonly PointPair[]): Vector | undefined {
  const rows = pairs.flatMap(({ road: { x, y }, image: { x: u, y: v } }) => [
    [-x, -y, -1, 0, 0, 0, u * x, u * y, u],
    [0, 0, 0, -x, -y, -1, v * x, v * y, v],
  ]);
  const { values, vectors } = symmetricEigen(multiply(transpose(rows), rows));
  const h = vectors[8];
  // A second vanishing singular value means that a whole family of homographies fits.
  if (h === undefined || (values[7] ?? 0) < 1e-10 * (values[0] ?? 0)) return undefined;
  const last = h[8] ?? 0;
  return Math.abs(last) > 1e-9 ? h.slice(0, 8).map((value) => value / last) : undefined;
}

interface Refined {
  readonly parameters: Vector;
  readonly covariance: Matrix;
  readonly squares: number;
}

/** The covariance with that of a common factor of all road lengths about the points' centroid, which stands at the origin here. */
function withScaleError({ parameters, covariance }: Refined, variance: number): Matrix {
  const by = parameters.map((p, i) => (i === 2 || i === 5 ? 0 : -p));
  return covariance.map((row, i) => row.map((value, j) => value + variance * (by[i] ?? 0) * (by[j] ?? 0)));
}

function refine(start: Vector, pairs: readonly PointPair[], error: PairError): Refined | undefined {
  let parameters = start;
  let step = normalEquations(parameters, pairs, error);
  for (let round = 0; round < 20; round++) {
    const change = solve(step.normal, step.gradient);
    if (change === undefined) return undefined;
    const moved = parameters.map((p, i) => p + (change[i] ?? 0));
    const next = normalEquations(moved, pairs, error);
    if (!(next.squares <= step.squares)) break;
    const settled = step.squares - next.squares <= 1e-12 * step.squares;
    parameters = moved;
    step = next;
    if (settled) break;
  }
  const covariance = inverse(step.normal);
  return covariance === undefined ? undefined : { parameters, covariance, squares: step.squares };
}

function normalEquations(parameters: Vector, pairs: readonly PointPair[], error: PairError) {
  const normal = Array.from({ length: 8 }, () => new Array<number>(8).fill(0));
  const gradient = new Array<number>(8).fill(0);
  const h = fromParameters(parameters);
  let squares = 0;
  for (const { road, image } of pairs) {
    const seen = apply(h, road);
    const a = jacobian(h, road);
    const variance = (i: 0 | 1, j: 0 | 1) =>
      (i === j ? error.image ** 2 : 0) + error.road ** 2 * (a[i][0] * a[j][0] + a[i][1] * a[j][1]);
    const determinant = variance(0, 0) * variance(1, 1) - variance(0, 1) ** 2;
    const weight = [
      [variance(1, 1) / determinant, -variance(0, 1) / determinant],
      [-variance(0, 1) / determinant, variance(0, 0) / determinant],
    ];
    const { x, y } = road;
    const by = [
      [x, y, 1, 0, 0, 0, -x * seen.x, -y * seen.x].map((value) => value / seen.w),
      [0, 0, 0, x, y, 1, -x * seen.y, -y * seen.y].map((value) => value / seen.w),
    ];
    const residual = [image.x - seen.x, image.y - seen.y];
    for (let r = 0; r < 2; r++) {
      for (let s = 0; s < 2; s++) {
        const w = weight[r]?.[s] ?? 0;
        squares += w * (residual[r] ?? 0) * (residual[s] ?? 0);
        for (let i = 0; i < 8; i++) {
          const left = (by[r]?.[i] ?? 0) * w;
          gradient[i] = (gradient[i] ?? 0) + left * (residual[s] ?? 0);
          const row = normal[i];
          for (let j = 0; row !== undefined && j < 8; j++) row[j] = (row[j] ?? 0) + left * (by[s]?.[j] ?? 0);
        }
      }
    }
  }
  return { normal, gradient, squares };
}

const fromParameters = (p: Vector): Homography => [
  p[0] ?? 0,
  p[1] ?? 0,
  p[2] ?? 0,
  p[3] ?? 0,
  p[4] ?? 0,
  p[5] ?? 0,
  p[6] ?? 0,
  p[7] ?? 0,
  1,
];

const toMatrix = (h: Homography): Matrix => [h.slice(0, 3), h.slice(3, 6), h.slice(6, 9)];

/** The map that applies `inner` first, then `outer`. */
export function compose(outer: Homography, inner: Homography): Homography {
  return fromMatrix(multiply(toMatrix(outer), toMatrix(inner)));
}

function fromMatrix(matrix: Matrix): Homography {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = matrix.flat();
  return [a, b, c, d, e, f, g, h, i];
}
