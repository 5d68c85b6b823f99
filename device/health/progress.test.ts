import test from 'ava';
import fc from 'fast-check';
import { makeFolders, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { type Heartbeat, judgeProgress, type RunFacts, usualProgressLimits } from './progress.ts';
import {
  noRestarts,
  planRestart,
  type RestartHistory,
  RestartKeeper,
  usualRestartLimits,
} from './progress-restarts.ts';
import { type Hardware, Watchman, type WatchmanOptions } from './progress-watchman.ts';

const minute = 60_000;
const well: RunFacts = {
  sinceCaptured: milliseconds(40),
  sinceJudged: milliseconds(100),
  judged: 100,
  oldestSeal: undefined,
  sourceEnded: false,
};
const judged = (changes: Partial<Record<keyof RunFacts, number | boolean>>) =>
  judgeProgress({ phase: 'running', run: { ...well, ...changes } as RunFacts });

test('frames that are judged are progress; frames that are not, and a seal beyond its time, are none', (t) => {
  t.is(judged({}).kind, 'progress');
  t.is(judged({ sinceJudged: 89_000 }).kind, 'progress');
  t.like(judged({ sinceJudged: 91_000 }), { kind: 'stuck', what: 'judging' });
  t.is(judged({ oldestSeal: 179_000 }).kind, 'progress');
  t.like(judged({ oldestSeal: 181_000 }), { kind: 'stuck', what: 'sealing' });
});

test('without a camera the program is blind and not stuck, unless a seal hangs; a recording that has ended owes no frame', (t) => {
  t.like(judged({ sinceCaptured: 10_000, sinceJudged: 10_100 }), { kind: 'blind', lost: 10_000 });
  t.is(judged({ sinceCaptured: 20 * minute, sinceJudged: 20 * minute, judged: 0 }).kind, 'blind');
  t.is(judged({ sinceCaptured: 20 * minute, oldestSeal: 4 * minute }).kind, 'stuck');
  t.is(judged({ sinceCaptured: 20 * minute, sinceJudged: 20 * minute, sourceEnded: true }).kind, 'progress');
});

test('opening and ending have their time', (t) => {
  for (const phase of ['opening', 'ending'] as const) {
    const limit = usualProgressLimits[phase];
    t.is(judgeProgress({ phase, since: limit }).kind, 'progress');
    t.like(judgeProgress({ phase, since: milliseconds(limit + 1) }), { kind: 'stuck', what: phase });
  }
});

test('longer silence and older seals never make progress of what was none', (t) => {
  const time = fc.integer({ min: 0, max: 400_000 }).map(milliseconds);
  const rank = { progress: 0, blind: 1, stuck: 2 } as const;
  fc.assert(
    fc.property(time, time, time, (seal, older, silent) => {
      const before = judged({ oldestSeal: seal, sinceCaptured: silent });
      const after = judged({ oldestSeal: seal + older, sinceCaptured: silent });
      t.true(rank[after.kind] >= rank[before.kind]);
    }),
  );
});

test('against a lost camera: the program, the program, the machine, each after twice as long, the machine three times a day', (t) => {
  const now = utcMilliseconds(Date.UTC(2026, 2, 1, 12));
  const plan = (lost: number, inARow: number, machine: number[] = []) =>
    planRestart(milliseconds(lost), { ...noRestarts, inARow, machine: machine.map(utcMilliseconds) }, now);
  t.is(plan(10 * minute - 1, 0), 'wait');
  t.is(plan(10 * minute, 0), 'program');
  t.is(plan(19 * minute, 1), 'wait');
  t.is(plan(20 * minute, 1), 'program');
  t.is(plan(40 * minute, 2), 'machine');
  t.is(plan(6 * 60 * minute, 50), 'machine');
  const hour = 60 * minute;
  t.is(plan(7 * hour, 9, [now - 20 * hour, now - 12 * hour, now - 6 * hour]), 'program');
  t.is(plan(7 * hour, 9, [now - 25 * hour, now - 12 * hour, now - 6 * hour]), 'machine');
  t.is(
    plan(7 * hour, 9, [now + hour, now + 2 * hour, now + 3 * hour]),
    'program',
    'dates before the clock was set back',
  );
});

test('a camera that never comes back: at most three restarts of the machine and nine in all in a day', (t) => {
  let history: RestartHistory = noRestarts;
  const inDay: ('program' | 'machine')[] = [];
  for (let [now, lost] = [0, 0]; now < 24 * 60 * minute; now += minute, lost += minute) {
    const plan = planRestart(milliseconds(lost), history, utcMilliseconds(now));
    if (plan === 'wait') continue;
    inDay.push(plan);
    const machine = plan === 'machine' ? [...history.machine, utcMilliseconds(now)] : history.machine;
    history = { ...history, inARow: history.inARow + 1, machine };
    lost = 0;
  }
  t.deepEqual(inDay.slice(0, 3), ['program', 'program', 'machine']);
  t.is(inDay.filter((one) => one === 'machine').length, 3);
  t.true(inDay.length <= 9, inDay.join());
});

/** A watchman whose program a test speaks for. */
class Place {
  readonly clock = new ManualClock(Date.UTC(2026, 2, 1, 12));
  readonly files = new MemoryFiles();
  readonly events: string[] = [];
  readonly told: string[] = [];
  readonly faults: AtalayaError[] = [];
  run: RunFacts = well;
  reset = false;
  boot = 'boot-1';

  async open(more: Partial<WatchmanOptions> = {}): Promise<Watchman> {
    const say = (word: string) => () => void this.events.push(word);
    const heartbeat: Heartbeat = {
      ready: say('ready'),
      beat: say('beat'),
      within: (time) => void this.events.push(`within ${time / 1000} s`),
      status: () => {},
      stopping: say('stopping'),
    };
    const hardware = (): Hardware => ({
      facts: { resetByWatchdog: this.reset },
      feed: say('feed'),
      close: (then) => void this.events.push(then),
    });
    return new Watchman({
      heartbeat,
      every: milliseconds(5000),
      openHardware: () => {
        this.events.push('armed');
        return hardware();
      },
      restarts: await this.keeper(),
      tell: (sentence) => this.told.push(sentence),
      onFault: (fault) => this.faults.push(fault),
      clock: this.clock,
      timer: this.clock,
      random: () => 0.5,
      ...more,
    });
  }

  keeper(): Promise<RestartKeeper> {
    const { files, clock, boot } = this;
    return RestartKeeper.open({
      path: '/state/restarts.json',
      files,
      clock,
      boot,
      onFault: (f) => this.faults.push(f),
    });
  }

  take(): string[] {
    return this.events.splice(0);
  }
}

test("watchdogs are fed while the work goes on; the machine's is armed after the first frame that was judged", async (t) => {
  const place = new Place();
  const man = await place.open();
  man.begin();
  await place.clock.advance(10_000);
  t.deepEqual(place.take(), ['beat', 'beat', 'beat']);
  man.running(() => place.run);
  place.run = { ...well, judged: 0 };
  await place.clock.advance(5000);
  t.deepEqual(place.take(), ['ready', 'beat']);
  place.run = well;
  await place.clock.advance(10_000);
  t.deepEqual(place.take(), ['beat', 'armed', 'feed', 'beat', 'feed']);
  man.stopping();
  await place.clock.advance(5000);
  await man.close();
  t.deepEqual(place.take(), ['stopping', 'beat', 'feed', 'stop']);
  await place.clock.advance(60_000);
  t.deepEqual([place.take(), place.faults], [[], []]);
});

test("a program that judges nothing although frames come feeds neither, and leaves the machine's watchdog running", async (t) => {
  const place = new Place();
  const man = await place.open();
  man.begin();
  man.running(() => place.run);
  await place.clock.advance(5000);
  place.take();
  place.run = { ...well, sinceJudged: milliseconds(120_000) };
  await place.clock.advance(60_000);
  t.deepEqual(place.take(), []);
  t.regex(place.told.join(), /not fed any more: frames come, and none was judged for 2 min/);
  man.stopping();
  await place.clock.advance(10_000);
  t.deepEqual(
    place.take(),
    ['stopping', 'beat', 'beat'],
    'the service manager sees it end, the machine does not trust it',
  );
  await man.close();
  t.deepEqual(place.take(), ['leave-running']);
});

test('what blocks the event loop stops the feeding by itself', async (t) => {
  const place = new Place();
  const man = await place.open({
    every: milliseconds(20),
    clock: place.clock,
    timer: { sleep: (ms) => new Promise((go) => setTimeout(go, ms)) },
  });
  man.begin();
  man.running(() => place.run);
  await new Promise((go) => setTimeout(go, 100));
  t.true(place.take().length > 3);
  const until = performance.now() + 200;
  while (performance.now() < until);
  t.deepEqual(place.take(), []);
  await man.close();
});

test('a lost camera is fed through until the plan says otherwise; what is asked for is on the disk first', async (t) => {
  const place = new Place();
  const man = await place.open();
  man.running(() => place.run);
  await man.look();
  place.take();
  place.run = { ...well, sinceCaptured: milliseconds(9 * minute) };
  t.is((await man.look()).kind, 'blind');
  t.deepEqual(place.take(), ['beat', 'feed']);
  t.false(man.giveUp.aborted);
  place.run = { ...well, sinceCaptured: milliseconds(10 * minute) };
  await man.look();
  t.true(isAtalayaError(man.giveUp.reason, 'camera-unavailable'));
  t.is((await place.keeper()).history.inARow, 1);
  await man.close();
  t.is(place.take().at(-1), 'stop', 'the next program needs its time');
});

test('the third time the machine is started again: its watchdog is opened, not fed, and left running', async (t) => {
  const place = new Place();
  const before = await place.keeper();
  await before.asked('program');
  await before.asked('program');
  const man = await place.open();
  man.running(() => place.run);
  place.run = { ...well, judged: 0, sinceCaptured: milliseconds(40 * minute) };
  await man.look();
  await man.look();
  t.deepEqual(place.take(), ['ready', 'beat', 'armed', 'beat']);
  await man.close();
  t.deepEqual(place.take(), ['leave-running']);
  t.is((await place.keeper()).history.machine.length, 1);

  // It comes up again, by the watchdog, as was asked for: counted once.
  place.reset = true;
  place.boot = 'boot-2';
  place.run = well;
  for (let program = 0; program < 2; program += 1) {
    const next = await place.open();
    next.running(() => place.run);
    await next.look();
    await next.close();
  }
  t.like((await place.keeper()).history, { inARow: 0, pending: false, boot: 'boot-2' });
  t.is((await place.keeper()).history.machine.length, 1);
});

test('after three resets in a day the watchdog stays off, for a day', async (t) => {
  const place = new Place();
  place.reset = true;
  for (let boot = 1; boot <= 5; boot += 1) {
    place.boot = `boot-${boot}`;
    const man = await place.open();
    man.running(() => place.run);
    await man.look();
    await man.close();
    t.is(place.take().includes('armed'), boot <= 3, place.boot);
    await place.clock.advance(minute);
  }
  t.regex(place.told.join(), /stays off: the machine was started again 3 times/);
  await place.clock.advance(24 * 60 * minute);
  place.boot = 'boot-6';
  const man = await place.open();
  man.running(() => place.run);
  await man.look();
  t.true(place.take().includes('armed'));
  await man.close();
});

test('where nothing can be remembered no restart is asked for, and a damaged memory allows no restart of the machine', async (t) => {
  const place = new Place();
  const man = await place.open();
  man.running(() => place.run);
  await man.look();
  place.files.plan = ({ kind }) => (kind === 'write' ? { code: 'EIO' } : undefined);
  place.run = { ...well, sinceCaptured: milliseconds(60 * minute) };
  await man.look();
  t.false(man.giveUp.aborted);
  t.true(place.faults.length > 0);
  await man.close();

  const damaged = new Place();
  await makeFolders(damaged.files, '/state');
  await writeWholeFile(damaged.files, '/state/restarts.json', Buffer.from('{"schema":'));
  const { history } = await damaged.keeper();
  t.is(history.machine.length, usualRestartLimits.machineADay);
  t.is(damaged.faults[0]?.code, 'store-damaged');
});

test('a watchdog that is refused is told, once, and the run goes on', async (t) => {
  const place = new Place();
  const man = await place.open({
    openHardware: () => {
      throw new AtalayaError('config-invalid', 'the watchdog /dev/watchdog cannot be used: EBUSY');
    },
  });
  man.running(() => place.run);
  await man.look();
  await man.look();
  t.deepEqual(place.take(), ['ready', 'beat', 'beat']);
  t.is(place.faults.length, 1);
  await man.close();
});

test('whoever takes over under the same process id has time to start, also once nothing is fed any more', async (t) => {
  const place = new Place();
  const man = await place.open();
  man.running(() => place.run);
  await man.look();
  await man.close();
  place.take();
  man.givesWay();
  t.deepEqual(place.take(), ['within 120 s']);
});
