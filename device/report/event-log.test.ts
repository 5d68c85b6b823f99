import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { Measurement } from '../judge/infraction.ts';
import { isAtalayaError } from '../kernel/errors.ts';
import { fraction } from '../kernel/units.ts';
import {
  alertEvent,
  crossingEvent,
  EventLog,
  encodeEvent,
  infractionEvent,
  type RunEvent,
  runEventSchema,
} from './event-log.ts';
import { sampleRun, timeOf } from './sample-run.fixture.ts';

const events: readonly RunEvent[] = [
  ...sampleRun.infractions.map(({ infraction, evidence }) => infractionEvent(infraction, evidence)),
  ...sampleRun.crossings.map(crossingEvent),
  alertEvent({
    list: 'stolen',
    entry: 'case-17',
    match: 'one-off',
    confidence: fraction(0.03),
    track: 12,
    frame: 80,
    time: timeOf(80),
  }),
];

async function folder(t: { teardown(done: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'event-log-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

const linesOf = async (path: string): Promise<unknown[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

test('the file holds a line an event, in the order of the calls, each as the schema has it', async (t) => {
  const path = join(await folder(t), 'events.jsonl');
  const log = await EventLog.open(path);
  await Promise.all(events.map((event) => log.append(event)));
  await log.close();
  const lines = await linesOf(path);
  t.deepEqual(
    lines.map((line) => runEventSchema.parse(line)),
    [...events],
  );
  t.true((await readFile(path, 'utf8')).endsWith('}\n'));
});

test('every event names kind, frame, time, track and class; an infraction its rule and evidence, a crossing its line', (t) => {
  const red = events.find((event) => event.kind === 'infraction' && event.rule === 'red-light');
  t.like(JSON.parse(encodeEvent(red ?? t.fail())), {
    kind: 'infraction',
    frame: 238,
    time: '2026-03-01T12:00:15.867Z',
    track: 14,
    class: 'car',
    rule: 'red-light',
    lane: 'A1',
    measured: { rule: 'red-light', redForS: 3.87 },
    evidence: 'unit-1-000006',
  });
  const crossing = events.find((event) => event.kind === 'crossing');
  t.deepEqual(Object.keys(JSON.parse(encodeEvent(crossing ?? t.fail()))), [
    'kind',
    'frame',
    'time',
    'dated',
    'track',
    'class',
    'line',
    'direction',
  ]);
});

test('an alert says list, entry and match, and has no place for a plate', (t) => {
  const alert = events.find(({ kind }) => kind === 'alert') ?? t.fail();
  const line = JSON.parse(encodeEvent(alert));
  t.like(line, { kind: 'alert', frame: 80, track: 12, list: 'stolen', entry: 'case-17', match: 'one-off' });
  t.deepEqual(Object.keys(line), ['kind', 'frame', 'time', 'dated', 'track', 'list', 'entry', 'match', 'confidence']);
  t.false(runEventSchema.safeParse({ ...alert, match: 'two-off' }).success);
});

test('an infraction in no lane says null', (t) => {
  const parked = events.find((event) => event.kind === 'infraction' && event.rule === 'stopping');
  t.is(JSON.parse(encodeEvent(parked ?? t.fail())).lane, null);
});

const measurement: fc.Arbitrary<Measurement> = fc.oneof(
  fc.record({
    rule: fc.constant('stop-line' as const),
    head: fc.string({ unit: 'binary' }),
    line: fc.string({ unit: 'binary' }),
    beyondPx: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    standingS: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  }),
  fc.record({
    rule: fc.constant('blocked-box' as const),
    zone: fc.string({ unit: 'binary' }),
    standingS: fc.nat(),
    allowedS: fc.nat(),
  }),
);

test('whatever the names hold, an event is one line and reads back as it was', (t) => {
  fc.assert(
    fc.property(measurement, fc.string({ unit: 'binary' }), fc.nat(1_000_000), (measured, says, frame) => {
      const findings = [{ name: 'a', value: says, says }];
      const box = { x: 0, y: 0, width: 1, height: 1 };
      const who = { track: 1, class: 'car', lane: says, box } as const;
      const event = infractionEvent(
        { rule: measured.rule, frame, time: timeOf(frame), ...who, measured, findings },
        'id',
      );
      const line = encodeEvent(event);
      t.is(line.indexOf('\n'), line.length - 1);
      t.deepEqual(runEventSchema.parse(JSON.parse(line)), event);
    }),
  );
});

test('the schema refuses an event without its time, with a rule nobody knows, or with a date that is not UTC', (t) => {
  const event = events[0] ?? t.fail();
  t.true(runEventSchema.safeParse(event).success);
  t.false(runEventSchema.safeParse({ ...event, time: undefined }).success);
  t.false(runEventSchema.safeParse({ ...event, rule: 'tailgating' }).success);
  t.false(runEventSchema.safeParse({ ...event, time: '2026-03-01T12:00:15.867+01:00' }).success);
});

test('a run without events leaves an empty file, and an earlier run is not mixed with this one', async (t) => {
  const path = join(await folder(t), 'events.jsonl');
  await writeFile(path, 'an earlier run\n');
  const log = await EventLog.open(path);
  await log.close();
  await log.close();
  t.is(await readFile(path, 'utf8'), '');
});

test('a path that cannot be written is refused with the reason and what to do', async (t) => {
  const root = await folder(t);
  await mkdir(join(root, 'folder'));
  await writeFile(join(root, 'file'), '');
  const reasons: [string, RegExp][] = [
    ['missing/events.jsonl', /its folder does not exist/],
    ['folder', /it is a folder/],
    ['file/events.jsonl', /a part of its path is a file/],
  ];
  for (const [name, message] of reasons) {
    const error = await t.throwsAsync(EventLog.open(join(root, name)), { message });
    t.true(isAtalayaError(error, 'usage-invalid') && error.hint !== undefined);
  }
});

test('a full disk is said at the line, at every later line, and at the end', async (t) => {
  const path = join(await folder(t), 'full');
  await symlink('/dev/full', path);
  const log = await EventLog.open(path);
  const event = events[0] ?? t.fail();
  for (const attempt of [() => log.append(event), () => log.append(event), () => log.close()]) {
    const error = await t.throwsAsync(attempt);
    t.true(isAtalayaError(error, 'store-full'));
  }
});

test('nothing can be added to a closed log', async (t) => {
  const log = await EventLog.open(join(await folder(t), 'events.jsonl'));
  await log.close();
  await t.throwsAsync(log.append(events[0] ?? t.fail()), { message: /is closed/ });
});
