import test from 'ava';
import fc from 'fast-check';
import { lightnessOf, percentile, whitest } from './lightness.ts';

test('a percentile is what stands at its place once the values are put in order', (t) => {
  const value = fc.oneof(fc.integer({ min: 0, max: whitest }), fc.integer({ min: 0, max: 3 }), fc.constant(whitest));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const ordered = values.toSorted((a, b) => a - b);
        const at = Math.min(values.length - 1, Math.floor(share * values.length));
        t.is(percentile(Int32Array.from(values), share), ordered[at]!);
      },
    ),
  );
  t.is(percentile(new Int32Array(0), 0.5), 0);
});

test('black is 0, white the largest, and green weighs most', (t) => {
  t.deepEqual(
    [...lightnessOf(Uint8Array.of(0, 0, 0, 255, 255, 255, 0, 255, 0, 255, 0, 0), 4)],
    [0, whitest, 149_685, 76_245],
  );
});
