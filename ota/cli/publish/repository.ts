import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { beginRepository, type RoleKeys } from '../../repository/begin-repository.ts';
import { readDirector } from '../../repository/director.ts';
import { locked, placesIn, readSettings, waitingLock } from '../../repository/repository-folder.ts';
import { discardStaged, stageTargets } from '../../repository/stage-changes.ts';
import { describe, summaryOf } from '../../repository/summary.ts';
import { keepTarget, readTargetFile } from '../../repository/target-files.ts';
import type { OtaIo } from '../ota-io.ts';
import { readPublicFile } from './open-key.ts';
import { collect, whole } from './words.ts';

interface NewFlags {
  readonly holder: readonly string[];
  readonly targetsHolder?: readonly string[];
  readonly threshold: number;
  readonly office: string;
  readonly snapshotKey?: string;
  readonly timestampKey?: string;
  readonly director: string;
}

export const onRepository = (command: Command): Command =>
  command.option('-r, --repository <folder>', 'the folder of the repository', '.');
export interface RepositoryFlags {
  readonly repository: string;
}

/** Adds `repository new`, `targets`, and `add`, `remove` and `discard`: changes that wait for signatures. */
export function addRepository(root: Command, io: OtaIo): void {
  root
    .command('repository')
    .description('the folder that updates are published from')
    .command('new')
    .description('make one, from the public halves of its keys; its first metadata waits for signatures')
    .argument('<folder>', 'where it goes')
    .requiredOption('--holder <pub.json>', 'a person who signs roots and targets offline; give it for each', collect)
    .option('--targets-holder <pub.json>', 'a person who signs targets, where these are others', collect)
    .option('--threshold <number>', 'how many of them have to sign', whole(1, 16), 2)
    .requiredOption('--office <pub.json>', "the key of the image's snapshot and timestamp")
    .option('--snapshot-key <pub.json>', 'another one for the snapshot')
    .option('--timestamp-key <pub.json>', 'another one for the timestamp')
    .requiredOption('--director <pub.json>', "the online key of the director's targets, snapshots and timestamps")
    .action((folder: string, flags: NewFlags) => newRepository(folder, flags, io));
  onRepository(root.command('add'))
    .description('stage targets, and copy their files into the repository')
    .argument('<files...>', 'NAME.target.json of each; its file lies beside it')
    .action((paths: readonly string[], { repository }: RepositoryFlags) => addTargets(repository, paths, io));
  onRepository(root.command('remove'))
    .description('stage targets without some; their files stay')
    .argument('<targets...>', 'names')
    .action((names: readonly string[], { repository }: RepositoryFlags) => changeTargets(repository, [], names, io));
  onRepository(root.command('targets'))
    .description('list the targets that are published, the newest release first')
    .action(async ({ repository }: RepositoryFlags) => {
      await readSettings(systemFiles, repository);
      const targets = await readDirector(repository, io.clock).targets();
      for (const target of targets) io.write(describe(target));
      if (targets.length === 0) io.note('Nothing is published yet.');
    });
  onRepository(root.command('discard'))
    .description('give up all that waits for signatures')
    .action(({ repository }: RepositoryFlags) =>
      locked(systemFiles, repository, waitingLock(io.timer), () => discardStaged(systemFiles, repository)),
    );
}

async function newRepository(folder: string, flags: NewFlags, io: OtaIo): Promise<void> {
  const { threshold } = flags;
  const several = async (paths: readonly string[]): Promise<RoleKeys> => ({
    keys: await Promise.all(paths.map(readPublicFile)),
    threshold,
  });
  const one = async (path: string): Promise<RoleKeys> => ({ keys: [await readPublicFile(path)], threshold: 1 });
  const holders = await several(flags.holder);
  const online = await one(flags.director);
  const plan = {
    image: {
      root: holders,
      targets: flags.targetsHolder === undefined ? holders : await several(flags.targetsHolder),
      snapshot: await one(flags.snapshotKey ?? flags.office),
      timestamp: await one(flags.timestampKey ?? flags.office),
    },
    director: { root: holders, targets: online, snapshot: online, timestamp: online },
  };
  await beginRepository(systemFiles, folder, plan, io.clock.utc());
  const places = placesIn(folder);
  const waiting = [
    places.staged('image', 'root'),
    places.staged('image', 'targets'),
    places.staged('director', 'root'),
  ];
  for (const path of waiting) io.write(path);
  io.note(
    `Have each of these signed by ${threshold} of the ${flags.holder.length} holders: atalaya-ota sign FILE --key KEY`,
  );
  io.note(`Then publish them: atalaya-ota publish -r ${folder} --key OFFICE-KEY`);
}

async function addTargets(repository: string, paths: readonly string[], io: OtaIo): Promise<void> {
  await readSettings(systemFiles, repository);
  const targets = [];
  for (const path of paths) {
    if (!path.endsWith('.target.json')) {
      throw new AtalayaError('usage-invalid', `${path} is no file NAME.target.json`, {
        hint: 'It lies beside the bundle.',
      });
    }
    const target = await readTargetFile(systemFiles, path);
    await keepTarget(systemFiles, repository, target, join(dirname(path), target.target));
    targets.push(target);
  }
  await changeTargets(repository, targets, [], io);
}

async function changeTargets(
  repository: string,
  add: Parameters<typeof stageTargets>[2]['add'],
  remove: readonly string[],
  io: OtaIo,
): Promise<void> {
  const staged = await locked(systemFiles, repository, waitingLock(io.timer), () =>
    stageTargets(systemFiles, repository, { add, remove }, io.clock.utc()),
  );
  const path = placesIn(repository).staged('image', 'targets');
  io.write(path);
  for (const line of summaryOf(staged, path)) io.note(line);
}
