import test from 'ava';
import fc from 'fast-check';
import { bestColumns, greedyText, regionsOf } from './regions.ts';

const bounds = { threshold: 0.3, fewest: 1 };

/** A map out of rows of digits, each a tenth. */
function mapOf(...rows: string[]): Float32Array {
  return Float32Array.from([...rows.join('')], (digit) => Number(digit) / 10);
}

test('connected pixels above the threshold are one region; corners do not connect, nor do the ends of rows', (t) => {
  const regions = regionsOf(mapOf('0440', '0900', '4004', '0004'), 4, bounds);
  t.deepEqual(
    regions.map(({ left, top, right, bottom, peak }) => [left, top, right, bottom, Math.round(peak * 10)]),
    [
      [1, 0, 3, 2, 9],
      [0, 2, 1, 3, 4],
      [3, 2, 4, 4, 4],
    ],
  );
  t.deepEqual(regionsOf(mapOf('0440', '0900'), 4, { ...bounds, fewest: 4 }), []);
});

test('every pixel above the threshold lies in a region, and no other pixel makes one', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
      (width, list) => {
        const map = Float32Array.from(list.slice(0, list.length - (list.length % width)), (value) => value / 10);
        const regions = regionsOf(map, width, bounds);
        map.forEach((value, at) => {
          const [x, y] = [at % width, Math.floor(at / width)];
          const inside = regions.some((r) => x >= r.left && x < r.right && y >= r.top && y < r.bottom);
          if (value > bounds.threshold) t.true(inside);
        });
        t.is(
          regions.length > 0,
          map.some((value) => value > bounds.threshold),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('greedy reading joins repeats, drops blanks and keeps a letter that a blank parts from itself', (t) => {
  const rows = [1, 1, 0, 1, 2, 2, 0];
  const logits = Float32Array.from(rows.flatMap((best) => [0, 1, 2].map((column) => (column === best ? 3 : -1))));
  t.deepEqual(bestColumns(logits, 3), rows);
  t.is(greedyText(logits, 'AB'), 'AAB');
});
