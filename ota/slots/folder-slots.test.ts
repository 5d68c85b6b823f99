import test, { type ExecutionContext } from 'ava';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { systemTreeFiles, type TreeFiles } from '../../device/kernel/tree-files.ts';
import type { SlotName, WritableSlot } from '../contract/slots.ts';
import { FolderSlots } from './folder-slots.ts';
import { launchedBy } from './launch-environment.ts';
import { recordBeginning } from './state-files.ts';
import { fillSlot, madeRecord, putText, tagOf, textIn } from './testing/made-slot.ts';
import { guardOf, startOf } from './testing/start-of.ts';

interface Place {
  readonly files: TreeFiles;
  readonly root: string;
  readonly image: string;
  /** As the unit has them that was started from this slot. */
  slots(running?: SlotName): FolderSlots;
  /** Starts as the launcher does. */
  start(): Promise<FolderSlots>;
  /** Puts a whole program into the slot that may be written. */
  install(slots: FolderSlots, tag: string): Promise<WritableSlot>;
  text(name: string): Promise<string | undefined>;
}

async function place(files: TreeFiles, above: string): Promise<Place> {
  const root = `${above}/data/program`;
  const image = `${root}/image`;
  await makeFolders(files, root);
  await fillSlot(files, image, 'shipped');
  const slots = (running?: SlotName) =>
    new FolderSlots({ files, root, image, ...(running === undefined ? {} : { running }) });
  return {
    ...{ files, root, image, slots },
    start: async () => slots((await startOf(files, root, image))?.slot),
    install: async (by, tag) => {
      const { slot, folder } = await by.prepare();
      await fillSlot(files, `${folder}/program`, tag);
      await by.complete(slot, madeRecord(tag));
      return slot;
    },
    text: (name) => textIn(files, `${root}/${name}`),
  };
}

const refused = { code: 'act-refused' };
const short = { starts: 2, minutes: 5 };

/** The same on a disk in memory and on this machine's. */
function both(name: string, body: (t: ExecutionContext, at: Place) => Promise<void>): void {
  test(`in memory: ${name}`, async (t) => body(t, await place(new MemoryTreeFiles(), '')));
  test(`on a disk: ${name}`, async (t) => {
    await body(t, await place(systemTreeFiles, scratchFolder(t)));
  });
}

both('a unit without updates runs the program of its image, before there is even a folder', async (t, at) => {
  const slots = new FolderSlots({ files: at.files, root: `${at.root}/none`, image: at.image });
  const image = { slot: 'image', program: at.image } as const;
  t.deepEqual(await slots.state(), { confirmed: image, running: image, others: [] });
  await t.throwsAsync(slots.goBack(short), refused);
  await slots.confirm();
  await slots.rollBack('nothing to roll back');
  t.deepEqual(await slots.state(), { confirmed: image, running: image, others: [] });
});

both('an update is prepared, completed, tried and confirmed', async (t, at) => {
  const slots = await at.start();
  const { slot, folder } = await slots.prepare();
  t.deepEqual(await at.files.list(folder), []);
  await t.throwsAsync(slots.complete(slot, madeRecord('v1')), refused, 'nothing to start was put in');
  await t.throwsAsync(slots.startTrial(slot, short), refused, 'it is not whole');
  await fillSlot(at.files, `${folder}/program`, 'v1');
  await slots.complete(slot, madeRecord('v1'));
  t.true((await at.text(`${slot}/slot.json`))?.startsWith(recordBeginning));
  const view = { slot, program: `${folder}/program`, components: `${folder}/components`, record: madeRecord('v1') };
  t.deepEqual((await slots.state()).others, [view]);

  await slots.startTrial(slot, short);
  t.deepEqual((await slots.state()).trial, { slot: view, startsLeft: 2, minutesLeft: 5 });
  t.deepEqual((await slots.state()).others, []);
  await t.throwsAsync(slots.prepare(), refused);
  await t.throwsAsync(slots.startTrial(slot, short), refused);
  await t.throwsAsync(slots.goBack(short), refused);
  await t.throwsAsync(slots.complete(slot, madeRecord('v1')), refused);
  await t.throwsAsync(slots.confirm(), { ...refused, message: /slot image runs/ });

  const tried = await at.start();
  t.false(await guardOf(at.files, at.root));
  t.deepEqual((await tried.state()).trial, { slot: view, startsLeft: 1, minutesLeft: 4 });
  t.is((await tried.state()).running.slot, slot);
  t.is((await tried.state()).confirmed.slot, 'image');
  await tried.confirm();
  await tried.confirm();
  t.deepEqual(await tried.state(), { confirmed: view, running: view, others: [], before: 'image' });
  t.is(await at.text('confirmed'), `${slot} image\n`);
  t.is(await at.text('trial'), undefined);
  t.is(await at.text('minutes'), undefined);
});

