import test from 'ava';
import { sleep } from '../../device/kernel/clock.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit } from '../testing/made-unit.ts';
import { assignFirst, trial } from './testing/unit-lives.ts';
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
  const pass = async (most: number, until?: () => boolean) => {
    for (let spent = 0; spent < most && until?.() !== true; spent += 500) {
      await unit.clock.advance(500);
      // The unit's seconds pass no faster than this machine does what belongs to them.
      for (let turn = 0; turn < (until === undefined ? 1 : 100) && until?.() !== true; turn += 1)
        await sleep(milliseconds(2));
    }
    return until?.() === true;
  };
  t.true(await pass(60_000, () => begun === 1));
  // Whoever can send hints, and nothing else.
  for (let hint = 0; hint < 60; hint += 1) {
    keeper.notified(`made-up-${hint}`);
    await pass(1000);
  }
  t.true(begun <= 3, `${begun} times`);
  t.true(await pass(130_000, () => begun >= 2));
  await pass(130_000);
  unit.made.assign([], { trial });
  keeper.notified('job-0002');
  t.true(await pass(10_000, () => keeper.newestJob?.id === 'job-0002'));
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
