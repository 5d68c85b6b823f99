import test from 'ava';
import fc from 'fast-check';
import { boxAt, drive, sceneOf } from '../../judge/testing/drive.ts';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import { boxOf, project, testCamera } from '../../scene/testing/camera.ts';
import { rederive } from './re-derive.ts';
import type { RederivableRecord } from './rederivable.ts';
import { recordOf, streetRecords } from './testing/records.ts';
import { inWords } from './words.ts';

const street = await streetRecords(0.026, 20260601);
const speeders = street.filter(({ infraction }) => infraction.rule === 'speeding');

test('on the street every figure of every accusation comes out of its record again', (t) => {
  t.deepEqual(street.map(({ infraction }) => infraction.rule).toSorted(), [
    'red-light',
    'restricted-lane',
    'speeding',
    'speeding',
    'stopping',
    'wrong-way',
  ]);
  for (const record of street) {
    const again = rederive(record);
    if (again.outcome !== 'same') return t.fail(`${record.infraction.rule}: ${JSON.stringify(again)}`);
    t.true(again.figures.length >= 12);
    for (const { name, difference } of again.figures) t.true(Math.abs(difference ?? 0) < 1e-6, name);
    t.is(again.mapFromSurveyM, 0, 'the map is the one that the survey gives');
  }
  return undefined;
});

test('the simple method states nearly the same speeds', (t) => {
  t.is(speeders.length, 2);
  for (const record of speeders) {
    const { simple } = rederive(record);
    if (simple?.speed.stated !== true) return t.fail();
    t.true(simple.agrees);
    t.true(Math.abs(simple.differenceKmh ?? 99) < 1, `${simple.differenceKmh} km/h`);
    t.true(simple.speed.uncertaintyKmh < 2);
  }
  return undefined;
});

const through = (record: RederivableRecord): RederivableRecord =>
  JSON.parse(canonicalJson(record as unknown as JsonValue));

test('a record that went through canonical JSON gives the same answer, bit for bit', (t) => {
  for (const record of street) t.deepEqual(rederive(through(record)), rederive(record));
});

/** A copy with one point changed. */
function changed(
  record: RederivableRecord,
  index: number,
  change: (point: RederivableRecord['auxiliary']['track'][number]) => object,
): RederivableRecord {
  const track = record.auxiliary.track.map((point, i) => (i === index ? { ...point, ...change(point) } : point));
  return { ...record, auxiliary: { ...record.auxiliary, track } };
}

test('a point that entered a speed cannot be altered, moved in time or left out unseen', (t) => {
  for (const record of speeders) {
    const [from, to] = rederive(record).stretch ?? [0, -1];
    const inside = record.auxiliary.track.flatMap(({ frame, use }, i) =>
      frame >= from && frame <= to && use === 'held' ? [i] : [],
    );
    t.true(inside.length >= 8);
    const { track } = record.auxiliary;
    fc.assert(
      fc.property(
        fc.constantFrom(...inside),
        fc.constantFrom('x', 'y', 'width', 'height', 'time'),
        fc.oneof(fc.double({ min: 0.5, max: 30, noNaN: true }), fc.double({ min: -30, max: -0.5, noNaN: true })),
        (index, what, by) => {
          const altered = changed(record, index, ({ box, elapsedMs }) =>
            what === 'time'
              ? { elapsedMs: elapsedMs + by }
              : { box: { ...box, [what]: box[what as keyof typeof box] + by } },
          );
          return rederive(altered).outcome === 'differs';
        },
      ),
      { numRuns: 150 },
    );
    for (const index of inside) {
      const without = { ...record.auxiliary, track: track.filter((_, i) => i !== index) };
      t.is(rederive({ ...record, auxiliary: without }).outcome, 'differs', `without point ${index}`);
    }
  }
});

