import test from 'ava';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, assignFirstOfTwo, releaseOf, settle, slotsOf, trial } from './testing/unit-lives.ts';
import type { Trouble } from './update-parts.ts';
import { readUpdateState } from './update-state.ts';

const slow = (degree: number): Trouble => ({
  code: 'camera-slow',
  says: `${degree} of the bar`,
  degree,
  vital: false,
});

const trialIn = async (unit: MadeUnit) => {
  const read = await readUpdateState(unit.files, root);
  return read.kind === 'read' ? read.state.trial : undefined;
};

test('a program that was slow once, just before the switch, lets no program through that is always slow', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  await settle(unit);
  // Frames come late while the card still writes what was unpacked, and then no more.
  let looks = 0;
  unit.suffers = (release) => (release === 2 ? [slow(4)] : looks++ === 0 ? [slow(3)] : []);
  unit.made.assign([two.target], { trial });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.regex(unit.reports.at(-1)?.reasons[0] ?? '', /camera-slow: 4 of the bar/);
});

test('a unit that is told to end while it looks does not switch without having looked; the next start looks anew', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  // The board has always been slow: without a look before, a good update would be given up.
  unit.suffers = () => [slow(3)];
  await unit.live('complete');
  const stop = new AbortController();
  unit.change = {
    selfTest: async (signal) => {
      stop.abort();
      signal.throwIfAborted();
      return { troubles: [] };
    },
  };
  const work = await unit.openWork('image');
  while (!stop.signal.aborted) await work.next(stop.signal, () => undefined);
  t.is((await slotsOf(unit, 'image')).trial, undefined);
  t.is(await trialIn(unit), undefined);
  unit.change = {};
  await settle(unit);
  t.is(await releaseOf(unit), 1);
});

test('what was found before a person went back outlives a power cut: the version before is kept on its slow board', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const [one, two] = [await bundles.bundle({ release: 1 }), await bundles.bundle({ release: 2 })];
  unit.publish(one, two);
  unit.suffers = () => [slow(3)];
  for (const { target } of [one, two]) {
    unit.made.assign([target], { trial });
    await settle(unit);
  }
  t.is(await releaseOf(unit), 2);
  await leaveRequest(unit.files, root, { id: '00000001', act: 'roll-back', reason: 'it reads no plates' });
  await unit.live('go-back');
  // Between the trial of the slots and what is written down of it.
  unit.recover(unit.remains(1));
  await unit.live('adopt');
  t.like(await trialIn(unit), { wanted: 'it reads no plates', baseline: [{ code: 'camera-slow', degree: 3 }] });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
});

test('a unit that has only begun looks when its camera has come, and not before: a slow board is updated all the same', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.suffers = () => [slow(3)];
  await unit.live('complete');
  const opensFor = async (ms: number) => {
    const comes = unit.clock.monotonic() + ms;
    unit.change = {
      selfTest: async () =>
        unit.clock.monotonic() < comes
          ? { troubles: [{ code: 'camera', says: 'the camera has not come yet', vital: true }], early: true }
          : { troubles: unit.suffers(0) },
    };
  };
  await opensFor(45_000);
  t.is((await unit.live()).end, 'restart');
  t.deepEqual((await trialIn(unit))?.baseline, [{ code: 'camera-slow', degree: 3 }]);
  await opensFor(5000);
  await settle(unit);
  t.is(await releaseOf(unit), 1);
});

test('a camera that does not come at all holds no update up that may mend it', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.change = { selfTest: async () => ({ troubles: [{ code: 'camera', says: 'no', vital: true }], early: true }) };
  await unit.live('restart');
  unit.change = {};
  await settle(unit);
  t.is(await releaseOf(unit), 1);
});

test('no program is started beside the last look, either', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  await unit.live('complete');
  let looks = 0;
  unit.change = {
    selfTest: async () => {
      looks += 1;
      return { troubles: [] };
    },
  };
  const work = await unit.openWork('image');
  const stop = new AbortController();
  while (work.session.nextCheck <= unit.clock.monotonic()) await work.next(stop.signal, () => undefined);
  stop.abort();
  for (let turn = 0; turn < 5; turn += 1) await work.next(stop.signal, () => undefined);
  t.is(looks, 0);
});