both('updates take turns; neither what runs nor what is confirmed is written to', async (t, at) => {
  let unit = await at.start();
  const written: string[] = [];
  for (const tag of ['v1', 'v2', 'v3']) {
    const slot = await at.install(unit, tag);
    written.push(slot);
    await unit.startTrial(slot, short);
    unit = await at.start();
    await unit.confirm();
    t.is(await tagOf(at.files, (await unit.state()).running.program), tag);
  }
  t.deepEqual(written, ['a', 'b', 'a']);
  await t.throwsAsync(unit.complete('a', madeRecord('v4')), { ...refused, message: /confirmed/ });
  await t.throwsAsync(unit.startTrial('a', short), { ...refused, message: /confirmed/ });
});

both('a trial is over when its starts are used up, when its minutes are, and on a word', async (t, at) => {
  const unit = await at.start();
  const slot = await at.install(unit, 'v1');
  const ends: readonly [string, () => Promise<unknown>, RegExp][] = [
    ['starts', () => at.start().then(at.start), /its starts were used up/],
    [
      'minutes',
      async () => {
        for (let minute = 1; minute < 5; minute += 1) t.false(await guardOf(at.files, at.root));
        t.true(await guardOf(at.files, at.root));
        t.true(await guardOf(at.files, at.root), 'the unit is started anew until that has had its effect');
        await t.throwsAsync(at.slots(slot).confirm(), { ...refused, message: /minutes/ });
      },
      /its minutes were used up/,
    ],
    ['word', () => at.slots(slot).rollBack('no frames\narrived\u0000 '), /^no frames arrived$/],
  ];
  for (const [name, end, reason] of ends) {
    await unit.startTrial(slot, short);
    t.is((await unit.state()).rolledBack, undefined, name);
    t.deepEqual((await (await at.start()).state()).trial?.minutesLeft, 5, name);
    await end();
    const next = await at.start();
    const { running, confirmed, trial, rolledBack, others } = await next.state();
    t.deepEqual([running.slot, confirmed.slot, trial, others[0]?.slot], ['image', 'image', undefined, slot], name);
    t.is(rolledBack?.slot, slot);
    t.regex(rolledBack?.reason ?? '', reason);
    t.is(await at.text('trial'), undefined, name);
    t.is(await at.text('minutes'), undefined, name);
    t.false(await guardOf(at.files, at.root));
  }
});

both('a slot that was rolled back and still runs is not written to before the next start', async (t, at) => {
  const unit = await at.start();
  const first = await at.install(unit, 'v1');
  await unit.startTrial(first, short);
  const tried = await at.start();
  await tried.confirm();
  const second = await at.install(tried, 'v2');
  await tried.startTrial(second, short);
  const failing = await at.start();
  await failing.rollBack('no frames arrived');
  await t.throwsAsync(failing.prepare(), { ...refused, message: /there is none to write to/ });
  await t.throwsAsync(failing.confirm(), { ...refused, message: /no frames arrived/ });
  const back = await at.start();
  t.is((await back.prepare()).slot, second);
});

both('one goes back to what was confirmed before, as long as it is there, and as a trial', async (t, at) => {
  let unit = await at.start();
  for (const tag of ['v1', 'v2']) {
    await unit.startTrial(await at.install(unit, tag), short);
    unit = await at.start();
    await unit.confirm();
  }
  await unit.goBack(short);
  unit = await at.start();
  t.is((await unit.state()).running.record?.job, 'job-v1');
  t.is((await unit.state()).confirmed.record?.job, 'job-v2');
  await unit.confirm();
  t.is(await at.text('confirmed'), 'a b\n');
  // What is written over was confirmed once; what takes its place never was.
  await at.install(unit, 'v3');
  await t.throwsAsync(unit.goBack(short), refused);
});

