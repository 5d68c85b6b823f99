import test from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import type { Timer } from '../kernel/timer.ts';
import type { UnitStanding } from './remote/unit-remote.ts';
import { runUntilDone } from './runs.ts';
import type { RunResult } from './unit.ts';

const broken = new AtalayaError('bundle-invalid', 'the bundle is of another kind');

/** What one run comes to: how it ends, and how the unit stood. */
interface Ending {
  readonly fails?: unknown;
  readonly again?: boolean;
  readonly lost?: number;
  readonly standing?: Partial<UnitStanding>;
  /** A person stops it in this run. */
  readonly stop?: boolean;
  /** It is told to begin anew, and takes so long to end. */
  readonly lingers?: number;
}

async function runs(...endings: readonly Ending[]) {
  const stop = new AbortController();
  const seen = { runs: 0, told: [] as unknown[], waits: 0, stuck: 0 };
  const clock = new ManualClock();
  const timer: Timer = {
    sleep: async (time, signal) => {
      if (time > 10_000) return clock.sleep(time, signal);
      seen.waits += 1;
    },
  };
  const work = runUntilDone({
    run: async (onStanding) => {
      const ending = endings[seen.runs];
      seen.runs += 1;
      if (ending === undefined) throw new Error('one run too many');
      const restart = new AbortController();
      onStanding(() => ({
        onTrial: false,
        restarting: false,
        restart: restart.signal,
        gives: false,
        lastFrame: undefined,
        ...ending.standing,
      }));
      if (ending.lingers !== undefined) {
        restart.abort();
        await clock.advance(ending.lingers);
      }
      if (ending.stop) stop.abort();
      if (ending.fails !== undefined) throw ending.fails;
      const record = { counts: { lost: ending.lost ?? 0 } } as RunResult['record'];
      return { record, comparison: undefined, again: ending.again ?? false };
    },
    stopped: stop.signal,
    timer,
    tell: (fault) => seen.told.push(fault),
    stuck: () => {
      seen.stuck += 1;
    },
  });
  const result = await work.catch((error: unknown) => ({ thrown: error }));
  return { ...seen, result, waiting: clock.sleeping };
}

const onTrial = { onTrial: true };

test('a source that ends is the end', async (t) => {
  const { runs: count, told, waits } = await runs({});
  t.deepEqual([count, told, waits], [1, [], 0]);
});

test('a unit that is to begin anew does so once for each time that it is told', async (t) => {
  const { runs: count, result } = await runs({ again: true, lost: 2 }, { again: true }, { lost: 1 });
  t.is(count, 3);
  t.like(result, { lost: 3 }, 'what an earlier run lost is not forgotten');
});

test('a run that fails by itself is the end', async (t) => {
  const { runs: count, result, told } = await runs({ fails: broken });
  t.deepEqual([count, told], [1, []]);
  t.like(result, { thrown: broken });
});

test('a run that fails on trial is followed by another one, until one goes well', async (t) => {
  const failing = { fails: broken, standing: onTrial };
  const { runs: count, told, waits, result } = await runs(failing, failing, failing, {});
  t.deepEqual([count, told.length, waits], [4, 3, 3]);
  t.like(result, { lost: 0 });
});

test('when nothing is on trial any more and it still fails, that is the end', async (t) => {
  const failing = { fails: broken, standing: onTrial };
  const { runs: count, result } = await runs(failing, failing, failing, { fails: broken });
  t.is(count, 4);
  t.like(result, { thrown: broken });
});

test('a unit that was to begin anew does so although its end failed', async (t) => {
  const { runs: count, told } = await runs({ fails: broken, standing: { restarting: true } }, {});
  t.deepEqual([count, told], [2, [broken]]);
});

test('a fault of closing down hides neither what failed first nor that it was a stop', async (t) => {
  const first = new SuppressedError(new Error('closing'), broken);
  const { told } = await runs({ fails: first, standing: onTrial }, {});
  t.deepEqual(told, [broken]);
  const abort = Object.assign(new Error('aborted'), { name: 'AbortError' });
  const { result } = await runs({ fails: new SuppressedError(new Error('closing'), abort), stop: true });
  t.deepEqual(result, { last: undefined, lost: 0, gives: false, lastFrame: undefined });
});

test('a unit that gives way to another program ends, whatever its end came to, and says so', async (t) => {
  const standing = { restarting: true, gives: true };
  const good = await runs({ again: true, standing });
  t.is(good.runs, 1);
  t.like(good.result, { gives: true });
  const failed = await runs({ fails: broken, standing });
  t.deepEqual([failed.runs, failed.told], [1, []]);
  t.like(failed.result, { thrown: broken }, 'the process ends, and with it what did not close');
  const stopped = await runs({ again: true, standing, stop: true });
  t.like(stopped.result, { gives: false }, 'a person stops it: nothing follows');
});

test('Ctrl-C while it begins anew ends it', async (t) => {
  const told = await runs({ again: true, stop: true });
  t.is(told.runs, 1);
  const failed = await runs({ fails: broken, standing: onTrial, stop: true });
  t.is(failed.runs, 1);
  t.like(failed.result, { thrown: broken });
});

test('data that another unit runs with are left alone: its trial is not used up', async (t) => {
  const locked = new AtalayaError('store-locked', 'in use');
  const { runs: count, result } = await runs({ fails: locked, standing: onTrial });
  t.is(count, 1);
  t.like(result, { thrown: locked });
});

test('a run that was to begin anew and does not come to its end is told as stuck; one that ends in time is not', async (t) => {
  const inTime = await runs({ again: true, lingers: 60_000 }, {});
  t.deepEqual([inTime.runs, inTime.stuck, inTime.waiting], [2, 0, 0]);
  const late = await runs({ again: true, lingers: 130_000 }, {});
  t.is(late.stuck, 1);
});