test('a figure, a limit, the map or the survey cannot be altered unseen', (t) => {
  const [record] = speeders;
  if (record?.infraction.measured.rule !== 'speeding') return t.fail();
  const { infraction, auxiliary } = record;
  const { calibration } = auxiliary;
  const { ground, speed } = calibration;
  if (ground === null || speed === null || infraction.measured.rule !== 'speeding') return t.fail();
  const measured = { ...infraction.measured, chargedKmh: infraction.measured.chargedKmh + 0.001 };
  const raised = rederive({ ...record, infraction: { ...infraction, measured } });
  t.like(raised, { outcome: 'differs', differing: ['measured.chargedKmh'] });
  const withCalibration = (change: object) =>
    rederive({ ...record, auxiliary: { ...auxiliary, calibration: { ...calibration, ...change } } });
  t.like(withCalibration({ speed: { ...speed, limitKmh: 49 } }), { outcome: 'differs' });
  t.like(withCalibration({ boxOvershoot: 0.03 }), { outcome: 'differs' });
  const [a, ...rest] = ground.toRoad;
  t.like(withCalibration({ ground: { ...ground, toRoad: [a * 1.001, ...rest] } }), { outcome: 'differs' });
  const points = ground.points.with(0, { ...ground.points[0], road: { x: 0.6, y: 22 } } as never);
  const survey = withCalibration({ ground: { ...ground, points } });
  t.true((survey.mapFromSurveyM ?? 0) > 0.001, 'the map does not follow from this survey');
  return undefined;
});

test('what a record does not have is said, not guessed', (t) => {
  const [record] = speeders;
  const red = street.find(({ infraction }) => infraction.rule === 'red-light');
  if (record === undefined || red === undefined) return t.fail();
  const reason = (one: RederivableRecord, change: Partial<RederivableRecord['auxiliary']>) => {
    const again = rederive({ ...one, auxiliary: { ...one.auxiliary, ...change } });
    return again.outcome === 'not-derivable' ? again.reason : again.outcome;
  };
  t.is(reason(record, { track: [] }), 'the record has no box that the judge held');
  t.is(
    reason(record, { calibration: { ...record.auxiliary.calibration, ground: null } }),
    'the record has no map from the picture to the road',
  );
  t.is(reason(red, { phases: [] }), 'the record does not say what signal main showed');
  t.is(reason(red, { phases: [{ phase: 'green', fromMs: 0, source: 'schedule' }] }), 'differs');
  return undefined;
});

test('the words name the figures, the second opinion and what is missing', (t) => {
  const [record] = speeders;
  if (record?.infraction.measured.rule !== 'speeding') return t.fail();
  const { says, figures } = inWords(rederive(record));
  t.regex(says, /^All \d+ figures come out of the raw data again/);
  t.regex(new Map(figures).get('measured.chargedKmh') ?? '', /difference 0$/);
  t.regex(new Map(figures).get('Simple method') ?? '', /agrees within/);
  const lower = { ...record.infraction.measured, speedKmh: 40 };
  const forged = inWords(rederive({ ...record, infraction: { ...record.infraction, measured: lower } }));
  t.regex(forged.says, /do not come out.*measured\.speedKmh/);
  t.regex(new Map(forged.figures).get('measured.speedKmh') ?? '', /^40 recorded, \d/);
  t.regex(new Map(forged.figures).get('Simple method') ?? '', /apart by more/);
  const none = inWords(rederive({ ...record, auxiliary: { ...record.auxiliary, track: [] } }));
  t.regex(none.says, /cannot be derived again: the record has no box/);
  return undefined;
});

const box = `
name: test
picture: { width: 640, height: 360 }
noStopping:
  - { name: z, polygon: [[0, 100], [639, 100], [639, 359], [0, 359]], allowedS: 60 }
`;

test('a stand of a minute, of which older points were thinned out, comes out again', (t) => {
  const scene = sceneOf(box);
  const { infractions, raw } = drive(scene, [{ id: 1, box: () => boxAt(300, 200) }], { seconds: 70, jitter: 0.005 });
  const [infraction] = infractions;
  const data = infraction && raw.get(infraction);
  if (infraction === undefined || data === undefined) return t.fail();
  t.true(data.omitted > 100 && data.points.length <= 900 + 270);
  const again = rederive(recordOf(infraction, data, scene, 0));
  t.is(again.outcome, 'same');
  return undefined;
});

const marks = [-4, 4]
  .flatMap((x) => [16, 28, 45].map((y) => ({ x, y, image: project(testCamera, x, y) })))
  .map(({ x, y, image }) => `    - { image: [${image.x.toFixed(2)}, ${image.y.toFixed(2)}], road: [${x}, ${y}] }`)
  .join('\n');
const road = (more: string) => `
name: test
picture: { width: 1280, height: 720 }
calibration:
  pixelError: 0.3
  points:
${marks}
${more}`;
const fifty = 'speed: { limitKmh: 50, limitSource: sign 274 }\n';

/** A car that drives away from the camera, unseen between two times; its box at each second. */
const car = (kmh: number, seen: (s: number) => boolean) => (s: number) => {
  const y = 16 + (kmh / 3.6) * s;
  return y < 60 && seen(s) ? boxOf(testCamera, 0, y, Math.PI / 2) : undefined;
};

