import { rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FolderLock } from '../../device/kernel/folder-lock.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { beginRepository } from './begin-repository.ts';
import { openDirector } from './director.ts';
import { publish } from './publish.ts';
import { waitingLock } from './repository-folder.ts';
import { stageTargets } from './stage-changes.ts';
import { keepStaged, signStaged, stagedIn } from './staged.ts';
import { makeStick } from './stick.ts';
import { keepTarget } from './target-files.ts';
import { madeAt, madeJob, seven } from './testing/made-publisher.ts';
import { memorySigner } from './testing/memory-signers.ts';

/** The same on the disk of this machine, where there are links and other processes. */
async function onDisk(t: ExecutionContext) {
  const at = scratchFolder(t);
  const folder = join(at, 'repository');
  const [offline, online] = [memorySigner(), memorySigner('p256')];
  const by = ({ publicKey }: typeof offline) => ({ keys: [publicKey], threshold: 1 });
  const image = { root: by(offline), targets: by(offline), snapshot: by(online), timestamp: by(online) };
  const director = { root: by(offline), targets: by(online), snapshot: by(online), timestamp: by(online) };
  await beginRepository(systemTreeFiles, folder, { image, director }, madeAt);
  const { target, bytes } = seven;
  await writeFile(join(at, target.target), bytes);
  await keepTarget(systemTreeFiles, folder, target, join(at, target.target));
  await stageTargets(systemTreeFiles, folder, { add: [target], remove: [] }, madeAt);
  for (const [repository, role] of [
    ['director', 'root'],
    ['image', 'root'],
    ['image', 'targets'],
  ] as const) {
    const staged = await stagedIn(systemTreeFiles, folder, repository, role);
    if (staged === undefined) throw new Error('nothing waits');
    await signStaged(staged, offline);
    await keepStaged(systemTreeFiles, folder, staged);
  }
  await publish({ files: systemTreeFiles, folder, signers: [online], lock: waitingLock(), now: madeAt });
  const open = (lock = waitingLock()) =>
    openDirector({
      folder,
      keys: { targets: online, snapshot: online, timestamp: online },
      clock: new ManualClock(madeAt),
      lock,
    });
  return { at, folder, target, bytes, open };
}

test('no link is followed, neither a file nor a folder on the way to it', async (t) => {
  const { at, folder, target, bytes, open } = await onDisk(t);
  const director = await open();
  await director.assign('unit-1', madeJob('job-1', [target.target]));
  const path = `targets/${target.sha256}.${target.target}`;
  const file = await director.open('unit-1', path);
  t.deepEqual(await file?.read(0, 100_000), bytes);
  await file?.close();
  await rename(join(folder, path), join(at, 'elsewhere'));
  await symlink(join(at, 'elsewhere'), join(folder, path));
  t.is(await director.open('unit-1', path), undefined);
  await symlink(join(folder, 'director/unit-1'), join(folder, 'director/unit-2'));
  t.is(await director.open('unit-2', 'director/timestamp.json'), undefined);
  const own = await director.open('unit-1', 'director/timestamp.json');
  t.true((own?.length ?? 0) > 100);
  await own?.close();
});

test('who signs while another does waits for it, and is refused in the end', async (t) => {
  const { folder, target, open } = await onDisk(t);
  let slept = 0;
  const impatient = waitingLock({
    sleep: async () => {
      slept += 1;
    },
  });
  const director = await open(impatient);
  const lock = await FolderLock.take(folder);
  t.is((await fault(director.assign('unit-1', madeJob('job-1', [target.target])))).code, 'store-locked');
  t.is(slept, 100);
  await lock.release();
  await director.assign('unit-1', madeJob('job-1', [target.target]));
  const others = await Promise.all([open(), open(), open()]);
  await Promise.all(others.map((other, i) => other.assign(`unit-${i}`, madeJob(`job-${i}0`, [target.target]))));
  t.deepEqual(await director.units(), ['unit-0', 'unit-1', 'unit-2']);
});

test('a stick that is pulled out before its timestamps are there is no stick, and is laid out again', async (t) => {
  const { at, folder, target, open } = await onDisk(t);
  await (await open()).assign('unit-1', madeJob('job-1', [target.target]));
  const out = join(at, 'stick');
  const pulled = {
    ...systemTreeFiles,
    rename: async (from: string, to: string) => {
      if (to.endsWith('timestamp.json')) throw Object.assign(new Error('gone'), { code: 'EIO' });
      await systemTreeFiles.rename(from, to);
    },
  };
  t.is((await fault(makeStick(pulled, folder, 'unit-1', out))).code, 'store-failed');
  await t.throwsAsync(systemTreeFiles.open(join(out, 'image/timestamp.json'), 'read'), { code: 'ENOENT' });
  const stick = await makeStick(systemTreeFiles, folder, 'unit-1', out);
  t.deepEqual(stick.targets, [target]);
  t.is((await fault(makeStick(systemTreeFiles, folder, 'unit-9', out))).code, 'document-refused');
});