both('one goes back to the image from the first update', async (t, at) => {
  let unit = await at.start();
  await unit.startTrial(await at.install(unit, 'v1'), short);
  unit = await at.start();
  await unit.confirm();
  await unit.goBack(short);
  unit = await at.start();
  t.is((await unit.state()).trial?.slot.slot, 'image');
  t.is((await unit.state()).running.slot, 'image');
  await unit.confirm();
  t.is(await at.text('confirmed'), 'image a\n');
  t.is((await (await at.start()).state()).running.slot, 'image');
});

both('what is left of a trial that failed to be cleared away does not come back with the next', async (t, at) => {
  const unit = await at.start();
  const slot = await at.install(unit, 'v1');
  await putText(at.files, `${at.root}/trial`, `${slot} 7 70\n`);
  await putText(at.files, `${at.root}/minutes`, '1\n');
  await putText(at.files, `${at.root}/rolled-back`, `${slot} no frames\n`);
  t.is((await unit.state()).trial, undefined);
  await unit.startTrial(slot, short);
  t.is((await unit.state()).trial?.minutesLeft, 5);
  t.is((await unit.state()).trial?.startsLeft, 2);
});

test('a full disk loses the reason of a roll back, and not the way back', async (t) => {
  const files = new MemoryTreeFiles();
  const at = await place(files, '');
  const unit = await at.start();
  await unit.startTrial(await at.install(unit, 'v1'), short);
  const tried = await at.start();
  files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  await tried.rollBack('no room');
  t.is((await tried.state()).trial, undefined);
  t.deepEqual(await startOf(files, at.root, at.image), { slot: 'image', trial: false });
});

test('a start that cannot be counted is none of the trial; a minute that cannot be counted ends it', async (t) => {
  const files = new MemoryTreeFiles();
  const at = await place(files, '');
  const unit = await at.start();
  await unit.startTrial(await at.install(unit, 'v1'), short);
  const reading: typeof files.plan = ({ kind, path }) =>
    kind === 'write' || path.endsWith('.part') ? { code: 'EROFS' } : undefined;
  files.plan = reading;
  t.deepEqual(await startOf(files, at.root, at.image), { slot: 'image', trial: false });
  files.plan = () => undefined;
  t.is((await at.slots().state()).trial?.startsLeft, 2);
  t.deepEqual(await startOf(files, at.root, at.image), { slot: 'a', trial: true });
  files.plan = reading;
  t.true(await guardOf(files, at.root));
  files.plan = () => undefined;
  t.is((await at.slots().state()).trial, undefined);
});

test('a nonsensical allowance is refused', async (t) => {
  const at = await place(new MemoryTreeFiles(), '');
  const unit = await at.start();
  const slot = await at.install(unit, 'v1');
  for (const allowance of [
    { starts: 0, minutes: 5 },
    { starts: 1, minutes: 0.5 },
    { starts: 10_000, minutes: 5 },
  ]) {
    await t.throwsAsync(unit.startTrial(slot, allowance), { code: 'usage-invalid' });
  }
  t.is((await unit.state()).trial, undefined);
});

test('a program knows from the environment who started it', (t) => {
  const said = {
    ATALAYA_SLOTS: '/data/program',
    ATALAYA_IMAGE: '/opt/atalaya/image',
    ATALAYA_LAUNCHER: '/opt/atalaya/l',
  };
  const common = { root: '/data/program', image: '/opt/atalaya/image', launcher: '/opt/atalaya/l' };
  t.deepEqual(launchedBy({ ...said, ATALAYA_SLOT: 'image', ATALAYA_TRIAL: '', ATALAYA_COMPONENTS: '' }), {
    ...common,
    running: 'image',
    trial: false,
  });
  t.deepEqual(
    launchedBy({ ...said, ATALAYA_SLOT: 'b', ATALAYA_TRIAL: '1', ATALAYA_COMPONENTS: '/data/program/b/components' }),
    {
      ...common,
      running: 'b',
      trial: true,
      components: '/data/program/b/components',
    },
  );
  t.is(launchedBy({}), undefined);
  t.is(launchedBy({ ...said, ATALAYA_SLOT: 'c' }), undefined);
});
