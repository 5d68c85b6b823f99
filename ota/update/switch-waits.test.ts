import test from 'ava';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit, root } from '../testing/made-unit.ts';
import { leaveRequest } from './person-request.ts';
import { assignFirst, releaseOf, settle, slotsOf, trial } from './testing/unit-lives.ts';

/** Does what is to be done, and lets time pass where nothing is, until it is so. */
async function untilSo(unit: MadeUnit, so: () => boolean | Promise<boolean>, turns = 200): Promise<boolean> {
  const on = await unit.openWork('image');
  for (let turn = 0; turn < turns && !(await so()); turn += 1) {
    const step = await on.next(new AbortController().signal, () => undefined);
    if (step.kind === 'idle' || step.kind === 'wait')
      await unit.clock.advance(Math.max(1, Math.min(60_000, step.until - unit.clock.utc())));
  }
  return so();
}

const onTrial = async (unit: MadeUnit): Promise<boolean> => (await slotsOf(unit, 'image')).trial !== undefined;

test('a program that came by the link is tried when there is a link: without one no trial is confirmed', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  await unit.live('complete');
  unit.linkUp = false;
  t.false(await untilSo(unit, () => onTrial(unit)));
  t.like(unit.reports.at(-1), { step: 'waiting', reasons: ['link-down: there is no link, which the trial needs'] });
  unit.linkUp = true;
  await settle(unit);
  t.is(await releaseOf(unit), 1);
});

test('what came on a stick is tried without a link: it may be what brings it back', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await assignFirst(unit, bundles);
  unit.linkUp = false;
  unit.change = {
    stick: () => ({
      name: '/media/usb',
      metadata: (...wanted) => unit.made.source.metadata(...wanted),
      blocks: async (_path, _wanted, sink) => {
        sink.lengthIs(one.bytes.byteLength);
        for (let at = 0; at < one.bytes.byteLength; at += 4096) await sink.take(at, one.bytes.subarray(at, at + 4096));
      },
    }),
  };
  await leaveRequest(unit.files, root, { id: '00000001', act: 'install', from: '/media/usb' });
  t.true(await untilSo(unit, () => onTrial(unit)));
});

for (const [what, change] of [
  ['a window that closes', { clock: 150_000 }],
  ['a link that is lost', { linkUp: false }],
] as const)
  test(`${what} while the unit looks at itself puts the switch off`, async (t) => {
    await using bundles = await MadeBundles.open();
    await using unit = await MadeUnit.open();
    const one = await bundles.bundle({ release: 1 });
    unit.publish(one);
    unit.made.assign([one.target], { trial, windows: [{ from: '12:00', to: '12:02' }] });
    await unit.live('complete');
    let looks = 0;
    unit.change = {
      selfTest: async () => {
        looks += 1;
        if ('clock' in change) await unit.clock.advance(change.clock);
        else unit.linkUp = change.linkUp;
        return { troubles: [] };
      },
    };
    await untilSo(unit, () => looks > 0, 50);
    t.is(looks, 1);
    t.false(await onTrial(unit));
    unit.change = {};
    unit.linkUp = true;
    await settle(unit);
    t.is(await releaseOf(unit), 1);
  });
