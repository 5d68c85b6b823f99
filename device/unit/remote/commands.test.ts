import test from 'ava';
import sharp from 'sharp';
import type { Person } from '../../../cloud-bridge/contract/people.ts';
import { longestPayload } from '../../../cloud-bridge/contract/topics.ts';
import type { CommandOutcome } from '../../../cloud-bridge/unit-end/commands/command-types.ts';
import { Grants } from '../../../cloud-bridge/unit-end/evidence/grants.ts';
import { FrameRing } from '../../capture/frame-ring.ts';
import { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { frameOf } from '../../evidence/testing/fixtures.ts';
import { type Log, silentLog } from '../../kernel/log/log.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { milliseconds } from '../../kernel/units.ts';
import { selfTestReport } from '../../selftest/contract/self-test-report.ts';
import { makeReport } from '../../selftest/make-report.ts';
import { healthyFacts } from '../../selftest/testing/healthy-facts.ts';
import type { SelfTestRequest } from '../selftest/unit-selftest.ts';
import { commandExecutors } from './commands.ts';
import type { UnitHealth } from './health.ts';

const context = {
  id: 'c-1',
  person: { name: 'Ana', role: 'supervisor', key: 'a'.repeat(64) } as Person,
  signal: new AbortController().signal,
};

async function desk() {
  const clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));
  const seen = {
    restarts: [] as string[],
    diagnosed: [] as number[][],
    levels: [] as unknown[],
    disposed: 0,
    lastFrame: undefined as number | undefined,
    tests: [] as SelfTestRequest[],
    blind: false,
  };
  const health = {
    get lastFrame() {
      return seen.lastFrame;
    },
    diagnose: (forTime: number, every: number) => seen.diagnosed.push([forTime, every]),
  } as unknown as UnitHealth;
  const log: Log = { ...silentLog, setLevel: (...given) => void seen.levels.push(given) };
  const ring = new FrameRing(1e9, () => {
    seen.disposed += 1;
  });
  const bystanders = new BystanderMemory('auto', { reach: milliseconds(60_000), most: 100 });
  const grants = await Grants.open('/grants.json', { files: new MemoryFiles(), clock, policy: 'on-request' });
  const selfTest = async (request: SelfTestRequest) => {
    seen.tests.push(request);
    const head = { unit: 'unit-7', site: '', program: '1', boot: 'b', at: '2026-03-01T12:00:00.000Z' };
    const clockFacts = { utc: clock.utc(), synchronised: false };
    return makeReport({ ...head, asked: request.asked }, { ...healthyFacts, clock: clockFacts });
  };
  const restart = (why: string) => void seen.restarts.push(why);
  const eyes = () => (seen.blind ? undefined : { selfTest, ring, bystanders });
  const parts = { health, eyes, clock, timer: clock, log, restart };
  return {
    ...seen,
    seen,
    clock,
    ring,
    bystanders,
    grants,
    executors: commandExecutors({ ...parts, reboot: 'program' }, grants),
  };
}

const resultOf = (outcome: CommandOutcome) => (outcome.outcome === 'done' ? (outcome.result ?? {}) : {});

test('a self-test is done whatever it finds, as it was asked for, in the name of whoever asked', async (t) => {
  const { executors, seen } = await desk();
  const outcome = await executors['self-test']({}, context);
  const report = selfTestReport.parse(Object.values(resultOf(outcome))[0]);
  t.is(outcome.outcome, 'done');
  t.like(report, { unit: 'unit-7', outcome: 'failed', asked: 'command' });
  t.true(Buffer.byteLength(JSON.stringify(outcome)) < longestPayload / 4);
  await executors['self-test']({ pulse: ['beacon'], seal: true }, context);
  const actor = { kind: 'operator', name: 'Ana', role: 'supervisor', key: 'a'.repeat(64) } as const;
  t.deepEqual(seen.tests, [
    { pulse: [], seal: false, asked: 'command', actor },
    { pulse: ['beacon'], seal: true, asked: 'command', actor },
  ]);
});

