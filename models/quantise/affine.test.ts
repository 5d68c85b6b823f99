import test from 'ava';
import fc from 'fast-check';
import { affineFor, quantiseBias, quantiseWeights } from './affine.ts';

const real = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });

test('a value inside the range comes back within half a step, and zero exactly', (t) => {
  fc.assert(
    fc.property(real(50), real(50), fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
      const low = Math.min(a, b, 0);
      const high = Math.max(a, b, 0);
      fc.pre(high - low > 1e-3);
      const { scale, zeroPoint } = affineFor([low, high]);
      const value = low + share * (high - low);
      const stored = Math.min(255, Math.max(0, Math.round(value / scale) + zeroPoint));
      t.true(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255);
      // At an end the rounded zero point may cost another half step.
      t.true(Math.abs(scale * (stored - zeroPoint) - value) <= scale * 1.001);
    }),
  );
});

test('a range of nothing still gives a usable step', (t) => {
  t.deepEqual(affineFor([0, 0]), { scale: 1, zeroPoint: 0 });
});

test('weights come back within half a step of their own channel and never use -128', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(real(10), { minLength: 3, maxLength: 3 }), (channels, row) => {
      const weights = Float32Array.from({ length: channels * 3 }, (_, i) => row[i % 3]! * (Math.floor(i / 3) + 1));
      const { values, scales } = quantiseWeights(weights, channels);
      t.true(values.every((value) => value >= -127));
      weights.forEach((weight, i) => {
        const scale = scales[Math.floor(i / 3)]!;
        t.true(Math.abs(values[i]! * scale - weight) <= scale / 2 + 1e-6);
      });
    }),
  );
});

test('a bias is counted in steps of input scale times weight scale', (t) => {
  const { values, scales } = quantiseBias(Float32Array.of(1, -2), 0.5, Float32Array.of(0.1, 0.2));
  t.deepEqual([...values], [20, -20]);
  t.deepEqual(scales, Float32Array.of(0.05, 0.1));
});
