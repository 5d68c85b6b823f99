import test from 'ava';
import type { UpdateSource } from '../contract/parts.ts';
import { startOf } from '../slots/testing/start-of.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { image, MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, slotsOf, trial } from './testing/unit-lives.ts';
import type { UpdateStep } from './update-step.ts';
import type { UpdateWork } from './update-work.ts';

const hour = 3_600_000;

/** Works for so many ms of the unit's time, or until it asks for a restart. Gives what was done, and when it was first, ms from the begin. */
async function workFor(unit: MadeUnit, slot: 'a' | 'image', time: number, look?: (on: UpdateWork) => void) {
  let restarted = false;
  const on = await unit.openWork(slot, () => {
    restarted = true;
  });
  const begin = unit.clock.monotonic();
  const steps: { readonly kind: UpdateStep['kind']; readonly at: number }[] = [];
  while (unit.clock.monotonic() - begin < time && !restarted) {
    const step = await on.next(new AbortController().signal, () => undefined);
    look?.(on);
    if (step.kind !== 'idle' && step.kind !== 'wait')
      steps.push({ kind: step.kind, at: unit.clock.monotonic() - begin });
    else await unit.clock.advance(Math.min(600_000, Math.max(1, step.until - unit.clock.utc())));
  }
  return { on, steps, restarted, times: (kind: UpdateStep['kind']) => steps.filter((one) => one.kind === kind) };
}

/** A job whose file the centre does not have, worked at for so long. */
async function workWithoutFile(unit: MadeUnit, bundles: MadeBundles, time: number) {
  unit.verifiedOnce = true;
  const one = await bundles.bundle({ release: 1 });
  unit.made.release(one.target);
  unit.made.assign([one.target], { trial });
  return { one, ...(await workFor(unit, 'image', time)) };
}

test('an installation that ends the process each time is given up, and why is said', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  let deaths = 0;
  unit.change = {
    installer: {
      digest: async () => undefined,
      patch: () => Promise.reject(new Error('there is no patch')),
      unpack: async () => {
        deaths += 1;
        unit.cut = true;
        unit.files.plan = () => 'power-cut';
        throw new Error('the process was killed');
      },
    },
  };
  for (let life = 0; life < 30 && (await unit.live()).end === 'cut'; life += 1) unit.recover(unit.remains(life));
  t.is(deaths, 10);
  t.is(unit.reports.at(-1)?.step, 'failed');
  t.regex(unit.reports.at(-1)?.reasons[0] ?? '', /^internal: its installation was begun 10 times/);
});

test('a clock that is set back a day stops neither a trial nor what waits after a fault', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  t.is((await unit.live()).end, 'restart');
  let faults = 3;
  unit.files.plan = ({ kind, path }) => {
    if (kind !== 'rename' || !path.startsWith(`${root}/update.json`) || faults === 0) return undefined;
    faults -= 1;
    if (faults === 0) unit.clock.setUtc(unit.clock.utc() - 24 * hour);
    return { code: 'EIO' };
  };
  const { times, on } = await workFor(unit, 'a', 600_000);
  t.is(faults, 0);
  t.is(times('confirm').length, 1);
  t.is(times('end').length, 1);
  t.true(on.session.nextCheck - unit.clock.monotonic() <= 6 * hour);
});

test('a full disk does not keep a slot that is not well on trial: it is given up, and the version before starts', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  await unit.live();
  unit.good = () => false;
  unit.files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  const { restarted, steps } = await workFor(unit, 'a', hour);
  t.true(restarted);
  t.true((steps.at(-1)?.at ?? hour) < 600_000, String(steps.at(-1)?.at));
  t.is((await slotsOf(unit)).trial, undefined);
  // With room again it is said how it ended.
  unit.files.plan = () => undefined;
  t.is((await unit.live()).slot, 'image');
  t.is(unit.reports.at(-1)?.step, 'rolled-back');
});

