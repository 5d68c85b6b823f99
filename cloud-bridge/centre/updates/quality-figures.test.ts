import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { qualityDue } from '../../contract/awaited-work.ts';
import { qualityBars } from '../../contract/quality.ts';
import { ArchiveContent, MemoryArchive } from '../archive/testing/memory-archive.ts';
import { judgeQuality, type Slice } from './judge-quality.ts';
import { slicesOf, stretchesOf, workOf } from './quality-figures.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 2, 10, 12, minute)).toISOString();
const message = (minute: number, uptimeS: number, pipeline: object) => ({
  time: at(minute),
  data: { uptimeS, pipeline } as never,
});

test('counters become counts between messages, and begin anew with the program', (t) => {
  const slices = slicesOf([
    message(3, 100, { framesProcessed: 1500, infractions: 2 }),
    message(0, 1000, { framesProcessed: 9000, infractions: 40 }),
    message(1, 1060, { framesProcessed: 9900, infractions: 43, platesRead: 7 }),
    message(4, 160, { framesProcessed: 2400, infractions: 2, platesRead: 1 }),
  ]);
  t.deepEqual(slices, [
    { seconds: 60, counts: { frames: 900, sealed: 3 } },
    { seconds: 100, counts: { frames: 1500, sealed: 2 } },
    { seconds: 60, counts: { frames: 900, sealed: 0 } },
  ]);
  t.deepEqual(slicesOf([message(0, 1, {})]), []);
});

test('the time after a unit has confirmed is held against the time before it was given the update', (t) => {
  const unit = { releasedAt: at(0), settledAt: at(30) };
  const minutes = (one: { from: number; to: number }) =>
    [one.from, one.to].map((ms) => (ms - Date.parse(at(0))) / 60_000);
  const just = stretchesOf(unit, { minutes: 60, against: 'just-before' });
  t.deepEqual(minutes(just.after), [30, 90]);
  t.deepEqual(minutes(just.before), [-60, 0]);
  const day = stretchesOf(unit, { minutes: 60, against: 'day-before' });
  t.deepEqual(minutes(day.before), [30 - 1440, 90 - 1440]);
  const long = stretchesOf(unit, { minutes: 1440, against: 'day-before' });
  t.deepEqual(minutes(long.before), [30 - 2880, 30 - 1440], 'never while the update was on its way');
  t.deepEqual(minutes(stretchesOf(unit, { minutes: 60, against: 'week-before' }).before), [30 - 10_080, 90 - 10_080]);
  t.is(qualityDue([{ settledAt: at(10) }, { settledAt: at(30) }], { minutes: 60 }), Date.parse(at(92)));
});

/** Telemetry each minute of a unit that processes 15 frames a second while it lives; seconds from minute 0, and of each life. */
function living(from: number, to: number, { life = Infinity, down = 0 } = {}) {
  const messages: ReturnType<typeof message>[] = [];
  for (let born = from; born < to; born += life + down)
    for (let up = 60; up < life && born + up < to; up += 60)
      messages.push(message((born + up) / 60, up, { framesProcessed: 15 * up }));
  return messages;
}

test('to be down after an update is to work less; what a restart cost before it is left out', (t) => {
  const bars = qualityBars.parse({ minutes: 120, against: 'just-before', frames: 0.9 });
  const restless = { life: 170, down: 60 };
  const before = slicesOf(living(-7200, 0), 'left-out');
  const after = slicesOf(living(0, 7200, restless), 'counted');
  const crashing = judgeQuality([{ unit: 'a', before, after }], bars);
  t.is(crashing.verdict, 'dropped');
  t.true((crashing.measures[0]?.ratio ?? 1) < 0.8);
  const mended = slicesOf(living(0, 7200), 'counted');
  const was = slicesOf(living(-7200, 0, restless), 'left-out');
  t.is(judgeQuality([{ unit: 'a', before: was, after: mended }], bars).verdict, 'held');
});

