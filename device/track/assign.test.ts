import test from 'ava';
import fc from 'fast-check';
import { assign } from './assign.ts';

/** Least total over every way of pairing, by trying all. */
function bruteForce(costs: readonly number[], rows: number, columns: number, limit: number): number {
  const best = (row: number, taken: ReadonlySet<number>): number => {
    if (row === rows) return 0;
    let least = limit + best(row + 1, taken);
    for (let column = 0; column < columns; column++) {
      const cost = costs[row * columns + column] ?? Infinity;
      if (!taken.has(column) && cost < Infinity) {
        least = Math.min(least, cost + best(row + 1, new Set([...taken, column])));
      }
    }
    return least;
  };
  return best(0, new Set());
}

const matrix = fc
  .record({ rows: fc.integer({ min: 0, max: 5 }), columns: fc.integer({ min: 0, max: 5 }) })
  .chain(({ rows, columns }) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      // Few distinct values make ties; infinite ones make forbidden pairs.
      costs: fc.array(
        fc.oneof(
          fc.double({ min: -2, max: 2, noNaN: true }),
          fc.integer({ min: 0, max: 2 }),
          fc.constant(Number.POSITIVE_INFINITY),
        ),
        { minLength: rows * columns, maxLength: rows * columns },
      ),
      limit: fc.double({ min: -0.5, max: 1.5, noNaN: true }),
    }),
  );

test('the pairing is the cheapest of all pairings', (t) => {
  fc.assert(
    fc.property(matrix, ({ rows, columns, costs, limit }) => {
      const pairs = assign(Float64Array.from(costs), rows, columns, limit);
      const paid = pairs.reduce((sum, { row, column }) => sum + (costs[row * columns + column] ?? Number.NaN), 0);
      const total = paid + (rows - pairs.length) * limit;
      return Math.abs(total - bruteForce(costs, rows, columns, limit)) < 1e-9;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('rows and columns are used once at most, and no pair costs more than the limit', (t) => {
  fc.assert(
    fc.property(matrix, ({ rows, columns, costs, limit }) => {
      const pairs = assign(Float64Array.from(costs), rows, columns, limit);
      return (
        new Set(pairs.map((pair) => pair.row)).size === pairs.length &&
        new Set(pairs.map((pair) => pair.column)).size === pairs.length &&
        pairs.every(({ row, column }) => (costs[row * columns + column] ?? Number.NaN) <= limit + 1e-12)
      );
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('a greedy choice that spoils the rest is not taken', (t) => {
  const pairs = assign(Float64Array.of(0.1, 0.2, 0.15, 0.9), 2, 2, 1);
  t.deepEqual(pairs, [
    { row: 0, column: 1 },
    { row: 1, column: 0 },
  ]);
});

test('a matrix of the wrong size and an endless limit are refused', (t) => {
  t.throws(() => assign(Float64Array.of(1, 2, 3), 2, 2, 1), { instanceOf: RangeError });
  t.throws(() => assign(Float64Array.of(1), 1, 1, Number.POSITIVE_INFINITY), { instanceOf: RangeError });
});
