import test from 'ava';
import { milliseconds } from '../../device/kernel/units.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, pass } from './testing/unit-lives.ts';
import { UpdateKeeper } from './update-keeper.ts';

test('a stick is worked from though the link has used the bytes of the day up and it would be time to ask there', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  let begun = 0;
  unit.change = {
    limits: () => ({ windows: [], bytesPerDay: 1 }),
    stick: () => ({
      name: '/media/usb',
      metadata: (...wanted) => unit.made.source.metadata(...wanted),
      blocks: async (_path, wanted, sink, signal) => {
        begun += 1;
        sink.lengthIs(one.bytes.byteLength);
        for (let at = 0; at < one.bytes.byteLength; at += 4096) {
          if (!wanted.wants(at)) continue;
          // A slow stick.
          await unit.clock.sleep(milliseconds(5000), signal);
          if (signal.aborted) return;
          await sink.take(at, one.bytes.subarray(at, at + 4096));
        }
      },
    }),
  };
  let restarts = 0;
  const { parts } = await unit.parts('image', () => {
    restarts += 1;
  });
  const keeper = new UpdateKeeper(parts);
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  t.true(await pass(unit, 60_000, () => keeper.state?.job !== undefined));
  await leaveRequest(unit.files, root, { id: '00000001', act: 'install', from: '/media/usb' });
  t.true(await pass(unit, 60_000, () => begun > 0));
  keeper.notified('job-0009');
  t.true(await pass(unit, 600_000, () => restarts > 0), `begun ${begun} times`);
  t.true(begun < 4, `begun ${begun} times`);
  stop.abort();
  await running;
});