test('a disk that has become read-only does not keep it on trial either: the next start is of the version before', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.good = () => false;
  await unit.live();
  const readOnly: typeof unit.files.plan = ({ kind }) =>
    ['read', 'list', 'space', 'open'].includes(kind) ? undefined : { code: 'EROFS' };
  const { restarted, steps } = await workFor(unit, 'a', hour, () => {
    unit.files.plan = readOnly;
  });
  t.true(restarted);
  t.true((steps.at(-1)?.at ?? hour) < 600_000, String(steps.at(-1)?.at));
  t.is((await startOf(unit.files, root, image))?.slot, 'image');
});

test('a program that was given up is left, though its run begins anew in the same process before that', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.good = () => false;
  await unit.live();
  const first = await workFor(unit, 'a', hour);
  t.deepEqual(
    first.steps.slice(-2).map(({ kind }) => kind),
    ['roll-back', 'restart'],
  );
  // That restart has not come: a configuration let the run begin anew, and the process is still the one of slot a.
  t.is((await slotsOf(unit, 'a')).running.slot, 'a');
  t.true((await workFor(unit, 'a', hour)).restarted);
});

test('a file that the centre does not have yet is waited for, ever more seldom, and taken when it is there', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const { one, times, on } = await workWithoutFile(unit, bundles, 12 * hour);
  const downloads = times('download').length;
  t.true(downloads >= 8 && downloads <= 30, String(downloads));
  t.is(on.state.job?.faults, 0);
  t.true(unit.reports.some(({ step, reasons }) => step === 'waiting' && /^target-absent: /.test(reasons[0] ?? '')));
  // Nothing else waits for it: a newer job is seen, and a person.
  t.true(times('check').length >= 2);
  unit.publish(one);
  t.is((await unit.live()).end, 'restart');
  t.is((await unit.live()).slot, 'a');
});

test('a file that never comes ends the job when it would have run out', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const { times } = await workWithoutFile(unit, bundles, 7 * 24 * hour);
  t.true(times('download').length > 100);
  const last = unit.reports.findLast(({ job }) => job === 'job-0001');
  t.regex(last?.reasons[0] ?? '', /^target-absent: /);
  const runsOut = unit.clock.utc() - 2 * 24 * hour;
  t.true(Date.parse(last?.at ?? '') > runsOut && Date.parse(last?.at ?? '') < runsOut + 12 * hour, last?.at);
});

test('a stick that does not have a file whole is refused at once', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  const stick: UpdateSource = {
    name: '/media/usb',
    metadata: (path, most) => unit.made.source.metadata(path, most),
    blocks: async (_path, _wanted, sink) => sink.lengthIs(100),
  };
  unit.linkUp = false;
  unit.change = { stick: () => stick };
  await leaveRequest(unit.files, root, { id: '00000001', act: 'install', from: '/media/usb' });
  const { times } = await workFor(unit, 'image', 60_000);
  t.is(times('download').length, 1);
  t.regex(unit.reports.at(-1)?.reasons[0] ?? '', /^target-truncated: /);
});

test('a file of another hash is asked for five times over the link, with growing waits between', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  unit.verifiedOnce = true;
  const one = await bundles.bundle({ release: 1 });
  unit.publish({ target: one.target, bytes: Buffer.alloc(one.target.length, 7) });
  unit.made.assign([one.target], { trial });
  const { times } = await workFor(unit, 'image', 24 * hour);
  const at = times('download').map((one) => one.at);
  t.is(at.length, 5);
  t.true((at[4] ?? 0) - (at[3] ?? 0) > 2 * ((at[1] ?? 0) - (at[0] ?? 0)), at.join(' '));
  t.regex(unit.reports.at(-1)?.reasons[0] ?? '', /^target-hash: /);
});

test('a job whose trial could never be confirmed is refused before anything is downloaded', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  unit.made.assign([one.target], { trial: { holdSeconds: 600, deadlineSeconds: 300 } });
  await unit.live();
  t.is(unit.served.size, 0);
  t.regex(unit.reports.at(-1)?.reasons[0] ?? '', /could never be confirmed/);
});
