import type { Point } from './geometry.ts';
import type { Covariance } from './ground-plane.ts';
import { inverse, type Matrix, solve, type Vector } from './linear.ts';

/** A position on the road at a time. */
export interface Fix {
  /** Seconds, any origin. */
  readonly t: number;
  readonly road: Point;
  /** Of this position, from its own pixel error. */
  readonly covariance: Covariance;
}

/**
 * Motion over time: position = p + v t + a t^2 / 2, with t from `origin`. `a` is zero where a constant velocity describes the
 * positions as well.
 */
export interface Motion {
  /** 1: constant velocity, 2: constant acceleration. */
  readonly degree: 1 | 2;
  readonly origin: number;
  readonly position: Point;
  readonly velocity: Point;
  readonly acceleration: Point;
  /** Variance of the velocity at `origin` along its own direction, square metres per square second. */
  readonly alongVariance: number;
  /** Root of the mean squared distance of the fixes from the motion along its direction, weighed as the fit weighs them; metres. */
  readonly residual: number;
  /** Weight that the robust fit left each fix, 0 to 1. */
  readonly weights: Vector;
}

/** Huber's constant: 95 % of the efficiency of least squares on normal errors (Huber, Robust Statistics, 1981). */
const huber = 1.345;

/**
 * Robust fit by iteratively reweighted least squares: each fix weighs by the inverse of its covariance, and by Huber's weight of its
 * distance in units of the scale (1.4826 times the median distance over the median of the chi distribution with 2 degrees). Correlation of
 * consecutive residuals, which boxes of a detector have, enlarges the variance by (1 + r) / (1 - r).
 *
 * Without a `degree` the acceleration is fitted only where it stands out by three standard deviations. `undefined` with fewer than
 * five fixes or where they do not determine a motion.
 */
export function fitMotion(fixes: readonly Fix[], degree?: 1 | 2): Motion | undefined {
  if (degree !== undefined) return fitDegree(fixes, degree);
  const straight = fitDegree(fixes, 1);
  if (straight === undefined || fixes.length < 8) return straight;
  const bent = fitDegree(fixes, 2);
  if (bent === undefined) return straight;
  return bent.significance > 3 ? bent : straight;
}

interface Fitted extends Motion {
  /** Length of the acceleration in standard deviations; 0 for a straight motion. */
  readonly significance: number;
}

function fitDegree(fixes: readonly Fix[], degree: 1 | 2): Fitted | undefined {
  const first = fixes[0];
  const last = fixes.at(-1);
  if (first === undefined || last === undefined || fixes.length < 5) return undefined;
  const origin = (first.t + last.t) / 2;
  const information = fixes.map(({ covariance: { xx, xy, yy } }) => {
    const determinant = xx * yy - xy * xy;
    return { xx: yy / determinant, xy: -xy / determinant, yy: xx / determinant };
  });
  const basis = fixes.map(({ t }) => (degree === 1 ? [1, t - origin] : [1, t - origin, (t - origin) ** 2 / 2]));
  let weights: number[] = fixes.map(() => 1);
  let parameters: Vector = [];
  let normal: Matrix = [];
  let scale = 1;
  let distances: number[] = [];
  for (let round = 0; round < 25; round++) {
    const system = normalEquations(fixes, basis, information, weights);
    const solution = solve(system.normal, system.right);
    if (solution === undefined) return undefined;
    normal = system.normal;
    parameters = solution;
    distances = fixes.map((fix, i) => {
      const { dx, dy } = miss(fix, basis[i] ?? [], solution);
      const { xx = 0, xy = 0, yy = 0 } = information[i] ?? {};
      return Math.sqrt(xx * dx * dx + 2 * xy * dx * dy + yy * dy * dy);
    });
    scale = Math.max(1e-9, median(distances) / 1.1774);
    const next = distances.map((d) => Math.min(1, (huber * 1.25 * scale) / Math.max(d, 1e-12)));
    const settled = next.every((weight, i) => Math.abs(weight - (weights[i] ?? 0)) < 1e-4);
    weights = next;
    if (settled) break;
  }
  const covariance = inverse(normal);
  if (covariance === undefined) return undefined;
  const k = degree + 1;
  const at = (i: number): Point => ({ x: parameters[i] ?? 0, y: parameters[k + i] ?? 0 });
  const velocity = at(1);
  const speed = Math.hypot(velocity.x, velocity.y);
  const way = speed > 1e-9 ? { x: velocity.x / speed, y: velocity.y / speed } : { x: 1, y: 0 };
  const along = fixes.map((fix, i) => {
    const { dx, dy } = miss(fix, basis[i] ?? [], parameters);
    return dx * way.x + dy * way.y;
  });
  const inflation = scale * scale * correlation(fixes, along, weights);
  const variance = (i: number): number => {
    const c = (r: number, s: number) => covariance[r]?.[s] ?? 0;
    return inflation * (way.x ** 2 * c(i, i) + 2 * way.x * way.y * c(i, k + i) + way.y ** 2 * c(k + i, k + i));
  };
  const acceleration = degree === 2 ? at(2) : { x: 0, y: 0 };
  let significance = 0;
  if (degree === 2) {
    const block = inverse([
      [inflation * (covariance[2]?.[2] ?? 0), inflation * (covariance[2]?.[k + 2] ?? 0)],
      [inflation * (covariance[k + 2]?.[2] ?? 0), inflation * (covariance[k + 2]?.[k + 2] ?? 0)],
    ]);
    const [[xx = 0, xy = 0] = [], [, yy = 0] = []] = block ?? [];
    const { x, y } = acceleration;
    significance = Math.sqrt(Math.max(0, xx * x * x + 2 * xy * x * y + yy * y * y));
  }
  const mass = weights.map((weight, i) => weight / Math.max(1e-12, alongSpread(fixes[i], way)));
  const residual = Math.sqrt(
    along.reduce((sum, value, i) => sum + (mass[i] ?? 0) * value * value, 0) / mass.reduce((sum, one) => sum + one, 0),
  );
  return {
    degree,
    origin,
    position: at(0),
    velocity,
    acceleration,
    alongVariance: variance(1),
    residual,
    weights,
    significance,
  };
}

