import test from 'ava';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirstOfTwo, releaseOf, settle, slotsOf, trial } from './testing/unit-lives.ts';

/** While the image is confirmed, both slots may hold a whole program that nobody needs. */

test('after a first update that was given up the second is built once', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  unit.good = (release) => release !== 1;
  await settle(unit);
  unit.made.assign([two.target], { trial });
  const steps = await settle(unit);
  t.is(await releaseOf(unit), 2);
  t.is(steps.filter((step) => step === 'complete').length, 1, steps.join(' '));
});

test('a unit that a person took back to the image is updated as any other', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  const two = await bundles.bundle({ release: 2 });
  const three = await bundles.bundle({ release: 3 });
  unit.publish(one, two, three);
  unit.good = (release) => release !== 2;
  for (const { target } of [one, two]) {
    unit.made.assign([target], { trial });
    await settle(unit);
  }
  t.is(await releaseOf(unit), 1);
  await leaveRequest(unit.files, root, { id: '00000001', act: 'roll-back', reason: 'it reads no plates' });
  await settle(unit);
  t.is((await slotsOf(unit)).confirmed.slot, 'image');
  unit.made.assign([three.target], { trial });
  const steps = await settle(unit);
  t.is(await releaseOf(unit), 3, unit.reports.at(-1)?.reasons.join());
  t.is(steps.filter((step) => step === 'complete').length, 1, steps.join(' '));
});
