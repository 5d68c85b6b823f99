import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calibrationRecord, calibrationRecordOf } from './calibration-record.ts';
import { loadScene, parseScene } from './load-scene.ts';
import { refitDifference, sceneOfRecord } from './scene-of-record.ts';

const examples = join(import.meta.dirname, 'examples');

for (const file of readdirSync(examples).filter((name) => name.endsWith('.yaml'))) {
  test(`${file}: the scene comes out of its record again, number by number`, async (t) => {
    const scene = await loadScene(join(examples, file));
    const written = JSON.stringify(calibrationRecordOf(scene, 0.026));
    const record = calibrationRecord.parse(JSON.parse(written));
    t.is(record.boxOvershoot, 0.026);
    t.deepEqual(sceneOfRecord(record), {
      ...scene,
      signals: [],
      countingLines: [],
      regions: 'auto',
      plates: undefined,
    });
    t.is(JSON.stringify(calibrationRecordOf(sceneOfRecord(record), 0.026)), written);
    if (record.ground === null) return;
    t.is(refitDifference(record.ground), 0);
    const moved = structuredClone(record.ground);
    if (moved.points[0] !== undefined) moved.points[0].road.x += 0.05;
    t.true((refitDifference(moved) ?? 0) > 1e-4, 'a survey of other figures gives another map');
  });
}

const full = `
name: test
picture: { width: 640, height: 360 }
timeZone: Europe/Berlin
calibration:
  date: 2026-02-27
  certificate: { number: K 12/26, issuer: an office, issued: 2026-03-01, expires: 2027-02-28 }
  points:
    - { image: [100, 300], road: [-4, 10] }
    - { image: [540, 300], road: [4, 10] }
    - { image: [250, 120], road: [-4, 40] }
    - { image: [390, 120], road: [4, 40] }
speed: { limitKmh: 50, limitSource: order 7, classes: { truck: 40 } }
lanes:
  - name: a
    polygon: [[100, 350], [540, 350], [390, 120], [250, 120]]
    limitKmh: 30
    limitSource: sign 274.1
    only: [bus]
    onlyWhen: [{ days: [mon], from: "07:00", to: "09:00" }]
`;

test('the certificate, the survey and what set a limit are in the record', (t) => {
  const scene = parseScene(full, 'test');
  const record = calibrationRecord.parse(JSON.parse(JSON.stringify(calibrationRecordOf(scene, 0))));
  t.like(record.ground, {
    surveyed: '2026-02-27',
    certificate: { number: 'K 12/26', issuer: 'an office', issued: '2026-03-01', expires: '2027-02-28' },
    freedom: 0,
    misfit: null,
  });
  t.is(record.speed?.limitSource, 'order 7');
  t.is(record.lanes[0]?.limitSource, 'sign 274.1');
  t.deepEqual(sceneOfRecord(record), scene);
  t.false(calibrationRecord.safeParse({ ...record, more: 1 }).success);
});

test('a certificate that expires before it begins, and a source without a limit, are refused with their line', (t) => {
  const refused = (text: string) => t.throws(() => parseScene(text, 'test'), { code: 'scene-invalid' })?.message ?? '';
  t.regex(refused(full.replace('expires: 2027-02-28', 'expires: 2026-02-28')), /line 7: .*`expires`/);
  t.regex(refused(full.replace('    limitKmh: 30\n', '')), /`limitSource` has no meaning/);
});