function alongSpread(fix: Fix | undefined, way: Point): number {
  if (fix === undefined) return 1;
  const { xx, xy, yy } = fix.covariance;
  return xx * way.x * way.x + 2 * xy * way.x * way.y + yy * way.y * way.y;
}

function normalEquations(
  fixes: readonly Fix[],
  basis: readonly Vector[],
  information: readonly Covariance[],
  weights: Vector,
): { readonly normal: Matrix; readonly right: Vector } {
  const k = basis[0]?.length ?? 0;
  const normal = Array.from({ length: 2 * k }, () => new Array<number>(2 * k).fill(0));
  const right = new Array<number>(2 * k).fill(0);
  const add = (row: number, column: number, value: number): void => {
    const target = normal[row];
    if (target !== undefined) target[column] = (target[column] ?? 0) + value;
  };
  for (const [n, fix] of fixes.entries()) {
    const { xx = 0, xy = 0, yy = 0 } = information[n] ?? {};
    const w = weights[n] ?? 0;
    const b = basis[n] ?? [];
    for (let i = 0; i < k; i++) {
      const bi = w * (b[i] ?? 0);
      right[i] = (right[i] ?? 0) + bi * (xx * fix.road.x + xy * fix.road.y);
      right[k + i] = (right[k + i] ?? 0) + bi * (xy * fix.road.x + yy * fix.road.y);
      for (let j = 0; j < k; j++) {
        const both = bi * (b[j] ?? 0);
        add(i, j, both * xx);
        add(i, k + j, both * xy);
        add(k + i, j, both * xy);
        add(k + i, k + j, both * yy);
      }
    }
  }
  return { normal, right };
}

function miss(fix: Fix, basis: Vector, parameters: Vector): { readonly dx: number; readonly dy: number } {
  const k = basis.length;
  let [x, y] = [0, 0];
  for (let i = 0; i < k; i++) {
    x += (basis[i] ?? 0) * (parameters[i] ?? 0);
    y += (basis[i] ?? 0) * (parameters[k + i] ?? 0);
  }
  return { dx: fix.road.x - x, dy: fix.road.y - y };
}

/** (1 + r) / (1 - r) with r the correlation of consecutive residuals, each in units of its own spread; r from 0 to 0.9. */
function correlation(fixes: readonly Fix[], residuals: Vector, weights: Vector): number {
  const unit = residuals.map((value, i) => {
    const { xx = 1, yy = 1 } = fixes[i]?.covariance ?? {};
    return ((weights[i] ?? 0) * value) / Math.sqrt(xx + yy);
  });
  const square = unit.reduce((sum, value) => sum + value * value, 0);
  if (!(square > 0)) return 1;
  const next = unit.slice(1).reduce((sum, value, i) => sum + value * (unit[i] ?? 0), 0);
  const r = Math.min(0.9, Math.max(0, next / square));
  return (1 + r) / (1 - r);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
