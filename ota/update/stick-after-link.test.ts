import test from 'ava';
import { blockStep } from '../../cloud-bridge/contract/stream.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { UpdateSource } from '../contract/parts.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, releaseOf, settle } from './testing/unit-lives.ts';

test('other bytes that the link has left of a target are not held against the stick that brings the right ones', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  const serving = (name: string, bytes: Buffer, most = Infinity): UpdateSource => ({
    name,
    metadata: (...wanted) => unit.made.source.metadata(...wanted),
    blocks: async (_path, wanted, sink, signal) => {
      sink.lengthIs(bytes.byteLength);
      let given = 0;
      for (let at = 0; at < bytes.byteLength && !signal.aborted; at += blockStep) {
        if (!wanted.wants(at)) continue;
        if (given >= most) throw new AtalayaError('link-down', 'the link is gone');
        await sink.take(at, bytes.subarray(at, at + blockStep));
        given += blockStep;
      }
    },
  });
  const wrong = Buffer.alloc(one.bytes.byteLength, 7);
  let link: UpdateSource | undefined = serving('the centre', wrong);
  unit.change = { link: () => link, stick: () => serving('/media/usb', one.bytes) };
  const on = await unit.openWork('image');
  const until = async (come: () => boolean) => {
    for (let turn = 0; turn < 200 && !come(); turn += 1) {
      const step = await on.next(new AbortController().signal, () => undefined);
      if (step.kind === 'idle' || step.kind === 'wait')
        await unit.clock.advance(Math.max(1, Math.min(60_000, step.until - unit.clock.utc())));
    }
    t.true(come());
  };
  await until(() => on.state.job?.faults === 1);
  // Of the next try a few blocks come, and no more.
  link = serving('the centre', wrong, 2 * blockStep);
  await until(() => on.session.resume?.reason.startsWith('link-down') === true);
  link = undefined;
  await leaveRequest(unit.files, root, { id: '00000001', act: 'install', from: '/media/usb' });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.false(unit.reports.some(({ step }) => step === 'refused'));
});
