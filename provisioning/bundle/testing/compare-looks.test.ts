import test from 'ava';
import type { Detection, ObjectClass } from '../../../device/detect/detection.ts';
import { fraction } from '../../../device/kernel/units.ts';
import { missedVehicles, pairLooks } from './compare-looks.ts';
import type { Look } from './look.ts';

const seen = (kind: ObjectClass, x: number, score = 0.9): Detection => ({
  class: kind,
  score: fraction(score),
  box: { x, y: 0, width: 100, height: 100 },
});
const look = (cpu: string, ...detections: readonly Detection[]): Look => ({
  cpu,
  node: 'v24',
  engine: '',
  model: '',
  pixels: '',
  detections,
  plate: null,
  sealed: { evidence: 1, failures: 0 },
  unloadable: [],
  clock: true,
  times: [],
});

test('vehicles are paired with the nearest of their class, each once; what is left over is told', (t) => {
  const here = look('x64', seen('car', 0), seen('car', 30), seen('bus', 500));
  const there = look('arm64', seen('car', 29), seen('car', 1), seen('truck', 500));
  const { pairs, single } = pairLooks(here, there);
  t.deepEqual(
    pairs.map((pair) => [pair.here.box.x, pair.there.box.x]),
    [
      [0, 1],
      [30, 29],
    ],
  );
  t.true(pairs.every(({ overlap }) => Math.abs(overlap - 99 / 101) < 1e-12));
  t.deepEqual(
    single.map(({ on, detection }) => [on, detection.class]),
    [
      ['x64', 'bus'],
      ['arm64', 'truck'],
    ],
  );
});

test('a vehicle that no detection covers by half is missed, and a person is no vehicle', (t) => {
  const truth = [0, 200, 400].map((x) => ({ id: `at ${x}`, box: { x, y: 0, width: 100, height: 100 } }));
  const missed = missedVehicles(truth, [seen('truck', 10), seen('person', 200), seen('car', 460)]);
  t.deepEqual(
    missed.map(({ id }) => id),
    ['at 200', 'at 400'],
  );
});
