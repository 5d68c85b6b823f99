import test from 'ava';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { UpdateSource } from '../contract/parts.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, releaseOf, settle, trial } from './testing/unit-lives.ts';
import { dayOf } from './windows.ts';

/** Days on which something came over the link, with the bytes of each, and the hours. */
function watchLink(unit: MadeUnit) {
  const days = new Map<string, number>();
  const hours = new Set<number>();
  unit.served.set = function (this: Map<string, number>, key, bytes) {
    const more = bytes - (this.get(key) ?? 0);
    const now = unit.clock.utc();
    days.set(dayOf(now), (days.get(dayOf(now)) ?? 0) + more);
    hours.add(new Date(now).getUTCHours());
    return Map.prototype.set.call(this, key, bytes) as Map<string, number>;
  };
  return { days, hours };
}

test('no more is downloaded in a day than may be, and what is over comes the next day, from where it was', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  unit.change = { limits: () => ({ windows: [], bytesPerDay: 10_000 }) };
  const { days } = watchLink(unit);
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.true(days.size >= 3, JSON.stringify([...days]));
  // A block is under way when the measure is full.
  t.true(
    [...days.values()].every((bytes) => bytes <= 10_000 + 4096),
    JSON.stringify([...days]),
  );
  t.is(
    [...days.values()].reduce((sum, bytes) => sum + bytes, 0),
    one.target.length,
  );
});

test('nothing is downloaded or switched to outside of the windows of job and unit; the job says until when it waits', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  unit.made.assign([one.target], { trial, windows: [{ from: '22:00', to: '04:00' }], spreadSeconds: 1800 });
  unit.change = { limits: () => ({ windows: [{ from: '02:00', to: '06:00' }] }) };
  const { hours } = watchLink(unit);
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.deepEqual([...hours], [2]);
  const waiting = unit.reports.find(({ step }) => step === 'waiting');
  t.is(waiting?.status, 'QUEUED');
  t.true(
    (waiting?.waitsUntil ?? '') >= '2026-03-02T02:00:00.000Z' &&
      (waiting?.waitsUntil ?? '') < '2026-03-02T02:30:00.000Z',
  );
});

test('a stick that is pulled out is waited for, and the link goes on where it was', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  unit.made.assign([one.target], { trial, windows: [{ from: '11:00', to: '13:00' }] });
  unit.linkUp = false;
  let blocks = 3;
  const stick: UpdateSource = {
    name: '/media/usb',
    metadata: (path, most) => unit.made.source.metadata(path, most),
    blocks: async (_path, wanted, sink) => {
      sink.lengthIs(wanted.length);
      for (let at = 0; at < wanted.length; at += 4096) {
        if (!wanted.wants(at)) continue;
        blocks -= 1;
        if (blocks < 0) {
          unit.linkUp = true;
          throw new AtalayaError('link-down', 'the stick is gone');
        }
        await sink.take(at, one.bytes.subarray(at, at + 4096));
      }
    },
  };
  unit.change = { stick: () => stick };
  await leaveRequest(unit.files, root, { id: '00000001', act: 'install', from: '/media/usb' });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.is(
    [...unit.served.values()].reduce((sum, bytes) => sum + bytes, 0),
    one.target.length - 3 * 4096,
  );
});

test('what could not be told without a link is told when there is one, and holds nothing up', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  let mute = true;
  const told: string[] = [];
  unit.change = {
    report: async ({ step }) => {
      if (mute) throw new AtalayaError('link-down', 'there is no link');
      told.push(step);
    },
  };
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  mute = false;
  await settle(unit);
  t.deepEqual(told, ['confirmed']);
});

test('a person goes back to the version before, as a trial; what was taken back is not begun again by itself', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const [one, two] = [await bundles.bundle({ release: 1 }), await bundles.bundle({ release: 2 })];
  unit.publish(one, two);
  for (const bundle of [one, two]) {
    unit.made.assign([bundle.target], { trial });
    await settle(unit);
  }
  t.is(await releaseOf(unit), 2);
  await leaveRequest(unit.files, root, { id: '00000001', act: 'roll-back', reason: 'it reads no plates' });
  await settle(unit);
  t.is(await releaseOf(unit), 1);
  t.deepEqual(unit.reports.at(-1)?.reasons, ['it reads no plates']);
  t.deepEqual(await settle(unit), ['report', 'check', 'idle']);
  t.is(await releaseOf(unit), 1);
});