test('a speed that was measured over two tracks has the boxes of both in its record', (t) => {
  const scene = sceneOf(road(fifty));
  const actors = [
    { id: 7, box: car(72, (s) => s < 1) },
    { id: 9, box: car(72, (s) => s > 1.3) },
  ];
  const { infractions, raw } = drive(scene, actors, { seconds: 5, jitter: 0.004 });
  const [infraction] = infractions;
  const data = infraction && raw.get(infraction);
  if (infraction === undefined || data === undefined) return t.fail();
  const record = recordOf(infraction, data, scene, 0);
  const { track } = record.auxiliary;
  t.deepEqual([...new Set(track.map((point) => point.track))], [7, 9]);
  t.is(rederive(record).outcome, 'same');
  const last = { ...record.auxiliary, track: track.filter((point) => point.track === 9) };
  t.is(rederive({ ...record, auxiliary: last }).outcome, 'differs', 'the last track alone does not give the figures');
  return undefined;
});

test('the lesser class that may not be ruled out, and with it the limit, comes out of the recorded votes', (t) => {
  const scene = sceneOf(road('speed: { limitKmh: 70, classes: { truck: 50 } }\n'));
  const votes = () => [['truck', 0.9] as const, ['car', 0.1] as const];
  const { infractions, raw } = drive(scene, [{ id: 1, box: car(66, () => true), votes }], {
    seconds: 5,
    jitter: 0.004,
  });
  const [infraction] = infractions;
  const data = infraction && raw.get(infraction);
  if (infraction === undefined || data === undefined) return t.fail();
  const record = recordOf(infraction, data, scene, 0);
  t.is(rederive(record).outcome, 'same');
  const doubtful = { ...record.auxiliary, votes: { truck: 0.6, car: 0.4 } };
  t.like(rederive({ ...record, auxiliary: doubtful }), {
    outcome: 'differs',
    says: 'the speed that the raw data give is not above the limit',
  });
  return undefined;
});

const certified = (expires: string) =>
  road(fifty).replace(
    '  points:',
    `  certificate: { number: K 12/26, issuer: an office, issued: 2025-06-01, expires: ${expires} }\n  points:`,
  );

test('what the certificate was on the day stands among the findings, and comes out again', (t) => {
  for (const [expires, state] of [
    ['2026-06-01', 'valid'],
    ['2026-05-31', 'expired'],
  ] as const) {
    const scene = sceneOf(certified(expires));
    const { infractions, raw } = drive(scene, [{ id: 1, box: car(72, () => true) }], { seconds: 5, jitter: 0.004 });
    const [infraction] = infractions;
    const data = infraction && raw.get(infraction);
    if (infraction === undefined || data === undefined) return t.fail();
    t.is(infraction.findings.find(({ name }) => name === 'calibration-certificate')?.value, state);
    const again = rederive(recordOf(infraction, data, scene, 0));
    t.like(again, { outcome: 'same', certificate: { number: 'K 12/26', expires, state } });
  }
  return undefined;
});

const lights = `
name: test
picture: { width: 640, height: 360 }
signals:
  - { name: main, phases: { schedule: [{ from: 0, to: 2, phase: green }, { from: 2, to: 3, phase: amber }, { from: 3, to: 60, phase: red }] } }
stopLines:
  - { name: stop, points: [[100, 200], [540, 200]], direction: [[320, 300], [320, 100]], signal: main }
`;

test('the passing of a stop line and the stand behind it come out of the points and the recorded phases', (t) => {
  const scene = sceneOf(lights);
  const passes = (s: number) => boxAt(320, 340 - 30 * s, 90, 70);
  const halts = (s: number) => boxAt(320, Math.max(182, 340 - 40 * s), 90, 70);
  for (const [rule, box] of [
    ['red-light', passes],
    ['stop-line', halts],
  ] as const) {
    const { infractions, raw } = drive(scene, [{ id: 1, box }], {
      seconds: 12,
      jitter: 0.002,
    });
    const infraction = infractions.find((one) => one.rule === rule);
    const data = infraction && raw.get(infraction);
    if (infraction === undefined || data === undefined) return t.fail(rule);
    t.deepEqual(
      data.phases.map(({ phase, fromMs }) => [phase, Math.round(fromMs)]),
      [
        ['green', 0],
        ['amber', 2000],
        ['red', 3000],
      ],
    );
    t.is(rederive(recordOf(infraction, data, scene, 0)).outcome, 'same', rule);
  }
  return undefined;
});
