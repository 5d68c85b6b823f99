import test from 'ava';
import fc from 'fast-check';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { removeTree } from '../../device/kernel/tree-files.ts';
import { FolderSlots } from './folder-slots.ts';
import { fillSlot, madeRecord, putText, tagOf } from './testing/made-slot.ts';
import { startOf } from './testing/start-of.ts';

const root = '/data/program';
const image = `${root}/image`;

/** A unit that has been updated twice, and has a third update on trial. */
async function usedUnit(): Promise<MemoryTreeFiles> {
  const files = new MemoryTreeFiles();
  await makeFolders(files, root);
  await fillSlot(files, image, 'shipped');
  for (const [tag, decide] of [
    ['v1', true],
    ['v2', true],
    ['v3', false],
  ] as const)
    await update(files, tag, decide);
  return files;
}

/** The whole way of an update: from whatever state it starts in, no person is needed. */
async function update(files: MemoryTreeFiles, tag: string, confirm: boolean): Promise<void> {
  const slots = await started(files);
  await slots.rollBack('another is to be installed');
  const fresh = await started(files);
  const { slot, folder } = await fresh.prepare();
  await fillSlot(files, `${folder}/program`, tag);
  await fresh.complete(slot, madeRecord(tag));
  await fresh.startTrial(slot, { starts: 3, minutes: 60 });
  if (confirm) await (await started(files)).confirm();
}

async function started(files: MemoryTreeFiles): Promise<FolderSlots> {
  const start = await startOf(files, root, image);
  if (start === undefined) throw new Error('nothing was started');
  const tag = await tagOf(files, start.slot === 'image' ? image : `${root}/${start.slot}/program`);
  if (tag === undefined) throw new Error(`slot ${start.slot} was started, which is not whole`);
  return new FolderSlots({ files, root, image, running: start.slot });
}

const text = fc.oneof(
  fc.constantFrom(
    '',
    'a\n',
    'b\n',
    'image\n',
    'a b\n',
    'b image\n',
    'a 3 60\n',
    'b 0 0\n',
    'b 2 9\n',
    '0\n',
    'b no frames\n',
    '\0\0\0',
  ),
  fc.string({ maxLength: 80 }),
);
type Damage = (files: MemoryTreeFiles) => Promise<void>;
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.constantFrom('confirmed', 'trial', 'minutes', 'rolled-back'), text).map(
    ([name, said]): Damage =>
      (files) =>
        putText(files, `${root}/${name}`, said),
  ),
  fc.constantFrom('confirmed', 'trial', 'minutes', 'rolled-back').map(
    (name): Damage =>
      async (files) => {
        await removeTree(files, `${root}/${name}`);
        await makeFolders(files, `${root}/${name}/inner`);
      },
  ),
  fc
    .constantFrom(
      'confirmed',
      'trial',
      'minutes',
      'a',
      'b',
      'a/slot.json',
      'b/slot.json',
      'a/program/start',
      'b/program',
    )
    .map(
      (name): Damage =>
        (files) =>
          removeTree(files, `${root}/${name}`),
    ),
  fc.tuple(fc.constantFrom('a/slot.json', 'b/slot.json', 'a', 'b'), text).map(
    ([name, said]): Damage =>
      (files) =>
        putText(files, `${root}/${name}`, said).catch(() => undefined),
  ),
);

test('from any damage a whole program starts, and the next update goes all its way without a person', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
      const files = await usedUnit();
      for (const one of damages) await one(files);
      await started(files);
      await (await started(files)).state();
      await update(files, 'v4', true);
      const { confirmed, running, trial } = await (await started(files)).state();
      t.is(confirmed.record?.job, 'job-v4');
      t.is(running.slot, confirmed.slot);
      t.is(trial, undefined);
    }),
    { numRuns: 500 },
  );
});

test('a slot that nobody needs and that cannot be looked at hides neither what runs nor what is confirmed', async (t) => {
  class Sick extends MemoryTreeFiles {
    override async look(path: string) {
      if (path.startsWith(`${root}/b/`))
        throw Object.assign(new Error(`EIO: i/o error, lstat ${path}`), { code: 'EIO' });
      return super.look(path);
    }
  }
  const files = new Sick();
  await fillSlot(files, `${root}/a/program`, 'v1');
  await putText(files, `${root}/a/slot.json`, `${JSON.stringify(madeRecord('v1'))}\n`);
  await fillSlot(files, `${root}/b/program`, 'v2');
  await putText(files, `${root}/confirmed`, 'a\n');
  const { confirmed, running, others } = await new FolderSlots({ files, root, image, running: 'a' }).state();
  t.deepEqual([confirmed.record?.job, running.slot, others], ['job-v1', 'a', []]);
});

test('a slot that cannot be looked at is as the launcher sees it, not there; where it runs, it is a fault of the moment', async (t) => {
  const files = await usedUnit();
  await (await started(files)).rollBack('no');
  const { confirmed, running } = await (await started(files)).state();
  t.is(confirmed.slot, running.slot);
  const other = confirmed.slot === 'a' ? 'b' : 'a';
  const unreadable = (slot: string) => {
    files.plan = ({ kind, path }) =>
      kind === 'read' && path === `${root}/${slot}/slot.json` ? { code: 'EIO' } : undefined;
  };
  unreadable(other);
  t.is((await new FolderSlots({ files, root, image, running: confirmed.slot }).prepare()).slot, other);
  unreadable(confirmed.slot);
  await t.throwsAsync(new FolderSlots({ files, root, image, running: confirmed.slot }).state(), {
    code: 'store-failed',
  });
  // The launcher has started the image, since the confirmed slot cannot be read.
  const slots = new FolderSlots({ files, root, image, running: 'image' });
  t.is((await slots.state()).confirmed.slot, 'image');
});
