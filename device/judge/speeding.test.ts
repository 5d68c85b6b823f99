import test from 'ava';
import type { ObjectClass } from '../detect/detection.ts';
import { boxOf, project, testCamera } from '../scene/testing/camera.ts';
import { limitFor, toleranceAt } from './speeding-charge.ts';
import { type Actor, type Drive, drive, sceneOf } from './testing/drive.ts';

const marks = [-4, 4]
  .flatMap((x) => [16, 28, 45].map((y) => ({ x, y, ...{ image: project(testCamera, x, y) } })))
  .map(({ x, y, image }) => `    - { image: [${image.x.toFixed(2)}, ${image.y.toFixed(2)}], road: [${x}, ${y}] }`)
  .join('\n');
const calibration = `calibration:\n  pixelError: 0.3\n  points:\n${marks}\n`;
const yaml = (speed: string, more = '') => `
name: test
picture: { width: 1280, height: 720 }
${calibration}speed: ${speed}
${more}`;
const fifty = sceneOf(yaml('{ limitKmh: 50, classes: { truck: 40 } }'));

const car = (kmh: number, kind: ObjectClass = 'car'): Actor => ({
  id: 1,
  class: kind,
  box: (s) => {
    const y = 16 + (kmh / 3.6) * s;
    return y < 60 ? boxOf(testCamera, 0, y, Math.PI / 2) : undefined;
  },
});
const run = (scene: ReturnType<typeof sceneOf>, actor: Actor, options: Partial<Drive> = {}) =>
  drive(scene, [actor], { seconds: 7, jitter: 0.008, ...options });

test('a speeder is accused once, with limit, tolerance, uncertainty and charged speed', (t) => {
  const { infractions, speeds } = run(fifty, car(72));
  t.is(infractions.length, 1);
  t.is(speeds.length, 1);
  const measured = infractions[0]?.measured;
  if (measured?.rule !== 'speeding') return t.fail();
  t.true(Math.abs(measured.speedKmh - 72) < 1, `${measured.speedKmh}`);
  t.is(measured.toleranceKmh, 3);
  t.is(measured.chargedKmh, measured.speedKmh - 3);
  return t.is(measured.limitKmh, 50);
});

test('who keeps the limit, or is above it by no more than tolerance and doubt, is measured but not accused', (t) => {
  for (const kmh of [30, 49, 53]) {
    const { infractions, speeds } = run(fifty, car(kmh));
    t.deepEqual(infractions, []);
    t.true(speeds[0]?.estimate.stated);
  }
});

test("a class's lower limit and a lane's own limit count", (t) => {
  t.is(run(fifty, car(49, 'truck')).infractions.length, 1);
  const lane = sceneOf(
    yaml(
      '{ limitKmh: 100 }',
      'lanes:\n  - { name: a, polygon: [[0, 719], [0, 100], [1279, 100], [1279, 719]], limitKmh: 30 }\n',
    ),
  );
  const [one] = run(lane, car(49)).infractions;
  t.is(one?.lane, 'a');
});

test('without metres, with counted times, or as a person nobody is accused', (t) => {
  const plain = sceneOf('name: test\npicture: { width: 1280, height: 720 }\n');
  t.deepEqual(run(plain, car(120)).speeds, []);
  const nominal = run(fifty, car(120), { source: 'nominal' });
  t.deepEqual(nominal.infractions, []);
  t.like(nominal.speeds[0]?.estimate, { stated: false, reason: 'clock-nominal' });
  t.deepEqual(run(fifty, car(120, 'person')).speeds, []);
});

test('the deduction is 3 km/h up to 100 km/h and 3 % above; the limit is the lowest that holds', (t) => {
  const de = { name: 'de', kmh: 3, percent: 3 };
  t.is(toleranceAt(60, de), 3 as never);
  t.is(toleranceAt(100, de), 3 as never);
  t.true(Math.abs(toleranceAt(150, de) - 4.5) < 1e-9);
  if (fifty.speed === undefined) return t.fail();
  t.is(limitFor(fifty.speed, undefined, 'truck'), 40 as never);
  t.is(limitFor(fifty.speed, 30 as never, 'truck'), 30 as never);
  return t.is(limitFor(fifty.speed, undefined, 'car'), 50 as never);
});

test('the limit is the highest of the classes that it may be', (t) => {
  const of = (votes: readonly (readonly [ObjectClass, number])[]): Actor => ({ ...car(49), votes: () => votes });
  const charged = (actor: Actor) => run(fifty, actor).infractions.length;
  t.is(charged(of([['truck', 1]])), 1);
  t.is(
    charged(
      of([
        ['truck', 0.9],
        ['car', 0.1],
      ]),
    ),
    1,
  );
  t.is(
    charged(
      of([
        ['truck', 0.6],
        ['car', 0.4],
      ]),
    ),
    0,
  );
  t.is(
    charged(
      of([
        ['truck', 0.8],
        ['car', 0.1],
        ['bus', 0.1],
      ]),
    ),
    0,
  );
});

test('a box that goes over to another part of the vehicle in mid-run makes no speeder', (t) => {
  for (const leap of [3, 4.5, 6, 9]) {
    for (const at of [1.2, 1.5, 1.8]) {
      const box = (s: number) => {
        const y = 16 + (48 / 3.6) * s;
        return y > 58 ? undefined : boxOf(testCamera, 0, s < at ? y : y + leap, Math.PI / 2);
      };
      const { infractions, speeds } = run(fifty, { id: 1, box }, { jitter: 0.004 });
      t.deepEqual(infractions, []);
      const estimate = speeds[0]?.estimate;
      if (estimate?.stated)
        t.true(Math.abs(estimate.speed * 3.6 - 48) < (leap < 4 ? 5 : 2.5), `${leap} ${at}: ${estimate.speed * 3.6}`);
    }
  }
});
