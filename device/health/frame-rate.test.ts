import test from 'ava';
import fc from 'fast-check';
import { milliseconds } from '../kernel/units.ts';
import { FrameRate } from './frame-rate.ts';

const at = (seconds: number) => milliseconds(seconds * 1000);

test('the rate is of the window that ends now, and is not stated before there is one', (t) => {
  const rate = new FrameRate();
  t.is(rate.rate, undefined);
  rate.look(0, at(0), at(60));
  t.is(rate.rate, undefined);
  rate.look(7, at(0.5), at(60));
  t.is(rate.rate, undefined, 'half a second is no period');
  for (let second = 2; second <= 200; second += 2) rate.look(15 * second, at(second), at(60));
  t.is(rate.rate, 15);
  for (let second = 202; second <= 264; second += 2) rate.look(3000, at(second), at(60));
  t.is(rate.rate, 0, 'what was before the window counts no more');
});

test('a count that begins anew begins the window anew', (t) => {
  const rate = new FrameRate();
  rate.look(1000, at(0), at(60));
  rate.look(0, at(10), at(60));
  t.is(rate.rate, undefined);
  rate.look(20, at(12), at(60));
  t.is(rate.rate, 10);
});

test('a steady count has its rate in every window and however long it is looked at', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 5, max: 86_400 }), (hertz, window) => {
      const rate = new FrameRate();
      for (let i = 0; i < 1500; i += 1) rate.look(hertz * i * 2, at(i * 2), at(window));
      t.true(Math.abs((rate.rate ?? 0) - hertz) < 1e-9, `${rate.rate} for ${hertz} over ${window} s`);
    }),
    { numRuns: 20 },
  );
});
