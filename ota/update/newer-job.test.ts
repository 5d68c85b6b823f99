import test from 'ava';
import { milliseconds } from '../../device/kernel/units.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit } from '../testing/made-unit.ts';
import { assignFirst, pass, trial } from './testing/unit-lives.ts';
import { UpdateKeeper } from './update-keeper.ts';

test('what the director takes back is given up within seconds, however slowly it downloads; a hint breaks nothing off twice a minute', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  let begun = 0;
  unit.change = {
    link: () => ({
      name: 'the centre',
      metadata: (path, most) => unit.made.source.metadata(path, most),
      blocks: async (_path, _wanted, sink, signal) => {
        sink.lengthIs(one.bytes.byteLength);
        begun += 1;
        await unit.clock.sleep(milliseconds(3_600_000), signal);
      },
    }),
  };
  const { parts } = await unit.parts('image', () => undefined);
  const keeper = new UpdateKeeper(parts);
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  t.true(await pass(unit, 60_000, () => begun === 1));
  // Whoever can send hints, and nothing else.
  for (let hint = 0; hint < 60; hint += 1) {
    keeper.notified(`made-up-${hint}`);
    await pass(unit, 1000);
  }
  t.true(begun <= 3, `${begun} times`);
  t.true(await pass(unit, 130_000, () => begun >= 2));
  await pass(unit, 130_000);
  unit.made.assign([], { trial });
  keeper.notified('job-0002');
  t.true(await pass(unit, 30_000, () => keeper.newestJob?.id === 'job-0002'));
  t.deepEqual(
    keeper.state?.ended.map(({ job, outcome }) => [job, outcome]),
    [
      ['job-0001', 'canceled'],
      ['job-0002', 'canceled'],
    ],
  );
  stop.abort();
  await running;
});
