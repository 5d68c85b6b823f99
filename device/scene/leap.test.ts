import test from 'ava';
import { leapsOf, type Step } from './leap.ts';
import { randomNumbers } from './testing/camera.ts';

/** Positions along y at 25 a second, with noise of `error` metres. */
function way(at: (t: number) => number, seconds: number, error = 0.05, rate = 25): readonly Step[] {
  const random = randomNumbers(7);
  return Array.from({ length: Math.round(seconds * rate) }, (_, i) => {
    const road = { x: error * random.normal(), y: at(i / rate) + error * random.normal() };
    return { t: i / rate, road, error };
  });
}

test('a leap that stays is found where it is', (t) => {
  for (const length of [-6, -3, 3, 6]) {
    for (const rate of [10, 25]) {
      const found = leapsOf(way((s) => 14 * s + (s < 1.5 ? 0 : length), 3, 0.1, rate));
      t.is(found.length, 1, `${length} ${rate}: ${found}`);
      t.true(Math.abs((found[0] ?? 0) - 1.5 * rate) <= 1);
    }
  }
  t.is(leapsOf(way((s) => 14 * s + 6 * Math.floor(s), 3.5)).length, 3);
});

test('driving, braking hard, stopping and starting are no leaps', (t) => {
  const ways: readonly ((s: number) => number)[] = [
    (s) => 40 * s,
    (s) => (s < 2 ? 20 * s - 5 * s * s : 20),
    (s) => (s < 1.5 ? 0 : 3 * (s - 1.5) ** 2),
    (s) => 10 * Math.min(s, 1.5) + 10 * Math.max(0, s - 2.5),
  ];
  for (const [i, at] of ways.entries()) {
    for (const error of [0.05, 0.3, 1]) t.deepEqual(leapsOf(way(at, 4, error)), [], `${i} ${error}`);
  }
});

test('single boxes that are out, and short ways, are no leaps', (t) => {
  const steps = way((s) => 14 * s, 3).map((step, i) =>
    i % 9 === 4 ? { ...step, road: { x: step.road.x, y: step.road.y - 5 } } : step,
  );
  t.deepEqual(leapsOf(steps), []);
  t.deepEqual(leapsOf(steps.slice(0, 5)), []);
  t.deepEqual(leapsOf([]), []);
});
