import test from 'ava';
import { milliseconds } from '../../device/kernel/units.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest, requestPath } from './person-request.ts';
import { assignFirst, pass, releaseOf, settle, trial } from './testing/unit-lives.ts';
import { UpdateKeeper } from './update-keeper.ts';

test('whoever stands before a unit is heard within seconds, however slowly it downloads', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  const two = await bundles.bundle({ release: 2 });
  const three = await bundles.bundle({ release: 3 });
  unit.publish(one, two, three);
  for (const { target } of [one, two]) {
    unit.made.assign([target], { trial });
    await settle(unit);
  }
  unit.made.assign([three.target], { trial });
  let downloading = false;
  unit.change = {
    link: () => ({
      name: 'the centre',
      metadata: (path, most) => unit.made.source.metadata(path, most),
      blocks: async (_path, _wanted, sink, signal) => {
        sink.lengthIs(three.bytes.byteLength);
        // Two minutes a block: hours of a real update.
        for (let at = 0; at < three.bytes.byteLength && !signal.aborted; at += 4096) {
          downloading = true;
          await unit.clock.sleep(milliseconds(120_000), signal);
          if (!signal.aborted) await sink.take(at, three.bytes.subarray(at, at + 4096));
        }
      },
    }),
  };
  const { parts } = await unit.parts('b', () => undefined);
  const keeper = new UpdateKeeper(parts);
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  t.true(await pass(unit, 60_000, () => downloading));
  await leaveRequest(unit.files, root, { id: '00000001', act: 'roll-back', reason: 'it reads no plates' });
  t.true(await pass(unit, 60_000, () => keeper.standing?.answer !== undefined));
  t.deepEqual(keeper.standing?.answer, { id: '00000001', good: true, words: 'the version before is tried' });
  stop.abort();
  await running;
});

test('a word to keep what is on trial that was left before its start keeps nothing: nobody had seen it', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.good = () => false;
  await unit.live('restart');
  await leaveRequest(unit.files, root, { id: '00000001', act: 'confirm' });
  const { steps } = await unit.live('confirm');
  t.false(steps.includes('confirm'));
  t.is(await releaseOf(unit), 0);
});

test('a request that cannot be read is taken away: nothing is broken off for it again and again', async (t) => {
  await using unit = await MadeUnit.open();
  await leaveRequest(unit.files, root, { id: '00000001', act: 'confirm' });
  unit.files.plan = ({ kind, path }) => (kind === 'read' && path === requestPath(root) ? { code: 'EIO' } : undefined);
  await unit.live();
  t.is(await unit.files.look(requestPath(root)), undefined);
});
