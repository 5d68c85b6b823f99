import test from 'ava';
import { writeWholeFile } from '../../device/kernel/durable-file.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { assignFirst, assignFirstOfTwo, releaseOf, settle, slotsOf, trial } from './testing/unit-lives.ts';
import { historyPath } from './update-history.ts';
import { statePath } from './update-state.ts';

test('a start that has lost what it remembered keeps what was downloaded, though the link is not there yet', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  await unit.live('download');
  t.is(unit.served.get(one.target.sha256), one.target.length);
  await writeWholeFile(unit.files, statePath(root), Buffer.from('{"schema":"atalaya/upd'));
  unit.served.clear();
  unit.linkUp = false;
  await unit.live();
  unit.linkUp = true;
  await unit.clock.advance(30_000);
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.false(unit.served.has(one.target.sha256), 'it was downloaded again');
});

for (const [name, path] of [
  ['the state', statePath(root)],
  ['the history', historyPath(root)],
] as const)
  test(`a bad sector in ${name} ends no updates: it is gone when the file is replaced`, async (t) => {
    await using bundles = await MadeBundles.open();
    await using unit = await MadeUnit.open();
    const two = await assignFirstOfTwo(unit, bundles);
    await settle(unit);
    unit.made.assign([two.target], { trial });
    let bad = true;
    unit.files.plan = ({ kind, path: of }) => {
      if (of === path && kind === 'rename') bad = false;
      return of === path && kind === 'read' && bad ? { code: 'EIO' } : undefined;
    };
    await settle(unit);
    t.false(bad);
    t.is(await releaseOf(unit), 2);
  });

test('a program that is given up does not come again for having left what the one before cannot read', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  await settle(unit);
  unit.made.assign([two.target], { trial });
  unit.good = (release) => release !== 2;
  let tried = 0;
  for (let life = 0; life < 20; life += 1) {
    const lived = await unit.live();
    if (lived.end === 'settled') break;
    if (lived.slot !== 'b' || !lived.steps.includes('test')) continue;
    tried += 1;
    const unknown = '{"schema":"atalaya/update/1","ended":[{"outcome":"postponed"}]}';
    await writeWholeFile(unit.files, statePath(root), Buffer.from(unknown));
  }
  t.is(tried, 1);
  t.is((await slotsOf(unit)).rolledBack?.slot, 'b');
  t.is(await releaseOf(unit), 1);
  t.is(unit.reports.at(-1)?.step, 'rolled-back');
});

test('a start that has lost what it remembered tries what was installed after the slot was given up', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const two = await assignFirstOfTwo(unit, bundles);
  await settle(unit);
  unit.good = (release) => release !== 2;
  unit.made.assign([two.target], { trial });
  await settle(unit);
  const three = await bundles.bundle({ release: 3 });
  unit.publish(three);
  unit.made.assign([three.target], { trial });
  await unit.live('complete');
  t.is((await slotsOf(unit)).rolledBack?.slot, 'b');
  await writeWholeFile(unit.files, statePath(root), Buffer.from('{"schema":'));
  await settle(unit);
  t.is(await releaseOf(unit), 3);
});
