import test from 'ava';
import type { Point } from '../../device/scene/geometry.ts';
import { bend, lensBefore } from '../../device/scene/lens.ts';
import { project, randomNumbers, testCamera } from '../../device/scene/testing/camera.ts';
import { type Calibration, fitCalibration } from './fit-calibration.ts';
import { pointsSchema } from './points-schema.ts';

const picture = { width: testCamera.width, height: testCamera.height };
const pixel = ({ x, y }: Point): [number, number] => [x, y];
const on = (x: number, y: number): [number, number] => pixel(project(testCamera, x, y));

const places = [-4, 0, 4].flatMap((x) => [14, 19, 27, 42].map((y) => [x, y] as const));
const plan = places.map(([x, y]) => ({ image: on(x, y), road: [x, y] }));
const base = { date: '2026-05-04', pixelError: 0.5 };
const file = (more: object) => pointsSchema.parse({ ...base, ...more });

function fitted(t: { fail(message: string): void }, more: object): Calibration {
  const outcome = fitCalibration(file(more), picture);
  if (outcome.ok) return outcome.calibration;
  t.fail(outcome.says.join(' '));
  throw new Error('no fit');
}

const said = (more: object): string => {
  const outcome = fitCalibration(file(more), picture);
  return outcome.ok ? 'fits' : outcome.says.join('\n');
};

test('a surveyed plan gives the road back', (t) => {
  const { plane, lens, remarks } = fitted(t, { plan });
  const road = plane.toRoad(project(testCamera, 2, 33));
  t.true(road !== undefined && Math.hypot(road.x - 2, road.y - 33) < 1e-3);
  t.is(lens, undefined);
  t.true(remarks.some((one) => /lens is taken as straight/.test(one)));
});

test('the one point that is wrong is named, with where it should be', (t) => {
  const wrong = plan.map((one, i) =>
    i === 5 ? { ...one, name: 'manhole', image: [one.image[0] ?? 0, (one.image[1] ?? 0) + 35] } : one,
  );
  const words = said({ plan: wrong });
  t.regex(words, /residuals are too large/);
  t.regex(words, /point manhole disagrees with all others, which agree without it: it should be 35 px away/);
});

test('a wrong sign puts all points in crossed order: the one that has it is named first, and not all of them', (t) => {
  const wrong = [...plan, { name: 'kerb', image: on(3, 33), road: [3, -33] }];
  const outcome = fitCalibration(file({ plan: wrong }), picture);
  t.false(outcome.ok);
  const [first = '', ...rest] = outcome.ok ? [] : outcome.says;
  t.regex(
    first,
    /^point kerb disagrees with all others.*the road is at \(3\.00, 33\.00\) m, and \(3\.00, -33\.00\) m is said/,
  );
  t.regex(rest.join(' '), /turn one way in the picture and another on the road/);
  t.true(rest.join('').length < 160, rest.join(' '));
  t.notRegex(rest.join(' '), /1, 2, 3|point 1:/);
});

test('exchanged points are named as a pair', (t) => {
  const swapped = plan.map((one, i) => ({ ...one, road: plan[i === 3 ? 7 : i === 7 ? 3 : i]?.road }));
  t.regex(said({ plan: swapped }), /points 4 and 8 are exchanged/);
});

test('points on a line, too few points, a mirrored axis, a point outside: each a sentence', (t) => {
  const line = [14, 20, 30, 40, 50].map((y) => ({ image: on(1, y), road: [1, y] }));
  t.regex(said({ plan: line }), /lie on one line/);
  t.regex(said({ plan: plan.slice(0, 3) }), /four points are needed, 3 given/);
  t.regex(said({ plan: plan.map(({ image, road }) => ({ image, road: [-(road[0] ?? 0), road[1]] })) }), /mirrored/);
  t.regex(
    said({ plan: [...plan, { image: [1300, 20], road: [1, 1] }] }),
    /point 13 at \(1300, 20\) lies outside of the picture/,
  );
  const sky = { name: 'lamp', image: [640, 12], road: [0, 90] };
  t.regex(said({ plan: [...plan, sky] }), /point lamp disagrees|point lamp.*horizon/i);
  const five = [0, 3, 5, 8, 11]
    .flatMap((i) => plan[i] ?? [])
    .map((one, i) => (i === 2 ? { ...one, image: [700, 500] } : one));
  t.regex(said({ plan: five }), /With six points or more the one that is wrong could be named/);
});

