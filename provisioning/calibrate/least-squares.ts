import { inverse, type Matrix, solve, type Vector } from '../../device/scene/linear.ts';

export interface LeastSquares {
  readonly parameters: Vector;
  readonly residuals: Vector;
  /** Sum of the squares of the residuals. */
  readonly squares: number;
  /** Inverse of the normal matrix: the parameters' covariance where every residual has the standard error 1. */
  readonly covariance: Matrix;
}

/** A step of the numerical derivative; central differences with it are exact to about 1e-10 for parameters around 1. */
const step = 1e-5;
const rounds = 60;

/**
 * Minimises the sum of squared residuals by Levenberg's and Marquardt's method (K. Madsen, H. B. Nielsen, O. Tingleff, Methods for Non-Linear
 * Least Squares Problems, 2nd ed. 2004, 3.2), with numerical derivatives. Parameters should be around 1 in size. `undefined` where
 * residuals are not finite at the start, or the parameters are not determined.
 */
export function leastSquares(start: Vector, residualsAt: (parameters: Vector) => Vector): LeastSquares | undefined {
  let parameters = start;
  let residuals = residualsAt(parameters);
  let squares = sumOfSquares(residuals);
  if (!Number.isFinite(squares)) return undefined;
  let damping = 1e-3;
  for (let round = 0; round < rounds; round++) {
    const { normal, gradient } = normalEquations(parameters, residuals, residualsAt);
    const damped = normal.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) + 1e-12 : value)));
    const change = solve(damped, gradient);
    if (change === undefined) return undefined;
    const moved = parameters.map((value, i) => value + (change[i] ?? 0));
    const next = residualsAt(moved);
    const nextSquares = sumOfSquares(next);
    if (!(nextSquares <= squares)) {
      damping *= 5;
      if (damping > 1e10) break;
      continue;
    }
    const settled = squares - nextSquares <= 1e-12 * (squares + 1e-12);
    [parameters, residuals, squares] = [moved, next, nextSquares];
    damping = Math.max(1e-9, damping / 5);
    if (settled) break;
  }
  const covariance = inverse(normalEquations(parameters, residuals, residualsAt).normal);
  return covariance === undefined ? undefined : { parameters, residuals, squares, covariance };
}

const sumOfSquares = (values: Vector): number => values.reduce((sum, value) => sum + value * value, 0);

/** J^T J and -J^T r. */
function normalEquations(parameters: Vector, residuals: Vector, residualsAt: (parameters: Vector) => Vector) {
  const columns = parameters.map((_, i) => {
    const at = (by: number) => residualsAt(parameters.map((value, j) => (i === j ? value + by : value)));
    const [up, down] = [at(step), at(-step)];
    return up.map((value, k) => (value - (down[k] ?? 0)) / (2 * step));
  });
  const product = (a: Vector, b: Vector): number => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
  return {
    normal: columns.map((a) => columns.map((b) => product(a, b))),
    gradient: columns.map((a) => -product(a, residuals)),
  };
}
