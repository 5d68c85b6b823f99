import test from 'ava';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import {
  calibrationRecord,
  calibrationRecordOf,
  lensCalibrationRecord,
  needsLens,
  straightCalibrationRecord,
} from './calibration-record.ts';
import { buildGroundPlane } from './ground-plane.ts';
import type { PointPair } from './homography.ts';
import { bend, lensBefore } from './lens.ts';
import { parseScene } from './load-scene.ts';
import { refitDifference, sceneOfRecord } from './scene-of-record.ts';
import { measureSpeed, type SpeedPoint } from './speed.ts';
import { boxOf, project, randomNumbers, testCamera } from './testing/camera.ts';

const barrel = lensBefore({ k1: -0.11, k2: 0.015 }, testCamera);
const marks = [-4, 0, 4].flatMap((x) => [14, 18, 24, 32, 45].map((y) => ({ x, y })));
const seen = (x: number, y: number) => bend(barrel, project(testCamera, x, y));
const pairs = marks.map((road): PointPair => ({ road, image: seen(road.x, road.y) }));
const error = { image: 0.7, road: 0.02 };

test('without the lens its marks are refused; with it they fit, and the road is where it is', (t) => {
  const straight = buildGroundPlane(pairs, error, 4, testCamera);
  t.regex(straight.ok ? '' : straight.reason, /residuals are too large/);
  const built = buildGroundPlane(pairs, error, 4, testCamera, { lens: barrel, moved: [] });
  if (!built.ok) return t.fail(built.reason);
  for (const [x, y] of [
    [-3, 15],
    [3, 20],
    [1, 38],
  ] as const) {
    const road = built.plane.toRoad(seen(x, y));
    t.true(road !== undefined && Math.hypot(road.x - x, road.y - y) < 1e-4);
    const back = built.plane.toImage({ x, y });
    t.true(Math.hypot(back.x - seen(x, y).x, back.y - seen(x, y).y) < 0.02);
  }
  t.true(Math.abs((built.plane.viewpoint?.above ?? 0) - testCamera.above) < 0.01, 'the camera stands where it stands');
});

/** Mahalanobis distance squared of a road point by the calibration's own covariance. */
function stated(seed: number, scale: number, knownLens: boolean): number {
  const { normal } = randomNumbers(seed);
  const factor = 1 + scale * normal();
  const middle = { x: 0, y: 26.6 };
  const moved = { d1: 0.004, d2: -0.003 };
  const truth = knownLens
    ? barrel
    : lensBefore({ k1: barrel.k1 + moved.d1 * normal(), k2: barrel.k2 + moved.d2 * normal() }, testCamera);
  const drawn = marks.map(({ x, y }): PointPair => {
    const image = bend(truth, project(testCamera, x, y));
    return {
      road: {
        x: middle.x + (x - middle.x) * factor + error.road * normal(),
        y: middle.y + (y - middle.y) * factor + error.road * normal(),
      },
      image: { x: image.x + error.image * normal(), y: image.y + error.image * normal() },
    };
  });
  const lenses = knownLens
    ? []
    : [
        lensBefore({ k1: barrel.k1 + moved.d1, k2: barrel.k2 }, testCamera),
        lensBefore({ k1: barrel.k1, k2: barrel.k2 + moved.d2 }, testCamera),
      ];
  const built = buildGroundPlane(drawn, { ...error, scale }, 8, testCamera, { lens: barrel, moved: lenses });
  if (!built.ok) return Number.POSITIVE_INFINITY;
  const at = { x: 2, y: 36 };
  const image = bend(truth, project(testCamera, at.x, at.y));
  const road = built.plane.toRoad(image);
  if (road === undefined) return Number.POSITIVE_INFINITY;
  const { xx, xy, yy } = built.plane.calibrationCovariance(image);
  const [dx, dy] = [road.x - at.x, road.y - at.y];
  return (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy);
}

for (const [what, scale, known] of [
  ['noise of the marks', 0, true],
  ['a common error of scale', 0.02, true],
  ['an uncertain lens', 0, false],
  ['all of them', 0.01, false],
] as const) {
  test(`coverage: with ${what}, road points lie where the stated covariance says`, (t) => {
    const runs = 400;
    const distances = Array.from({ length: runs }, (_, i) => stated(1000 + i, scale, known));
    // Two dimensions: 39.3 % within 1 and 86.5 % within 4 (chi-squared). The misfit only ever enlarges, so a little more may lie within.
    const within = (limit: number) => distances.filter((d) => d <= limit).length / runs;
    t.log(`within 1 sigma ${within(1)}, within 2 sigma ${within(4)}, 3 sigma ${within(9)}`);
    t.true(within(4) >= 0.82 && within(4) <= 0.92, `${within(4)} within two`);
    t.true(within(1) >= 0.33 && within(1) <= 0.5, `${within(1)} within one`);
    t.true(within(9) >= 0.97);
  });
}