test('two sources of metres, or none, are refused by the file itself', (t) => {
  t.false(pointsSchema.safeParse({ ...base }).success);
  t.false(
    pointsSchema.safeParse({ ...base, plan, vehicle: { wheelbase: 2.7, track: 1.5, positions: [{}, {}] } }).success,
  );
});

const truth = lensBefore({ k1: -0.13, k2: 0.02 }, testCamera);
const through = (x: number, y: number): [number, number] => pixel(bend(truth, project(testCamera, x, y)));

test('a lens is found from lines and taken out; without the lines the refusal points at the lens', (t) => {
  const bent = places.map(([x, y]) => ({ image: through(x, y), road: [x, y] }));
  const lines = [-6, -3, 3.5, 7].map((x) => [15, 17, 20, 25, 31, 45].map((y) => through(x, y)));
  t.regex(said({ plan: bent }), /it is the lens: draw `lines`/);
  const { plane, lens } = fitted(t, { plan: bent, lines });
  t.true(Math.abs((lens?.k1 ?? 0) + 0.13) < 0.02);
  const { x, y } = bend(truth, project(testCamera, 2, 33));
  const road = plane.toRoad({ x, y });
  t.true(road !== undefined && Math.hypot(road.x - 2, road.y - 33) < 0.05);
  t.true(plane.movedLenses.length === 2);
});

test('lens from noisy lines, marks from noisy points: the stated error of a length covers the true one', (t) => {
  const runs = 80;
  let within = [0, 0];
  for (let seed = 1; seed <= runs; seed++) {
    const { normal } = randomNumbers(seed);
    const drawn = (x: number, y: number): [number, number] => {
      const [u, v] = through(x, y);
      return [u + 0.5 * normal(), v + 0.5 * normal()];
    };
    const bent = places.map(([x, y]) => ({ image: drawn(x, y), road: [x + 0.02 * normal(), y + 0.02 * normal()] }));
    const lines = [-6, -3, 3.5, 7].map((x) => [15, 17, 20, 25, 31, 45].map((y) => drawn(x, y)));
    const { plane } = fitted(t, { plan: bent, lines, scaleError: 0 });
    const length = (by: typeof plane): number => {
      const [a, b] = [18, 36].map((y) => by.toRoad(bend(truth, project(testCamera, 2, y))));
      return Math.hypot((a?.x ?? 0) - (b?.x ?? 0), (a?.y ?? 0) - (b?.y ?? 0));
    };
    const stated = Math.hypot(...plane.variations().map((moved) => length(moved) - length(plane)));
    const off = Math.abs(length(plane) - 18) / stated;
    within = within.map((count, i) => count + (off <= i + 1 ? 1 : 0));
  }
  t.log(`${within[0]} of ${runs} within one standard error, ${within[1]} within two`);
  t.true((within[1] ?? 0) >= 0.9 * runs);
  t.true((within[0] ?? 0) >= 0.58 * runs && (within[0] ?? 0) <= 0.9 * runs);
});

test('the lens of a data sheet does the same', (t) => {
  const half = Math.hypot(picture.width, picture.height) / 2;
  const focal = testCamera.focal;
  const sheet = { k1: -0.13 * (focal / half) ** 2, k2: 0.02 * (focal / half) ** 4, focal, source: 'data sheet' };
  const bent = places.map(([x, y]) => ({ image: through(x, y), road: [x, y] }));
  const { lens } = fitted(t, { plan: bent, lens: sheet });
  t.true(Math.abs((lens?.k1 ?? 0) + 0.13) < 1e-5);
});