test('a week of figures twice a minute is judged by all of it', async (t) => {
  const archive = new MemoryArchive(new ManualClock(), new ArchiveContent());
  const week = 7 * 86_400;
  const events = Array.from({ length: (2 * week) / 30 }, (_, i) => {
    const second = i * 30 - week;
    const uptimeS = second < 0 ? second + week : second;
    return {
      ...({ unit: 'a', lane: 'telemetry', stream: '0123456789abcdef', sequence: i + 1, previous: i } as const),
      ...({ kind: 'telemetry', time: at(second / 60), forwardTo: [] } as const),
      data: { uptimeS, pipeline: { framesProcessed: second < 0 ? uptimeS * 15 : uptimeS } },
    };
  });
  for (let i = 0; i < events.length; i += 5000) await archive.ingest(events.slice(i, i + 5000));
  const bars = qualityBars.parse({ minutes: week / 60, against: 'just-before', frames: 0.9 });
  const work = await workOf(archive, [{ unit: 'a', releasedAt: at(0), settledAt: at(0) }], bars);
  const seconds = (slices: readonly Slice[]) => slices.reduce((sum, one) => sum + one.seconds, 0);
  t.true(seconds(work[0]?.before ?? []) > 0.99 * week && seconds(work[0]?.after ?? []) > 0.99 * week);
  t.is(judgeQuality(work, bars).verdict, 'dropped');
});

/** A unit's telemetry each minute of its lives, in seconds: `born`, and not `until`. */
async function archived(lives: readonly { readonly born: number; readonly until: number }[]) {
  const archive = new MemoryArchive(new ManualClock(), new ArchiveContent());
  const events = lives.flatMap(({ born, until }) =>
    Array.from({ length: (until - born) / 60 }, (_, i) => ({ second: born + i * 60, uptimeS: i * 60 })),
  );
  await archive.ingest(
    events.map(({ second, uptimeS }, i) => ({
      ...({ unit: 'a', lane: 'telemetry', stream: '0123456789abcdef', sequence: i + 1, previous: i } as const),
      ...({ kind: 'telemetry', time: at(second / 60), forwardTo: [] } as const),
      data: { uptimeS, pipeline: { framesProcessed: uptimeS * 15 } },
    })),
  );
  return archive;
}

const hours = (count: number) => count * 3600;
const judged = async (archive: MemoryArchive, minutes: number) => {
  const bars = qualityBars.parse({ minutes, against: 'just-before', frames: 0.9 });
  return judgeQuality(await workOf(archive, [{ unit: 'a', releasedAt: at(0), settledAt: at(0) }], bars), bars);
};

test('to be down over the end of a part that is read at once is to be down', async (t) => {
  const { verdict, measures } = await judged(
    await archived([
      { born: -hours(24), until: 0 },
      { born: 0, until: hours(5) },
      { born: hours(16), until: hours(24) },
    ]),
    1440,
  );
  t.is(verdict, 'dropped', measures[0]?.words);
  t.true(Math.abs((measures[0]?.ratio ?? 0) - 13 / 24) < 0.01, measures[0]?.words);
});

test('whoever stops for good in the middle of its time has not held what it did until then', async (t) => {
  const before = { born: -hours(1), until: 0 };
  const ended = await judged(await archived([before, { born: 0, until: 35 * 60 }]), 60);
  t.is(ended.verdict, 'dropped', ended.measures[0]?.words);
  t.true(Math.abs((ended.measures[0]?.ratio ?? 0) - 35 / 60) < 0.03, ended.measures[0]?.words);
  const late = await judged(await archived([before, { born: 0, until: 58 * 60 }]), 60);
  t.is(late.verdict, 'held', late.measures[0]?.words);
});

test('what units counted before and after is read from their telemetry, and from nobody else', async (t) => {
  const archive = new MemoryArchive(new ManualClock(), new ArchiveContent());
  const telemetry = (unit: string, minute: number, sealed: number, uptimeS: number) => ({
    ...({
      unit,
      lane: 'telemetry',
      stream: '0123456789abcdef',
      sequence: minute + 500,
      previous: minute + 499,
    } as const),
    ...({ kind: 'telemetry', time: at(minute), forwardTo: [] } as const),
    data: { uptimeS, pipeline: { infractions: sealed } },
  });
  const events = ['a', 'b'].flatMap((unit) =>
    Array.from({ length: 200 }, (_, i) => {
      const minute = i - 90;
      // From the update on, at minute 20, it seals half as much.
      return minute < 20
        ? telemetry(unit, minute, i * 8, i * 60)
        : telemetry(unit, minute, (minute - 20) * 4, (minute - 20) * 60);
    }),
  );
  await archive.ingest(events);
  const bars = { minutes: 60, against: 'just-before', sealed: 0.9 } as const;
  const units = [{ unit: 'a', releasedAt: at(0), settledAt: at(40) }];
  const work = await workOf(archive, units, bars);
  t.is(work.length, 1);
  t.is(work[0]?.before.length, 59);
  t.is(work[0]?.after.length, 59);
  const { verdict, measures } = judgeQuality(work, bars);
  t.like(measures[0], { before: 59 * 8, after: 59 * 4, ratio: 0.5 });
  t.is(verdict, 'dropped');
});