const yaml = (extra: string) => `
name: bent
picture: { width: ${testCamera.width}, height: ${testCamera.height} }
calibration:
${extra}
  points:
${pairs.map(({ image, road }) => `    - { image: [${image.x}, ${image.y}], road: [${road.x}, ${road.y}] }`).join('\n')}
speed: { limitKmh: 50 }
`;
const lensYaml = '  lens: { k1: -0.11, k2: 0.015, deviations: [[0.004, 0], [0, -0.003]] }\n  scaleError: 0.005';

const passing = (kmh: number): SpeedPoint[] =>
  Array.from({ length: 20 }, (_, frame) => {
    const y = 16 + (kmh / 3.6) * (frame / 15);
    const box = boxOf(testCamera, 2, y, Math.PI / 2);
    const [left, right] = [
      bend(barrel, { x: box.x, y: box.y + box.height }),
      bend(barrel, { x: box.x + box.width, y: box.y + box.height }),
    ];
    const top = bend(barrel, { x: box.x + box.width / 2, y: box.y }).y;
    const bottom = Math.max(left.y, right.y);
    return {
      frame,
      time: {
        utc: utcMilliseconds(0),
        elapsed: milliseconds((frame * 1000) / 15),
        clock: { source: 'recording', synchronised: true, dated: true, intervalError: milliseconds(0.5) },
      },
      box: { x: left.x, y: top, width: right.x - left.x, height: bottom - top },
      measured: true,
    };
  });

test('a speed through the lens is the true one, and an uncertain lens or scale makes it less certain', (t) => {
  const speed = (extra: string) => {
    const scene = parseScene(yaml(extra), 'bent');
    const estimate = measureSpeed(passing(60), 'car', { ground: scene.ground, picture: scene.picture });
    return estimate.stated ? estimate : undefined;
  };
  const exact = speed('  lens: { k1: -0.11, k2: 0.015 }');
  const honest = speed(lensYaml);
  t.true(Math.abs((exact?.speed ?? 0) * 3.6 - 60) < 1.2, `${(exact?.speed ?? 0) * 3.6}`);
  t.is(honest?.speed, exact?.speed);
  t.true((honest?.budget.calibration ?? 0) > (exact?.budget.calibration ?? 1));
  // 0.5 % of 60 km/h at least.
  t.true((honest?.budget.calibration ?? 0) * 3.6 >= 0.3);
});

test('lens and scale are in the record, and come out of it number by number', (t) => {
  const scene = parseScene(yaml(lensYaml), 'bent');
  const record = calibrationRecord.parse(JSON.parse(JSON.stringify(calibrationRecordOf(scene, 0.026))));
  t.true(needsLens(record));
  t.true(lensCalibrationRecord.safeParse(record).success);
  t.false(straightCalibrationRecord.safeParse(record).success);
  t.is(record.ground?.lens?.deviations.length, 2);
  t.deepEqual(sceneOfRecord(record), scene);
  if (record.ground === null) return t.fail();
  t.is(refitDifference(record.ground), 0);
  const other = structuredClone(record.ground);
  if (other.lens) other.lens.k1 -= 0.02;
  t.true((refitDifference(other) ?? 0) > 0.05, 'another lens gives another map');
});

test('an error of scale alone is recorded; without either the record is what it always was', (t) => {
  const scaled = parseScene(yaml('  allowedResidual: 100\n  scaleError: 0.01'), 'bent');
  const record = calibrationRecordOf(scaled, 0);
  t.true(needsLens(record));
  t.like(record.ground, { lens: null, scaleError: 0.01 });
  t.deepEqual(sceneOfRecord(record), scaled);
  const plain = calibrationRecordOf(parseScene(yaml('  allowedResidual: 100'), 'bent'), 0);
  t.false(needsLens(plain));
  t.true(straightCalibrationRecord.safeParse(plain).success);
});

test('a lens that folds the picture is refused with its line', (t) => {
  const said =
    t.throws(() => parseScene(yaml('  lens: { k1: -0.9 }'), 'bent'), { code: 'scene-invalid' })?.message ?? '';
  t.regex(said, /line 5: calibration\.lens: k1 -0\.9 and k2 0 fold the picture/);
});

test('for pictures of another size the same lens holds', (t) => {
  const large = parseScene(yaml(lensYaml), 'bent', { width: testCamera.width * 1.5, height: testCamera.height * 1.5 });
  const point = seen(2, 30);
  const road = large.ground?.toRoad({ x: point.x * 1.5, y: point.y * 1.5 });
  t.true(road !== undefined && Math.hypot(road.x - 2, road.y - 30) < 1e-3);
});
