import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { streetRecords } from '../../device/evidence/re-derive/testing/records.ts';
import { loadScene } from '../../device/scene/load-scene.ts';
import { randomNumbers } from '../../device/scene/testing/camera.ts';
import { fitCalibration } from './fit-calibration.ts';
import { lengthError } from './fit-words.ts';
import { pointsSchema } from './points-schema.ts';
import { withCalibration } from './write-calibration.ts';

const device = join(import.meta.dirname, '../../device');
const yaml = await readFile(join(device, 'scene/examples/street.yaml'), 'utf8');
const truth = JSON.parse(await readFile(join(device, 'capture/street/truth.json'), 'utf8')) as {
  readonly frame: { readonly width: number; readonly height: number };
  readonly survey: {
    readonly controlPoints: readonly {
      readonly id: string;
      readonly px: [number, number];
      readonly road: [number, number];
    }[];
  };
};

/** The surveyed points as a technician reads them off: within a pixel. */
function readOff(seed: number) {
  const { normal } = randomNumbers(seed);
  const tape = 1 + 0.001 * normal();
  return pointsSchema.parse({
    date: '2026-03-01',
    pixelError: 0.7,
    roadError: 0.01,
    scaleError: 0.001,
    plan: truth.survey.controlPoints.map(({ id, px: [x, y], road }) => ({
      name: id,
      image: [x + 0.7 * normal(), y + 0.7 * normal()],
      road: road.map((metres) => metres * tape),
    })),
  });
}

test('the street calibrated from its surveyed points: the same six accusations, and the same speeds', async (t) => {
  const file = readOff(3);
  const outcome = fitCalibration(file, { width: truth.frame.width, height: truth.frame.height });
  if (!outcome.ok) return t.fail(outcome.says.join(' '));
  const { text, scene } = withCalibration(yaml, 'street.yaml', outcome.calibration, file.date);
  t.regex(text, /# What every vehicle of the clip carries/, 'comments stay');
  t.is(scene.ground?.fit.pairs.length, 16);
  t.true((lengthError(outcome.calibration.plane) ?? 1) < 0.01);
  const drawn = await streetRecords(0.026, 20260601);
  const calibrated = await streetRecords(0.026, 20260601, { scene, seen: (box) => box });
  const rules = (records: typeof drawn) => records.map(({ infraction }) => infraction.rule).toSorted();
  t.deepEqual(rules(calibrated), rules(drawn));
  t.is(calibrated.length, 6);
  for (const { infraction } of drawn) {
    const { measured, track } = infraction;
    if (measured.rule !== 'speeding') continue;
    const other = calibrated.find((one) => one.infraction.track === track)?.infraction.measured;
    if (other?.rule !== 'speeding') return t.fail();
    t.log(
      `track ${track}: ${measured.speedKmh.toFixed(2)} and ${other.speedKmh.toFixed(2)} km/h (u ${other.uncertaintyKmh.toFixed(2)})`,
    );
    t.true(Math.abs(measured.speedKmh - other.speedKmh) < 0.5);
  }
  return undefined;
});

test('the stated error of a length on the street covers the true one', (t) => {
  const at = (x: number, y: number) => {
    // The street's camera: 7 m above (0, 0), pitched down by 10.8 degrees, focal length 3582.7688 px.
    const pitch = (10.8 * Math.PI) / 180;
    const depth = y * Math.cos(pitch) + 7 * Math.sin(pitch);
    return {
      x: 960 + (3582.7688 * x) / depth,
      y: 540 + (3582.7688 * (7 * Math.cos(pitch) - y * Math.sin(pitch))) / depth,
    };
  };
  let within = 0;
  const runs = 60;
  for (let seed = 10; seed < 10 + runs; seed++) {
    const outcome = fitCalibration(readOff(seed), { width: 1920, height: 1080 });
    if (!outcome.ok) return t.fail(outcome.says.join(' '));
    const { plane } = outcome.calibration;
    const length = (by: typeof plane): number => {
      const [a, b] = [by.toRoad(at(0, 28)), by.toRoad(at(0, 48))];
      return Math.hypot((a?.x ?? 0) - (b?.x ?? 0), (a?.y ?? 0) - (b?.y ?? 0));
    };
    const stated = Math.hypot(...plane.variations().map((moved) => length(moved) - length(plane)));
    if (Math.abs(length(plane) - 20) <= 2 * stated) within += 1;
  }
  t.log(`${within} of ${runs} within two standard errors`);
  t.true(within >= 0.88 * runs);
  return undefined;
});

test('a certificate of the calibration before does not stay with the new one, and another shape of picture is refused', async (t) => {
  const file = readOff(3);
  const outcome = fitCalibration(file, { width: 1920, height: 1080 });
  if (!outcome.ok) return t.fail(outcome.says.join(' '));
  const certified = yaml.replace(
    'calibration:\n',
    'calibration:\n  certificate: { number: K 1, issuer: an office, issued: 2026-01-01, expires: 2027-01-01 }\n',
  );
  t.is(withCalibration(certified, 'x', outcome.calibration, file.date).scene.certificate, undefined);
  const other = { ...outcome.calibration, picture: { width: 1920, height: 1440 } };
  t.throws(() => withCalibration(yaml, 'x', other, file.date), { code: 'scene-mismatch' });
  const small = {
    ...file,
    pixelError: 0.35,
    plan: file.plan?.map((one) => ({ ...one, image: { x: one.image.x / 2, y: one.image.y / 2 } })),
  };
  const fitted = fitCalibration(small, { width: 960, height: 540 });
  if (!fitted.ok) return t.fail(fitted.says.join(' '));
  const scaled = withCalibration(yaml, 'x', fitted.calibration, file.date);
  t.true(scaled.text.includes('pixelError: 0.7'), 'points are written in the pixels of the scene');
  t.is((await loadScene(join(device, 'scene/examples/street.yaml'))).name, 'street');
  return undefined;
});
