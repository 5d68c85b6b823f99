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
