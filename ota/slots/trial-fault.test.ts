import test from 'ava';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { FolderSlots } from './folder-slots.ts';
import type { Launched } from './launch-environment.ts';
import { fillSlot, madeRecord, textIn } from './testing/made-slot.ts';
import { startOf } from './testing/start-of.ts';
import { leaveTrialFault } from './trial-fault.ts';

test('whoever comes back from a program that used its starts up says what it said last', async (t) => {
  const files = new MemoryTreeFiles();
  const [root, image] = ['/data', '/image'];
  await makeFolders(files, root);
  await fillSlot(files, image, 'shipped');
  const slots = new FolderSlots({ files, root, image });
  const install = async () => {
    const { slot, folder } = await slots.prepare();
    await fillSlot(files, `${folder}/program`, 'new');
    await slots.complete(slot, madeRecord('new'));
    await slots.startTrial(slot, { starts: 1, minutes: 5 });
    return slot;
  };
  const slot = await install();
  const launched: Launched = { root, image, launcher: '/launcher', running: slot, trial: true };
  for (const one of [undefined, { ...launched, trial: false }, { ...launched, running: 'image' as const }])
    await leaveTrialFault(files, one, 'not to be said');
  t.is((await startOf(files, root, image))?.slot, slot);
  await leaveTrialFault(files, launched, `scene-invalid: refused:\n  line 4: lane ${'x'.repeat(1000)}`);
  t.is((await startOf(files, root, image))?.slot, 'image');
  const { reason } = (await slots.state()).rolledBack ?? {};
  t.regex(reason ?? '', /^its starts were used up; it said: scene-invalid: refused: line 4: lane x{200,300}$/);
  while ((await install()) !== slot) await slots.rollBack('the other slot');
  t.is(await textIn(files, `${root}/${slot}/fault`), undefined, 'it is of the program that lay there');
});

test('what a program said in an earlier trial is not said of a later one', async (t) => {
  const files = new MemoryTreeFiles();
  const [root, image] = ['/data', '/image'];
  await makeFolders(files, root);
  await fillSlot(files, image, 'shipped');
  const slots = new FolderSlots({ files, root, image });
  const { slot, folder } = await slots.prepare();
  await fillSlot(files, `${folder}/program`, 'new');
  await slots.complete(slot, madeRecord('new'));
  await slots.startTrial(slot, { starts: 2, minutes: 5 });
  await startOf(files, root, image);
  const launched: Launched = { root, image, launcher: '/launcher', running: slot, trial: true };
  await leaveTrialFault(files, launched, 'camera-unavailable: it was unplugged');
  await startOf(files, root, image);
  await new FolderSlots({ files, root, image, running: slot }).rollBack('a person went back');
  await slots.startTrial(slot, { starts: 1, minutes: 5 });
  await startOf(files, root, image);
  await startOf(files, root, image);
  t.is((await slots.state()).rolledBack?.reason, 'its starts were used up');
});

test('a disk that takes nothing hinders no end', async (t) => {
  const launched: Launched = { root: '/none', image: '/i', launcher: '/l', running: 'a', trial: true };
  await t.notThrowsAsync(leaveTrialFault(new MemoryTreeFiles(), launched, 'words'));
});
