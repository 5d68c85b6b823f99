import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from './errors.ts';
import { ManualClock } from './manual-clock.ts';
import { type Attempt, backoff, type Supervision, supervise } from './supervise.ts';
import { milliseconds } from './units.ts';

function supervision(clock: ManualClock, signal: AbortSignal, more: Partial<Supervision> = {}): Supervision {
  return {
    name: 'the work',
    signal,
    clock,
    timer: clock,
    random: () => 0.999999,
    backoff: { first: milliseconds(100), most: milliseconds(1000) },
    deadline: milliseconds(5000),
    grace: milliseconds(500),
    ...more,
  };
}

const untilAborted = (attempt: Attempt) =>
  new Promise<void>((resolve) => attempt.signal.addEventListener('abort', () => resolve(), { once: true }));

test('work that finishes is finished', async (t) => {
  const clock = new ManualClock();
  t.is(await supervise(async () => undefined, supervision(clock, new AbortController().signal)), 'finished');
  t.is(clock.sleeping, 0);
});

test('retry and restart wait longer with each fault in a row, and only restart puts the component in order', async (t) => {
  const clock = new ManualClock();
  const waits: number[] = [];
  let restarts = 0;
  const codes = ['frame-damaged', 'camera-unavailable', 'camera-unavailable', 'frame-damaged'] as const;
  const done = supervise(
    async ({ number }) => {
      const code = codes[number - 1];
      if (code !== undefined) throw new AtalayaError(code, 'as planned');
    },
    supervision(clock, new AbortController().signal, {
      onFault: (_, wait) => waits.push(Math.round(wait)),
      restart: async () => {
        restarts += 1;
      },
    }),
  );
  await clock.advance(10_000);
  t.is(await done, 'finished');
  t.deepEqual(waits, [100, 200, 400, 800]);
  t.is(restarts, 2);
});

test('a beat forgets the faults before it', async (t) => {
  const clock = new ManualClock();
  const waits: number[] = [];
  const done = supervise(
    async ({ number, beat }) => {
      if (number === 3) beat();
      if (number < 5) throw new AtalayaError('frame-damaged', 'as planned');
    },
    supervision(clock, new AbortController().signal, { onFault: (_, wait) => waits.push(Math.round(wait)) }),
  );
  await clock.advance(10_000);
  await done;
  t.deepEqual(waits, [100, 200, 100, 200]);
});

test('a fault that waiting cannot cure halts, an unknown error too', async (t) => {
  const clock = new ManualClock();
  const never = new AbortController().signal;
  const full = await t.throwsAsync(
    supervise(
      async () => {
        throw new AtalayaError('store-full', 'no space');
      },
      supervision(clock, never),
    ),
    { instanceOf: AtalayaError },
  );
  t.is(full?.code, 'store-full');
  const unknown = await t.throwsAsync(
    supervise(
      () => {
        throw new TypeError('not a function');
      },
      supervision(clock, never),
    ),
    { instanceOf: AtalayaError },
  );
  t.is(unknown?.code, 'internal');
});

test('work without a sign of life is aborted and restarted; with beats it goes on', async (t) => {
  const clock = new ManualClock();
  const faults: string[] = [];
  const stop = new AbortController();
  const done = supervise(
    async (attempt) => {
      if (attempt.number === 1) return untilAborted(attempt);
      for (let i = 0; i < 10; i += 1) {
        await clock.sleep(milliseconds(4000), attempt.signal);
        attempt.beat();
      }
    },
    supervision(clock, stop.signal, { onFault: (fault) => faults.push(fault.code) }),
  );
  await clock.advance(60_000);
  t.is(await done, 'finished');
  t.deepEqual(faults, ['deadline-exceeded']);
});

test('work that does not end when aborted halts, since a second one must not run beside it', async (t) => {
  const clock = new ManualClock();
  const done = supervise(() => new Promise(() => undefined), supervision(clock, new AbortController().signal));
  const failed = t.throwsAsync(done, { instanceOf: AtalayaError, message: /did not end/ });
  await clock.advance(6000);
  t.is((await failed)?.code, 'internal');
});

test('a stop ends work, and a wait between two attempts', async (t) => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const working = supervise(untilAborted, supervision(clock, stop.signal));
  const waiting = supervise(
    async () => {
      throw new AtalayaError('frame-damaged', 'as planned');
    },
    supervision(clock, stop.signal, { backoff: { first: milliseconds(1e9), most: milliseconds(1e9) } }),
  );
  await clock.advance(10);
  stop.abort();
  t.is(await working, 'stopped');
  t.is(await waiting, 'stopped');
  t.is(clock.sleeping, 0);
});

test('the abort error of stopped work is no fault', async (t) => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const done = supervise(
    async ({ signal }) => {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    supervision(clock, stop.signal),
  );
  await clock.advance(10);
  stop.abort();
  t.is(await done, 'stopped');
});

test('the wait lies in the upper half of a backoff that doubles up to its bound', (t) => {
  fc.assert(
    fc.property(fc.nat(200), fc.double({ min: 0, max: 0.9999, noNaN: true }), (row, draw) => {
      const wait = backoff({ first: milliseconds(100), most: milliseconds(60_000) }, row, () => draw);
      const longest = Math.min(60_000, 100 * 2 ** Math.min(row, 40));
      return wait >= longest / 2 && wait < longest;
    }),
  );
  t.pass();
});
