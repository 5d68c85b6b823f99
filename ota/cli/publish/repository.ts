import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { beginRepository, type RoleKeys } from '../../repository/begin-repository.ts';
import { readDirector } from '../../repository/director.ts';
import { locked, placesIn, readRoots, readSettings, waitingLock } from '../../repository/repository-folder.ts';
import { discardStaged, stageTargets } from '../../repository/stage-changes.ts';
import { describe, short, summaryOf } from '../../repository/summary.ts';
import { keepTarget, readTargetFile } from '../../repository/target-files.ts';
import type { OtaIo } from '../ota-io.ts';
import { checkApart } from './keys-apart.ts';
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
interface ChangeFlags extends RepositoryFlags {
  readonly yes?: boolean;
}
export const lossHelp = 'also where signatures of what waits are lost by it';

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
    .option('--yes', lossHelp)
    .action((paths: readonly string[], flags: ChangeFlags) => addTargets(flags, paths, io));
  onRepository(root.command('remove'))
    .description('stage targets without some; their files stay')
    .argument('<targets...>', 'names')
    .option('--yes', lossHelp)
    .action((names: readonly string[], flags: ChangeFlags) => changeTargets(flags, [], names, io));
  onRepository(root.command('targets'))
    .description('list the targets that are published, the newest release first')
    .action(async ({ repository }: RepositoryFlags) => {
      await readSettings(systemFiles, repository);
      const targets = await readDirector(repository, io.clock).targets();
      for (const target of targets) io.write(describe(target));
      if (targets.length > 0) return;
      const roots = await readRoots(systemFiles, repository, 'image');
      io.note(roots.length === 0 ? 'Nothing is published yet.' : 'No target is published yet.');
    });
  onRepository(root.command('discard'))
    .description('give up all that waits for signatures')
    .action(({ repository }: RepositoryFlags) => discard(repository, io));
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
  checkApart(plan);
  await beginRepository(systemFiles, folder, plan, io.clock.utc());
  const places = placesIn(folder);
  const waiting = [
    places.staged('image', 'root'),
    places.staged('image', 'targets'),
    places.staged('director', 'root'),
  ];
  for (const path of waiting) io.write(path);
  io.note(
    `Have each of these signed by ${threshold} of the ${flags.holder.length} holders: atalaya-ota sign ${waiting.join(' ')} --key KEY`,
  );
  io.note(`Then publish them: atalaya-ota publish -r ${folder} --key OFFICE-KEY`);
  for (const [what, count] of [
    ['holders', flags.holder.length],
    ['holders of targets', flags.targetsHolder?.length],
  ] as const) {
    if (count === threshold)
      io.note(
        `All ${count} ${what} have to sign: a single lost key is the end of the repository. Name one more, or a lower --threshold.`,
      );
  }
}

async function discard(repository: string, io: OtaIo): Promise<void> {
  const discarded = await locked(systemFiles, repository, waitingLock(io.timer), () =>
    discardStaged(systemFiles, repository),
  );
  for (const { name, signatures } of discarded)
    io.write(`gave up: ${name} (${signatures === undefined ? 'damaged' : counted(signatures)})`);
  if (discarded.length === 0) io.note('Nothing waits for signatures.');
}

const counted = (signatures: number): string => `${signatures} ${signatures === 1 ? 'signature' : 'signatures'}`;

async function addTargets(flags: ChangeFlags, paths: readonly string[], io: OtaIo): Promise<void> {
  const { repository } = flags;
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
  await changeTargets(flags, targets, [], io);
}

async function changeTargets(
  { repository, yes = false }: ChangeFlags,
  add: Parameters<typeof stageTargets>[2]['add'],
  remove: readonly string[],
  io: OtaIo,
): Promise<void> {
  const agree = (keyIds: readonly string[]) => agreeToLoss(keyIds, yes, io);
  const { staged, changed } = await locked(systemFiles, repository, waitingLock(io.timer), () =>
    stageTargets(systemFiles, repository, { add, remove }, io.clock.utc(), agree),
  );
  const path = placesIn(repository).staged('image', 'targets');
  io.write(path);
  for (const line of summaryOf(staged, path)) io.note(line);
  if (!changed) io.note('nothing is changed: all of it waits already');
}

/** Who has signed has to sign again: that is said before, and not found out afterwards. Throws `usage-invalid`. */
export async function agreeToLoss(keyIds: readonly string[], yes: boolean, io: OtaIo): Promise<void> {
  const one = keyIds.length === 1;
  const ids = new Set(keyIds);
  const lost = `${counted(keyIds.length)} ${one ? 'is' : 'are'} lost by this: ${[...ids].map(short).join(', ')} ${ids.size === 1 ? 'has' : 'have'} to sign again`;
  if (yes) return io.note(lost);
  const asked = io.ask !== undefined;
  if (io.ask !== undefined && (await io.ask(`${lost}. Type yes to go on: `)).trim() === 'yes') return;
  throw new AtalayaError('usage-invalid', lost, {
    hint: asked ? 'Nothing was changed.' : 'Nothing was changed. Give --yes, or publish first what waits.',
  });
}
