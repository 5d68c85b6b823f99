import test from 'ava';
import { sleep } from '../../device/kernel/clock.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import type { Slots } from '../contract/slots.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, pass } from './testing/unit-lives.ts';
import { UpdateKeeper } from './update-keeper.ts';

test('a disk that fails again and again is told, and never ends the keeper; when it is well again the update goes on', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  unit.made.assign([one.target]);
  let [failing, failed, restarted] = [true, 0, false];
  const { parts } = await unit.parts('image', () => {
    restarted = true;
  });
  const slots: Slots = Object.create(parts.slots, {
    state: {
      value: async () => {
        failed += failing ? 1 : 0;
        // One is of the kind that stops a program, the next waits and goes on.
        if (failing)
          throw new AtalayaError(
            failed % 2 === 0 ? 'store-failed' : 'internal',
            'the disk did not end within its time',
          );
        return parts.slots.state();
      },
    },
    prepare: { value: () => parts.slots.prepare() },
    complete: { value: (...given: Parameters<Slots['complete']>) => parts.slots.complete(...given) },
    startTrial: { value: (...given: Parameters<Slots['startTrial']>) => parts.slots.startTrial(...given) },
  });
  const keeper = new UpdateKeeper({ ...parts, slots });
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  t.true(await pass(unit, 200_000, () => failed > 6));
  t.true(unit.told.some((words) => words.includes('the disk did not end')));
  failing = false;
  t.true(await pass(unit, 200_000, () => restarted));
  t.is(keeper.standing?.job?.step, 'switching');
  stop.abort();
  await running;
});

test('a job that came is looked at when it is told of, and a person is answered through the file', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  const { parts } = await unit.parts('image', () => undefined);
  const keeper = new UpdateKeeper(parts);
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  t.true(await pass(unit, 200_000, () => unit.made.source.requests.length > 0 && keeper.standing !== undefined));
  const asked = unit.made.source.requests.length;
  await unit.clock.advance(60_000);
  t.is(unit.made.source.requests.length, asked);
  await leaveRequest(unit.files, root, { id: '00000001', act: 'confirm' });
  t.true(await pass(unit, 200_000, () => keeper.standing?.answer?.id === '00000001'));
  t.deepEqual(keeper.standing?.answer, {
    id: '00000001',
    good: false,
    words: 'nothing is on trial: what runs is confirmed',
  });
  unit.made.assign([one.target]);
  keeper.notified();
  t.true(await pass(unit, 200_000, () => keeper.newestJob?.id === 'job-0001'));
  t.is((await keeper.install('/media/usb')).good, false);
  stop.abort();
  await running;
});

test('work that hangs and cannot be ended gets no second one beside it, which would share its files', async (t) => {
  await using unit = await MadeUnit.open();
  const { parts } = await unit.parts('image', () => undefined);
  let looks = 0;
  const slots: Slots = Object.create(parts.slots, {
    state: {
      value: () => {
        looks += 1;
        return looks === 1 ? parts.slots.state() : new Promise(() => undefined);
      },
    },
  });
  const keeper = new UpdateKeeper({ ...parts, slots });
  let ended = false;
  const stop = new AbortController();
  const running = keeper.run(stop.signal).then(() => {
    ended = true;
  });
  for (let minute = 0; minute < 40 && !ended; minute += 1) {
    await unit.clock.advance(60_000);
    await sleep(milliseconds(2));
  }
  t.false(ended);
  t.is(looks, 2);
  stop.abort();
  await running;
});

test('work that hangs beyond its deadline and then comes to its end is taken up again', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  let [asked, restarted, ended] = [0, false, false];
  const { parts } = await unit.parts('image', () => {
    restarted = true;
  });
  const hang = Promise.withResolvers<void>();
  const slots: Slots = Object.create(parts.slots, {
    state: { value: () => parts.slots.state() },
    prepare: {
      value: async () => {
        asked += 1;
        if (asked === 1) await hang.promise;
        return parts.slots.prepare();
      },
    },
    complete: { value: (...given: Parameters<Slots['complete']>) => parts.slots.complete(...given) },
    startTrial: { value: (...given: Parameters<Slots['startTrial']>) => parts.slots.startTrial(...given) },
  });
  const keeper = new UpdateKeeper({ ...parts, slots });
  const stop = new AbortController();
  const running = keeper.run(stop.signal).then(() => {
    ended = true;
  });
  t.true(await pass(unit, 200_000, () => asked === 1));
  for (let minute = 0; minute < 40 && !ended; minute += 1) {
    await unit.clock.advance(60_000);
    await sleep(milliseconds(2));
  }
  t.true(unit.told.some((words) => words.includes('work on updates has stopped')));
  t.deepEqual([ended, restarted], [false, false]);
  hang.resolve();
  t.true(await pass(unit, 200_000, () => restarted));
  stop.abort();
  await running;
});