test('a snapshot is the newest frame, masked, and the frame is given back', async (t) => {
  const { executors, ring, bystanders, seen, clock } = await desk();
  const none = executors.snapshot({ width: 320 }, context);
  await clock.advance(5000);
  t.deepEqual(await none, { outcome: 'failed', reason: 'no-frame: the camera has delivered none yet' });
  // A clip that has come to its end.
  seen.lastFrame = clock.monotonic();
  await clock.advance(60_000);
  const ended = executors.snapshot({ width: 320 }, context);
  await clock.advance(5000);
  t.deepEqual(await ended, {
    outcome: 'failed',
    reason:
      'no-frame: none is here, the last one came at 2026-03-01T12:00:05.000Z: the source has ended, or the camera is being connected again',
  });
  const frame = frameOf(20);
  const early = executors.snapshot({ width: 320 }, context);
  await clock.advance(2000);
  ring.push(frame).release();
  await clock.advance(250);
  const { image: dark } = resultOf(await early);
  const black = await sharp(Buffer.from(String(dark), 'base64')).stats();
  t.true(
    black.channels.every(({ max }) => max === 0),
    'nobody has looked who stands there',
  );
  bystanders.observe(frame, []);
  const result = resultOf(await executors.snapshot({ width: 320 }, context));
  t.like(result, { mediaType: 'image/jpeg', at: '2023-11-14T22:13:20.800Z' });
  const { image } = result;
  const shown = await sharp(Buffer.from(String(image), 'base64')).stats();
  t.true(shown.channels.some(({ max }) => max > 40));
  t.is(seen.disposed, 0);
  ring.clear();
  t.is(seen.disposed, 1, 'nobody holds it any more');
});

test('the program ends when the reply has got through, and not before', async (t) => {
  const { executors, seen } = await desk();
  const outcome = await executors.reboot({ reason: 'a new camera' }, context);
  t.like(outcome, { outcome: 'done', result: { restarts: 'program' } });
  t.deepEqual(seen.restarts, []);
  if (outcome.outcome === 'done') outcome.after?.();
  t.deepEqual(seen.restarts, ['Ana: a new camera']);
});

test('evidence that is pulled may leave, its keys with it, and no longer than was said', async (t) => {
  const { executors, grants, clock } = await desk();
  const evidence = ['unit-7-000000001'];
  const outcome = await executors['evidence-pull']({ evidence, files: ['context.jpg'], hours: 2 }, context);
  t.deepEqual(resultOf(outcome), { evidence, until: '2026-03-01T14:00:00.000Z' });
  t.true(grants.allows('unit-7-000000001', 'context.jpg'));
  t.true(grants.allows('unit-7-000000001', 'keys'));
  t.false(grants.allows('unit-7-000000001', 'clip.mjpeg'));
  t.false(grants.allows('unit-7-000000002', 'keys'));
  await executors['evidence-pull']({ evidence: ['unit-7-000000002'], hours: 2 }, context);
  t.true(grants.allows('unit-7-000000002', 'clip.mjpeg'));
  await clock.advance(2 * 3_600_000 + 1);
  t.false(grants.allows('unit-7-000000001', 'keys'));
});

test('log level and diagnostics last as long as they were asked for', async (t) => {
  const { executors, seen } = await desk();
  await executors['log-level']({ level: 'debug', minutes: 3 }, context);
  await executors.diagnostics({ minutes: 2, everyS: 5 }, context);
  t.deepEqual(seen.levels, [['debug', 180_000]]);
  t.deepEqual(seen.diagnosed, [[120_000, 5000]]);
});

test('a self-test that comes before the camera waits for it, for twenty seconds and no longer than its command', async (t) => {
  const { executors, seen, clock } = await desk();
  seen.blind = true;
  const early = executors['self-test']({}, context);
  await clock.advance(19_000);
  t.is(clock.sleeping, 1);
  seen.blind = false;
  await clock.advance(250);
  t.is((await early).outcome, 'done');
  seen.blind = true;
  const late = executors['self-test']({}, context);
  await clock.advance(20_000);
  t.deepEqual(await late, { outcome: 'failed', reason: 'no-frame: the camera has delivered none yet' });
  const over = new AbortController();
  const stopped = executors['self-test']({}, { ...context, signal: over.signal });
  await clock.advance(1000);
  over.abort();
  t.is((await stopped).outcome, 'failed');
  t.is(clock.sleeping, 0);
});
