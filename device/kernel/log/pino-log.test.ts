import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../errors.ts';
import { ManualClock } from '../manual-clock.ts';
import { milliseconds } from '../units.ts';
import { correlationOf, eventName, silentLog } from './log.ts';
import { type LogOptions, openLog } from './pino-log.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly level_?: string;
  readonly msg_?: string;
  readonly day?: number;
  readonly n?: number;
  readonly dropped?: number;
  readonly field?: string;
}

const noon = Date.UTC(2026, 2, 1, 12);

function bench(options: Partial<LogOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-log-'));
  const clock = new ManualClock(noon);
  const log = openLog({ level: 'debug', folder, keepDays: 3, name: 'unit', clock, ...options });
  const lines = (file: string): Line[] =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  return { folder, clock, log, lines, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const today = '2026-03-01';

test('every line is in the file of the day, warnings and errors in a second one too', async (t) => {
  const { log, lines, remove } = bench();
  const correlation = correlationOf('a-1', 'a-1-000000007');
  log.info({ frame: 41, track: 3 }, 'a frame');
  log.child({ part: 'outbox' }).warn({ evidence: 'a-1-000000007', correlation }, 'waits');
  log.error({ error: new AtalayaError('link-down', 'the broker is gone', { hint: 'Wait.' }) }, 'no link');
  await log.close();
  t.deepEqual(lines(`app-${today}.log`), [
    { level: 'info', time: '2026-03-01T12:00:00.000Z', name: 'unit', frame: 41, track: 3, msg: 'a frame' },
    {
      level: 'warn',
      time: '2026-03-01T12:00:00.000Z',
      name: 'unit',
      part: 'outbox',
      evidence: 'a-1-000000007',
      correlation,
      msg: 'waits',
    },
    {
      level: 'error',
      time: '2026-03-01T12:00:00.000Z',
      name: 'unit',
      error: { code: 'link-down', message: 'the broker is gone', hint: 'Wait.' },
      msg: 'no link',
    },
  ]);
  t.deepEqual(
    lines(`error-${today}.log`).map(({ level }) => level),
    ['warn', 'error'],
  );
  t.is(log.dropped, 0);
  remove();
});

test('a day has its file, and the oldest go', async (t) => {
  const { folder, clock, log, lines, remove } = bench();
  writeFileSync(join(folder, 'app-notes.log'), 'of somebody else\n');
  for (let day = 0; day < 5; day += 1) {
    log.info({ day }, 'a day');
    await clock.advance(24 * 3600 * 1000);
  }
  await log.close();
  t.deepEqual(readdirSync(folder).sort(), [
    'app-2026-03-03.log',
    'app-2026-03-04.log',
    'app-2026-03-05.log',
    'app-notes.log',
  ]);
  t.deepEqual(
    lines('app-2026-03-04.log').map((line) => line.day),
    [3],
  );
  remove();
});

test('lines of two days that waited together come into the files of their days', async (t) => {
  const { clock, log, lines, remove } = bench();
  clock.setUtc(noon + 12 * 3600 * 1000 - 1);
  log.info({ n: 1 }, 'before midnight');
  clock.setUtc(noon + 12 * 3600 * 1000);
  log.info({ n: 2 }, 'after midnight');
  await log.close();
  t.is(lines(`app-${today}.log`)[0]?.n, 1);
  t.is(lines('app-2026-03-02.log')[0]?.n, 2);
  remove();
});

test('a level that was set for a while goes back by itself, in children too', async (t) => {
  const { clock, log, lines, remove } = bench({ level: 'info' });
  const child = log.child({ part: 'x' });
  child.debug({}, 'unheard');
  log.setLevel('debug', milliseconds(60_000));
  child.debug({}, 'heard');
  await clock.advance(59_999);
  t.is(child.level, 'debug');
  await clock.advance(1);
  child.debug({}, 'unheard');
  t.is(log.level, 'info');
  child.setLevel('error');
  log.warn({}, 'unheard');
  log.setLevel('debug', milliseconds(10));
  log.setLevel('warn');
  await clock.advance(5);
  log.info({}, 'unheard');
  await log.close();
  t.deepEqual(
    lines(`app-${today}.log`).map(({ msg }) => msg),
    ['heard'],
  );
  remove();
});

test('no text makes a second line, a second level or a control character', async (t) => {
  const { folder, log, lines, remove } = bench({ mostPending: 64 * 1024 * 1024 });
  const hostile = fc.string({ unit: 'binary', maxLength: 40 });
  const said: [string, string][] = [['{"level":"error"}\n{"level":"fatal"', 'a\r\nb\u001b[2J\u009b2J\u2028c\u007f']];
  fc.assert(
    fc.property(hostile, hostile, (field, message) => {
      said.push([field, message]);
    }),
  );
  for (const [field, message] of said) log.info({ field, level: 'fatal', time: 'x', msg: 'y' }, message);
  await log.close();
  const read = lines(`app-${today}.log`);
  const wellFormed = (text: string) => text.toWellFormed();
  t.deepEqual(
    read.map(({ field, msg }) => [field, msg]),
    said.map(([field, message]) => [wellFormed(field), wellFormed(message)]),
  );
  t.true(read.every((line) => line.level === 'info' && line.level_ === 'fatal' && line.msg_ === 'y'));
  const control = /[\p{Cc}\u2028\u2029]/u;
  t.true(
    readFileSync(join(folder, `app-${today}.log`), 'utf8')
      .split('\n')
      .every((line) => !control.test(line)),
  );
  remove();
});

test('a full disk stops nobody: lines wait, then are counted, and the gap is told when there is room again', async (t) => {
  const { folder, clock, log, lines, remove } = bench({ mostPending: 2000 });
  const app = join(folder, `app-${today}.log`);
  symlinkSync('/dev/full', app);
  for (let n = 0; n < 100; n += 1) {
    t.notThrows(() => log.info({ n }, 'while it is full'));
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const { dropped } = log;
  t.true(dropped > 50 && dropped < 100, `${dropped}`);
  unlinkSync(app);
  await clock.advance(1000);
  // This one is dropped too, and makes the disk be tried again.
  log.info({ n: 100 }, 'tries');
  const size = () => statSync(app, { throwIfNoEntry: false })?.size ?? 0;
  for (let [before, still, waits] = [0, 0, 0]; still < 10 && waits < 1000; waits += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = size();
    still = now > 0 && now === before ? still + 1 : 0;
    before = now;
  }
  log.info({ n: 101 }, 'room again');
  await log.close();
  const read = lines(`app-${today}.log`);
  const kept = read.filter(({ msg }) => msg === 'while it is full').map((line) => line.n);
  t.deepEqual(kept, [...Array(kept.length).keys()]);
  t.deepEqual(
    read.slice(kept.length).map(({ msg, n, dropped }) => ({ msg, n, dropped })),
    [
      { msg: 'lines found no place', n: undefined, dropped: 101 - kept.length },
      { msg: 'room again', n: 101, dropped: undefined },
    ],
  );
  t.is(log.dropped, 101 - kept.length);
  remove();
});

test('a folder that cannot be made, a day that is too talkative and a value that throws are counted', async (t) => {
  const { folder, log, remove } = bench({ folder: '/dev/null/log' });
  log.error({}, 'nowhere');
  await log.close();
  t.is(log.dropped, 2);
  remove();
  const full = bench({ mostADay: 1000 });
  for (let n = 0; n < 50; n += 1) full.log.info({ n }, 'talks');
  await full.log.close();
  t.true(readFileSync(join(full.folder, `app-${today}.log`)).byteLength <= 1000);
  t.is(full.lines(`app-${today}.log`).length + full.log.dropped, 50);
  full.remove();
  const odd = bench();
  const circle: { big: bigint; self?: unknown } = { big: 10n };
  circle.self = circle;
  odd.log.info({ circle }, 'goes round');
  odd.log.info(
    {
      get trap(): never {
        throw new Error('looked at');
      },
    },
    'lost',
  );
  await odd.log.close();
  odd.log.info({}, 'too late');
  t.is(odd.lines(`app-${today}.log`).length, 1);
  t.is(odd.log.dropped, 2);
  odd.remove();
  t.false(readdirSync(tmpdir()).includes(folder));
});

test('half a line that a power cut left is ended before the next one', async (t) => {
  const { folder, log, remove } = bench();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `app-${today}.log`), '{"level":"info","msg":"who');
  log.info({}, 'whole');
  await log.close();
  const [first, second] = readFileSync(join(folder, `app-${today}.log`), 'utf8').split('\n');
  t.is(first, '{"level":"info","msg":"who');
  t.is((JSON.parse(second ?? '') as { msg: string }).msg, 'whole');
  remove();
});

test('one correlation at both ends, another for another unit or record', (t) => {
  t.regex(correlationOf('a-1', 'a-1-000000001'), /^[0-9a-f]{32}$/);
  t.is(correlationOf('a-1', 'a-1-000000001'), correlationOf('a-1', 'a-1-000000001'));
  t.not(correlationOf('a-1', 'a-1-000000001'), correlationOf('a-2', 'a-1-000000001'));
  t.is(eventName('alert', 'ff', 3), 'alert/ff/3');
  t.is(silentLog.child({}), silentLog);
});
