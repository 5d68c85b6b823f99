import test from 'ava';
import fc from 'fast-check';
import { Growth } from './growth.ts';

/** Character heights by the boxes of a car of the street that comes towards the camera at 40 km/h, 15 frames a second. */
const towards = [
  4.65, 4.81, 4.84, 4.9, 5.21, 5.01, 5.17, 5.06, 5.07, 5.26, 5.19, 5.17, 5.27, 6.16, 5.47, 5.79, 5.55, 5.82,
];

const frame = (number: number, rate: number) => (1000 * number) / rate;

test('a car whose boxes jump by a few per cent is seen to come nearer all the time', (t) => {
  const growth = new Growth();
  for (const [i, size] of towards.entries()) {
    growth.add(frame(i, 15), size);
    t.is(growth.nearer, i >= 6, `frame ${i}`);
  }
});

test('what grows by an eighth in 0.4 s comes nearer whatever its noise, what shrinks or stands does not', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 60 }),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 120 }),
      (rate, noise) => {
        const [nearing, leaving, standing] = [new Growth(), new Growth(), new Growth()];
        for (const [i, off] of noise.entries()) {
          const elapsed = frame(i, rate);
          const grown = 1.125 ** (elapsed / 400);
          nearing.add(elapsed, 20 * grown * (1 + 0.02 * off));
          leaving.add(elapsed, (200 / grown) * (1 + 0.02 * off));
          standing.add(elapsed, 20 * (1 + 0.009 * off));
          if (elapsed < 400) t.false(nearing.nearer);
          // One frame less than the whole time may be looked back on.
          if (elapsed >= 800) t.true(nearing.nearer, `frame ${i}`);
          if (elapsed >= 800) t.false(leaving.nearer, `frame ${i}`);
          t.false(standing.nearer, `frame ${i}`);
        }
      },
    ),
  );
});

test('after a gap, boxes of before it say nothing', (t) => {
  const growth = new Growth();
  for (let i = 0; i < 15; i += 1) growth.add(frame(i, 15), 10);
  growth.add(5000, 20);
  t.false(growth.nearer);
});
