/** Who belongs to whom: pairs of row and column. */
export interface Pair {
  readonly row: number;
  readonly column: number;
}

/**
 * The pairing of rows and columns with the least total, where every row left alone costs `limit`: a pair is never made at a cost
 * above `limit`, and `Infinity` forbids it.
 *
 * Shortest augmenting paths with dual potentials (Jonker and Volgenant 1987; Kuhn's Hungarian method), O(rows^2 x columns), over the
 * matrix widened by one spare column per row.
 *
 * @param costs row-major, `rows` x `columns`; no NaN, no -Infinity
 * @param limit finite cost of leaving a row alone
 * @returns pairs in order of rows; rows and columns each at most once
 */
export function assign(costs: Float64Array, rows: number, columns: number, limit: number): readonly Pair[] {
  if (costs.length !== rows * columns) {
    throw new RangeError(`${costs.length} costs do not fill ${rows} rows of ${columns}`);
  }
  if (!Number.isFinite(limit)) throw new RangeError(`limit ${limit} is not finite`);
  const width = columns + rows;
  const costOf = (row: number, column: number) => (column < columns ? (costs[row * columns + column] ?? limit) : limit);

  // Column `width` is the root of every search; owner -1 is nobody.
  const owner = new Int32Array(width + 1).fill(-1);
  const rowPotential = new Float64Array(rows);
  const columnPotential = new Float64Array(width + 1);
  const slack = new Float64Array(width + 1);
  const previous = new Int32Array(width + 1);
  const visited = new Uint8Array(width + 1);

  for (let start = 0; start < rows; start++) {
    owner[width] = start;
    slack.fill(Infinity);
    visited.fill(0);
    let column = width;
    // Every round visits one more column and a spare one is always in reach, so this ends after at most `width` rounds.
    while (owner[column] !== -1) {
      visited[column] = 1;
      const row = owner[column] ?? -1;
      let delta = Infinity;
      let next = -1;
      for (let j = 0; j < width; j++) {
        if (visited[j]) continue;
        const reduced = costOf(row, j) - (rowPotential[row] ?? 0) - (columnPotential[j] ?? 0);
        if (reduced < (slack[j] ?? Infinity)) {
          slack[j] = reduced;
          previous[j] = column;
        }
        if ((slack[j] ?? Infinity) < delta) {
          delta = slack[j] ?? Infinity;
          next = j;
        }
      }
      if (next === -1) throw new RangeError('costs hold a value that is not a number');
      for (let j = 0; j <= width; j++) {
        if (visited[j]) {
          const held = owner[j] ?? -1;
          rowPotential[held] = (rowPotential[held] ?? 0) + delta;
          columnPotential[j] = (columnPotential[j] ?? 0) - delta;
        } else {
          slack[j] = (slack[j] ?? Infinity) - delta;
        }
      }
      column = next;
    }
    while (column !== width) {
      const from = previous[column] ?? width;
      owner[column] = owner[from] ?? -1;
      column = from;
    }
  }

  const pairs: Pair[] = [];
  for (let column = 0; column < columns; column++) {
    const row = owner[column] ?? -1;
    if (row !== -1) pairs.push({ row, column });
  }
  return pairs.sort((a, b) => a.row - b.row);
}
