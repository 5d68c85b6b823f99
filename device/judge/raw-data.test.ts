import test from 'ava';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { phasesOver } from './raw-data.ts';
import { rawPointsOf, rawRecord, rawRecordOf } from './raw-record.ts';
import { SchedulePhases } from './schedule-phase.ts';
import { boxAt, drive, monday, sceneOf } from './testing/drive.ts';

const scene = sceneOf(`
name: test
picture: { width: 640, height: 360 }
lanes:
  - { name: up, polygon: [[0, 359], [0, 20], [639, 20], [639, 359]], direction: [[300, 350], [300, 30]] }
ignore:
  - [[0, 0], [639, 0], [639, 90], [0, 90]]
`);

test('an accusation has the points that it was made from: held, ignored, and under which track they came', (t) => {
  const path = (s: number) => boxAt(300, 60 + 50 * s);
  const actors = [
    { id: 4, box: (s: number) => (s < 1.4 ? path(s) : undefined) },
    { id: 5, box: (s: number) => (s > 1.7 ? path(s) : undefined) },
  ];
  const { infractions, raw } = drive(scene, actors, { seconds: 5, jitter: 0.002, patience: 200 });
  const [infraction] = infractions;
  const data = infraction && raw.get(infraction);
  if (data === undefined) return t.fail();
  t.is(raw.size, infractions.length);
  t.is(data.omitted, 0);
  t.deepEqual([...new Set(data.points.map(({ track }) => track))], [4, 5]);
  t.deepEqual(
    data.points.map(({ frame }) => frame),
    data.points.map(({ frame }) => frame).toSorted((a, b) => a - b),
  );
  for (const { use, box } of data.points) {
    t.is(use, box.y + box.height < 90 ? 'ignored' : 'held');
  }
  t.true(data.points.some(({ use }) => use === 'ignored'));
  return t.deepEqual(data.phases, []);
});

test('the record of the points goes through JSON unchanged, and back to the points', (t) => {
  const { infractions, raw } = drive(scene, [{ id: 1, box: (s) => boxAt(300, 100 + 50 * s) }], {
    seconds: 4,
    jitter: 0.01,
  });
  const [infraction] = infractions;
  const data = infraction && raw.get(infraction);
  if (infraction === undefined || data === undefined) return t.fail();
  const record = rawRecord.parse(JSON.parse(JSON.stringify(rawRecordOf(data))));
  const { elapsed, utc, clock } = infraction.time;
  const points = rawPointsOf(record, { utc: new Date(utc).toISOString(), elapsedMs: elapsed, clock });
  t.deepEqual(points, data.points);
  return t.false(rawRecord.safeParse({ ...record, more: 1 }).success);
});

test('phases are recorded by their changes, with when the source says these were', (t) => {
  const { signals } = sceneOf(`
name: test
picture: { width: 640, height: 360 }
signals:
  - { name: a, phases: { schedule: [{ from: 1, to: 3, phase: amber }, { from: 3, to: 5, phase: red }] } }
`);
  const points = Array.from({ length: 60 }, (_, i) => ({
    time: {
      utc: utcMilliseconds(monday + 100 * i),
      elapsed: milliseconds(100 * i),
      clock: { source: 'recording', synchronised: false, dated: true, intervalError: milliseconds(1) } as const,
    },
  }));
  const seen = phasesOver(points, 'a', new SchedulePhases(signals));
  t.deepEqual(
    seen.map(({ phase, fromMs }) => [phase, Math.round(fromMs)]),
    [
      ['unknown', 0],
      ['amber', 1000],
      ['red', 3000],
      ['unknown', 5000],
    ],
  );
});
