/** The little linear algebra that calibration and speed need: dense, row-major, double precision. */

export type Vector = readonly number[];
export type Matrix = readonly Vector[];

const entry = (matrix: Matrix, row: number, column: number): number => matrix[row]?.[column] ?? 0;

export const transpose = (matrix: Matrix): Matrix =>
  (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? 0));

export const multiply = (a: Matrix, b: Matrix): Matrix => {
  const columns = transpose(b);
  return a.map((row) => columns.map((column) => dotProduct(row, column)));
};

const dotProduct = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

/**
 * Solves `matrix x = right` by Gaussian elimination with partial pivoting; `undefined` where the matrix is singular, which is taken
 * as a pivot below 1e-12 of its row's greatest entry.
 */
export function solve(matrix: Matrix, right: Vector): Vector | undefined {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const scale = matrix.map((row) => Math.max(...row.map(Math.abs)));
  for (let column = 0; column < n; column++) {
    let best = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(entry(rows, row, column)) > Math.abs(entry(rows, best, column))) best = row;
    }
    const pivotRow = rows[best];
    const other = rows[column];
    if (pivotRow === undefined || other === undefined) return undefined;
    rows[best] = other;
    rows[column] = pivotRow;
    const pivot = pivotRow[column] ?? 0;
    if (!(Math.abs(pivot) > 1e-12 * Math.max(...scale))) return undefined;
    for (let row = 0; row < n; row++) {
      const target = rows[row];
      if (row === column || target === undefined) continue;
      const factor = (target[column] ?? 0) / pivot;
      for (let k = column; k <= n; k++) target[k] = (target[k] ?? 0) - factor * (pivotRow[k] ?? 0);
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}

/** Inverse, or `undefined` for a singular matrix. */
export function inverse(matrix: Matrix): Matrix | undefined {
  const columns = matrix.map((_, i) =>
    solve(
      matrix,
      matrix.map((__, j) => (i === j ? 1 : 0)),
    ),
  );
  return columns.every((column) => column !== undefined) ? transpose(columns) : undefined;
}

export interface Eigen {
  /** Descending. */
  readonly values: Vector;
  /** One unit vector per value, in the same order. */
  readonly vectors: Matrix;
}

/** Eigenvalues and vectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5). */
export function symmetricEigen(symmetric: Matrix): Eigen {
  const n = symmetric.length;
  const a = symmetric.map((row) => [...row]);
  const v = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  const at = (matrix: number[][], i: number, j: number): number => matrix[i]?.[j] ?? 0;
  const put = (matrix: number[][], i: number, j: number, value: number): void => {
    const row = matrix[i];
    if (row !== undefined) row[j] = value;
  };
  const size = Math.max(...a.flat().map(Math.abs), Number.MIN_VALUE);
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off = Math.max(off, Math.abs(at(a, p, q)));
    if (off <= 1e-15 * size) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (at(a, p, q) === 0) continue;
        const theta = (at(a, q, q) - at(a, p, p)) / (2 * at(a, p, q));
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const kp = at(a, k, p);
          const kq = at(a, k, q);
          put(a, k, p, c * kp - s * kq);
          put(a, k, q, s * kp + c * kq);
        }
        for (let k = 0; k < n; k++) {
          const pk = at(a, p, k);
          const qk = at(a, q, k);
          put(a, p, k, c * pk - s * qk);
          put(a, q, k, s * pk + c * qk);
          const vp = at(v, k, p);
          const vq = at(v, k, q);
          put(v, k, p, c * vp - s * vq);
          put(v, k, q, s * vp + c * vq);
        }
      }
    }
  }
  const order = a.map((_, i) => i).sort((i, j) => at(a, j, j) - at(a, i, i));
  return { values: order.map((i) => at(a, i, i)), vectors: order.map((i) => v.map((row) => row[i] ?? 0)) };
}
