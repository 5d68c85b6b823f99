import test from 'ava';
import fc from 'fast-check';
import type { ObjectClass } from '../detect/detection.ts';
import { associateStrong, associateWeak, associationCost, type Expectation } from './associate.ts';
import { defaultTrackerConfig } from './config.ts';
import { carAt, detection } from './testing/drive-tracker.ts';

const config = defaultTrackerConfig.association;

function expected(x: number, y: number, sigma = 10, objectClass: ObjectClass = 'car', staleness = 0): Expectation {
  return { box: carAt(x, y), varX: sigma ** 2, varY: sigma ** 2, class: objectClass, staleness };
}

test('a perfect fit costs nothing, and the cost grows with the distance', (t) => {
  t.is(associationCost(expected(100, 100), detection(carAt(100, 100)), config), 0);
  const costs = [0, 10, 40, 90, 120].map((dx) =>
    associationCost(expected(100, 100, 60), detection(carAt(100 + dx, 100)), config),
  );
  t.deepEqual(
    costs,
    [...costs].sort((a, b) => a - b),
  );
  t.true(costs.every(Number.isFinite));
});

test('without any overlap a detection is taken as far as the prediction is unsure, and no farther', (t) => {
  const near = detection(carAt(190, 100));
  t.true(Number.isFinite(associationCost(expected(100, 100, 31), near, config)));
  t.is(associationCost(expected(100, 100, 29), near, config), Number.POSITIVE_INFINITY);
  // 63 px is the size of the box; beyond two sizes nothing is taken.
  t.is(associationCost(expected(100, 100, 1000), detection(carAt(230, 100)), config), Number.POSITIVE_INFINITY);
});

test('the longer a track was unseen, the nearer its detection must be', (t) => {
  const cost = (staleness: number, dx: number) =>
    associationCost(expected(100, 100, 1000, 'car', staleness), detection(carAt(100 + dx, 100)), config);
  t.true(Number.isFinite(cost(0, 120)));
  t.is(cost(0.5, 120), Number.POSITIVE_INFINITY);
  t.true(Number.isFinite(cost(0.5, 70)));
  t.is(cost(1, 70), Number.POSITIVE_INFINITY);
});

test('cars, buses and trucks continue one another; persons and two-wheelers do not continue cars', (t) => {
  const classes: readonly ObjectClass[] = ['car', 'bus', 'truck', 'person', 'bicycle', 'motorcycle'];
  const cost = (a: ObjectClass, b: ObjectClass) =>
    associationCost(expected(100, 100, 10, a), detection(carAt(100, 100), 0.9, b), config);
  t.deepEqual(
    classes.map((c) => cost('car', c)),
    [0, config.otherClassCost, config.otherClassCost, Infinity, Infinity, Infinity],
  );
  t.is(cost('bicycle', 'motorcycle'), config.otherClassCost);
  t.is(cost('person', 'bicycle'), Infinity);
});

test('of two tracks that fit alike, the one seen now goes first', (t) => {
  const pairs = associateStrong(
    [expected(100, 100, 10, 'car', 0.5), expected(100, 100)],
    [detection(carAt(103, 100))],
    config,
  );
  t.deepEqual(pairs, [{ row: 1, column: 0 }]);
});

test('crossing neighbours are told apart by the best whole, not the best single pair', (t) => {
  // The first detection fits both tracks, the second only the first.
  const pairs = associateStrong(
    [expected(100, 100), expected(130, 100)],
    [detection(carAt(105, 100)), detection(carAt(75, 100))],
    config,
  );
  t.deepEqual(pairs, [
    { row: 0, column: 1 },
    { row: 1, column: 0 },
  ]);
});

test('a weak detection continues a track only where it is expected', (t) => {
  const unsure = [expected(100, 100, 100)];
  t.is(associateWeak(unsure, [detection(carAt(160, 100), 0.2)], config).length, 0);
  t.is(associateStrong(unsure, [detection(carAt(160, 100))], config).length, 1);
  t.is(associateWeak(unsure, [detection(carAt(110, 100), 0.2)], config).length, 1);
});

test('the cost is a number from 0 to 1 before additions, or infinite', (t) => {
  const box = fc.record({
    x: fc.double({ min: -100, max: 1400, noNaN: true }),
    y: fc.double({ min: -100, max: 800, noNaN: true }),
    width: fc.double({ min: 0.5, max: 900, noNaN: true }),
    height: fc.double({ min: 0.5, max: 700, noNaN: true }),
  });
  fc.assert(
    fc.property(box, box, fc.double({ min: 0.1, max: 1e3, noNaN: true }), (a, b, sigma) => {
      const cost = associationCost({ ...expected(0, 0, sigma), box: a }, detection(b), config);
      return cost === Infinity || (cost >= 0 && cost <= 1 + 1e-12);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});
