import test from 'ava';
import fc from 'fast-check';
import { Histogram, leastSquaresRange } from './histogram.ts';

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram(Math.min(0, ...values), Math.max(0, ...values));
  histogram.count(Float32Array.from(values));
  return histogram;
}

test('every value is counted, and the chosen range holds zero and lies inside what was seen', (t) => {
  const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, (list) => {
      const histogram = histogramOf(list);
      t.is(
        histogram.counts.reduce((sum, count) => sum + count, 0),
        list.length,
      );
      const [low, high] = leastSquaresRange(histogram);
      t.true(low <= 0 && high >= 0 && low >= histogram.low && high <= histogram.high);
    }),
    { numRuns: 30 },
  );
});

test('a range barely more than zero counts its values too', (t) => {
  for (const value of [-Number.MIN_VALUE, Number.MIN_VALUE, 1e-310]) {
    t.is(
      histogramOf([value]).counts.reduce((sum, count) => sum + count, 0),
      1,
    );
  }
});

test('a lone outlier does not stretch the range of many values', (t) => {
  const many = Array.from({ length: 200_000 }, (_, i) => (i % 1000) / 1000);
  const [, high] = leastSquaresRange(histogramOf([...many, 20]));
  t.true(high < 20);
  t.true(high > 0.9);
});

test('evenly spread values keep their whole range', (t) => {
  const [low, high] = leastSquaresRange(histogramOf(Array.from({ length: 10_000 }, (_, i) => (i - 5000) / 1000)));
  t.true(low < -4.9 && high > 4.9);
});