test('broken lines by a standard: dashes of the right length fit, and the tolerance goes into the error', (t) => {
  const points = [0, 1].flatMap((line) =>
    [0, 1, 2].flatMap((dash) =>
      (['near', 'far'] as const).map((end) => ({
        image: on(line * 3.5 - 1.75, 15 + dash * 12.5 + (end === 'far' ? 3.5 : 0)),
        line,
        dash,
        end,
      })),
    ),
  );
  const markings = { standard: 'es-m-1.2', laneWidth: 3.5, points };
  const byStandard = fitted(t, { markings });
  const way = (one: Calibration): number => {
    const [a, b] = [one.plane.toRoad(project(testCamera, 0, 16)), one.plane.toRoad(project(testCamera, 0, 36))];
    return Math.hypot((a?.x ?? 0) - (b?.x ?? 0), (a?.y ?? 0) - (b?.y ?? 0));
  };
  t.true(Math.abs(way(byStandard) - 20) < 0.02);
  t.true((byStandard.points.error.scale ?? 0) >= 0.017);
  const measured = fitted(t, { markings: { ...markings, period: { metres: 12.6, error: 0.02 } } });
  t.true(Math.abs(way(measured) - 20 * (12.6 / 12.5)) < 0.3);
  t.true((measured.points.error.scale ?? 1) < 0.01);
  t.regex(measured.points.source, /8\.2-IC.*period measured/);
  t.regex(said({ markings: { ...markings, standard: 'xx' } }), /there is no standard xx here; known are de-town/);
  t.regex(
    said({ markings: { ...markings, period: { metres: 7.5, error: 0.02 } } }),
    /another marking, choose its standard/,
  );
});

const wheelbase = 2.7;
const track = 1.56;
const spots = [
  [2, 17, 1.5],
  [1.9, 24, 1.56],
  [2.1, 34, 1.6],
] as const;

/** Four wheels in the picture of a car whose rear axle stands at (x, y), heading in radians. */
function wheelsAt([x, y, heading]: (typeof spots)[number], noise: () => number) {
  const wheel = (ahead: number, right: number): [number, number] => {
    const { x: u, y: v } = project(
      testCamera,
      x + ahead * Math.cos(heading) + right * Math.sin(heading),
      y + ahead * Math.sin(heading) - right * Math.cos(heading),
    );
    return [u + noise(), v + noise()];
  };
  return {
    frontLeft: wheel(wheelbase, -track / 2),
    frontRight: wheel(wheelbase, track / 2),
    rearLeft: wheel(0, -track / 2),
    rearRight: wheel(0, track / 2),
  };
}

const wayBetween = (one: Calibration): number => {
  const [a, b] = [one.plane.toRoad(project(testCamera, 2, 18)), one.plane.toRoad(project(testCamera, 2, 34))];
  return Math.hypot((a?.x ?? 0) - (b?.x ?? 0), (a?.y ?? 0) - (b?.y ?? 0));
};

test('a measured vehicle: exact wheels give the exact road', (t) => {
  const positions = spots.map((spot) => wheelsAt(spot, () => 0));
  const { frontRight: _, ...three } = positions[1] ?? {};
  const one = fitted(t, { vehicle: { wheelbase, track, positions: [positions[0], three, positions[2]] } });
  t.true(Math.abs(wayBetween(one) - 16) < 1e-3, `${wayBetween(one)}`);
});

test('a measured vehicle: the stated error of lengths covers the true one, and is larger than that of a survey', (t) => {
  const runs = 60;
  let within = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const { normal } = randomNumbers(seed);
    const positions = spots.map((spot) => wheelsAt(spot, () => 0.4 * normal()));
    const one = fitted(t, { pixelError: 0.4, vehicle: { wheelbase: wheelbase + 0.01 * normal(), track, positions } });
    const ways = one.plane.variations().map((plane) => wayBetween({ ...one, plane }) - wayBetween(one));
    const stated = Math.hypot(...ways);
    if (Math.abs(wayBetween(one) - 16) <= 2 * stated) within += 1;
  }
  t.log(`${within} of ${runs} within two standard errors`);
  t.true(within >= 0.9 * runs);
  const exact = spots.map((spot) => wheelsAt(spot, () => 0));
  t.true((fitted(t, { vehicle: { wheelbase, track, positions: exact } }).points.error.scale ?? 0) > 0.003);
});

test('a vehicle without four wheels anywhere, or with wheels mixed up, is refused with a sentence', (t) => {
  const positions = spots.map((spot) => wheelsAt(spot, () => 0));
  const three = positions.map(({ frontLeft: _, ...rest }) => rest);
  t.regex(said({ vehicle: { wheelbase, track, positions: three } }), /at no position all four wheels/);
  const [first, second] = positions;
  const mixed = { ...second, frontLeft: second?.rearRight, rearRight: second?.frontLeft };
  t.regex(
    said({ vehicle: { wheelbase, track, positions: [first, mixed] } }),
    /check both lengths, and which wheel is which/,
  );
  t.regex(said({ vehicle: { wheelbase, track, positions: [first, {}] } }), /position 2 has 0 wheels/);
});
