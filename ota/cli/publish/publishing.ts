import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { exit } from '../../../device/cli/exit-codes.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import type { RepositoryName } from '../../contract/repository.ts';
import { keysOf, type RepositoryKeys } from '../../repository/begin-repository.ts';
import { checkRepository } from '../../repository/check.ts';
import { chainFolders, type Expiry, expiriesOf } from '../../repository/expiry.ts';
import { type Role, roles } from '../../repository/metadata.ts';
import { publish } from '../../repository/publish.ts';
import { locked, placesIn, readRoots, waitingLock } from '../../repository/repository-folder.ts';
import { keyIdOf } from '../../repository/signers/metadata-signer.ts';
import { type Rotation, stageRotation } from '../../repository/stage-changes.ts';
import { stagedIn } from '../../repository/staged.ts';
import { summaryOf } from '../../repository/summary.ts';
import type { OtaIo } from '../ota-io.ts';
import { checkApart } from './keys-apart.ts';
import { keyHelp, openKeys, readPublicFile } from './open-key.ts';
import { agreeToLoss, lossHelp, onRepository, type RepositoryFlags } from './repository.ts';
import { choice, choices, collect, days, whole } from './words.ts';

interface KeyFlags extends RepositoryFlags {
  readonly key?: readonly string[];
}
interface PublishFlags extends KeyFlags {
  readonly of?: RepositoryName;
  readonly renew?: boolean;
}
interface ExpireFlags extends KeyFlags {
  readonly within: number;
  readonly renew?: boolean;
}
interface RotateFlags extends RepositoryFlags {
  readonly of: RepositoryName;
  readonly role?: readonly Role[];
  readonly outKey?: readonly string[];
  readonly inKey?: readonly string[];
  readonly threshold?: number;
  readonly yes?: boolean;
}

/** Adds `publish`, `rotate`, `expire` and `check`. */
export function addPublishing(root: Command, io: OtaIo): void {
  onRepository(root.command('publish'))
    .description('publish what waits and is signed by enough keys')
    .option('--key <key>', `of the image's snapshot and timestamp: ${keyHelp}; give it for each`, collect)
    .option('--of <repository>', 'image or director alone', choice('image', 'director'))
    .action((flags: PublishFlags) => publishAll(flags, io));
  onRepository(root.command('rotate'))
    .description("stage a new root: with other keys; or only with a later end, and the image's targets with it")
    .requiredOption('--of <repository>', 'image or director', choice('image', 'director'))
    .option(
      '--role <roles>',
      'whose keys are changed: root, targets, snapshot, timestamp; with commas',
      choices(...roles),
    )
    .option('--out-key <key>', 'a key that goes: NAME.pub.json, or the first 8 or more digits of its id', collect)
    .option('--in-key <pub.json>', 'a key that comes', collect)
    .option('--threshold <number>', 'how many of the keys have to sign; as before unless said otherwise', whole(1, 16))
    .option('--yes', lossHelp)
    .action((flags: RotateFlags) => rotate(flags, io));
  onRepository(root.command('expire'))
    .description('list what runs out when; ends with 1 where something has, or soon does')
    .option(
      '--within <days>',
      'how soon is soon; of a role that is renewed weekly a quarter of its time at most',
      days(3650),
      45,
    )
    .option('--renew', "sign the image's snapshot and timestamp anew first; needs --key")
    .option('--key <key>', keyHelp, collect)
    .action((flags: ExpireFlags) => expire(flags, io));
  root
    .command('check')
    .description(
      'verify all that is published as units would, or what is on a stick; ends with 1 where they would refuse',
    )
    .argument('[folder]', 'of the repository, or the stick', '.')
    .action((folder: string) => check(folder, io));
}

async function publishAll({ repository, key = [], of, renew = false }: PublishFlags, io: OtaIo): Promise<void> {
  const { changes, seam } = await publish({
    files: systemFiles,
    folder: repository,
    signers: await openKeys(io, key),
    lock: waitingLock(io.timer),
    now: io.clock.utc(),
    renew,
    ...(of === undefined ? {} : { of }),
  });
  for (const line of changes) io.write(line);
  if (changes.length === 0) io.note('Nothing waits: all is published.');
  const units = await chainFolders(systemFiles, repository, 'director');
  if (units.length > 0 && changes.some((line) => line.startsWith('director root')))
    io.note(
      "Were online keys changed, have the units' metadata signed by the new ones: atalaya-ota director refresh --adopt --key KEY",
    );
  if (seam)
    io.note(
      'Units that asked in that very moment may have been told of a bad signature; they ask again by themselves.',
    );
}

async function rotate(flags: RotateFlags, io: OtaIo): Promise<void> {
  const { repository: folder, of, threshold, outKey = [], inKey = [] } = flags;
  const touched = [outKey.length, inKey.length].some((count) => count > 0) || threshold !== undefined;
  if (touched !== (flags.role !== undefined)) {
    throw new AtalayaError('usage-invalid', 'a change of keys names its --role, and a role what is changed', {
      hint: 'Without --role, --out-key, --in-key and --threshold root and targets are only renewed.',
    });
  }
  const out = await Promise.all(outKey.map((name) => keyIdNamed(folder, of, name)));
  const rotation = { repository: of, roles: flags.role ?? [], out, in: await Promise.all(inKey.map(readPublicFile)) };
  await checkFresh(folder, rotation);
  const staged = await locked(systemFiles, folder, waitingLock(io.timer), () =>
    stageRotation(
      systemFiles,
      folder,
      { ...rotation, ...(threshold === undefined ? {} : { threshold }) },
      io.clock.utc(),
      (keyIds) => agreeToLoss(keyIds, flags.yes === true, io),
    ),
  );
  const places = placesIn(folder);
  io.write(places.staged(of, 'root'));
  if (of === 'image' && (await exists(places.staged('image', 'targets')))) io.write(places.staged('image', 'targets'));
  for (const line of summaryOf(staged, places.staged(of, 'root'))) io.note(line);
}

/** A key that comes in stands nowhere else where it must not. */
async function checkFresh(folder: string, rotation: Rotation): Promise<void> {
  const { repository, roles: changed, in: fresh } = rotation;
  if (fresh.length === 0) return;
  const keys = async (of: RepositoryName): Promise<RepositoryKeys | undefined> => {
    const waiting = await stagedIn(systemFiles, folder, of, 'root');
    const root = waiting?.metadata ?? (await readRoots(systemFiles, folder, of)).at(-1);
    if (root === undefined) return undefined;
    const now = keysOf(root.signed);
    if (of !== repository) return now;
    const after = (role: Role) =>
      changed.includes(role)
        ? {
            ...now[role],
            keys: [...now[role].keys.filter((key) => !rotation.out.includes(keyIdOf(key))), ...fresh],
          }
        : now[role];
    return {
      root: after('root'),
      targets: after('targets'),
      snapshot: after('snapshot'),
      timestamp: after('timestamp'),
    };
  };
  checkApart({ image: await keys('image'), director: await keys('director') }, fresh.map(keyIdOf));
}

async function keyIdNamed(folder: string, repository: RepositoryName, name: string): Promise<string> {
  if (name.endsWith('.json')) return keyIdOf(await readPublicFile(name));
  const ids = Object.keys((await readRoots(systemFiles, folder, repository)).at(-1)?.signed.keys ?? {});
  const found = /^[0-9a-f]{8,64}$/.test(name) ? ids.filter((id) => id.startsWith(name)) : [];
  if (found[0] !== undefined && found.length === 1) return found[0];
  throw new AtalayaError('usage-invalid', `${name} is no key of the ${repository} repository`, {
    hint: 'Look with: atalaya-ota keys list',
  });
}

const exists = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );

async function expire(flags: ExpireFlags, io: OtaIo): Promise<void> {
  const { repository, within, renew = false } = flags;
  if (renew) await publishAll(flags, io);
  const all = await expiriesOf(systemFiles, repository, io.clock.utc());
  const late = all.filter((one) => one.left <= soonOf(one, within));
  for (const one of all) {
    const { repository: of, unit, role, version, expires, left } = one;
    const mark = left <= 0 ? 'out of date' : late.includes(one) ? 'soon' : 'good';
    io.write(
      `${mark}  ${of}${unit === undefined ? '' : `/${unit}`} ${role} ${version}  ${expires}  ${left.toFixed(1)} days`,
    );
  }
  if (all.length === 0) io.note('Nothing is published yet.');
  if (late.length > 0) io.leave(exit.failed);
}

/** What two of three people sign is told of in time for a meeting; what a timer signs when the timer has failed for three weeks. */
const soonOf = ({ repository, role }: Expiry, within: number): number =>
  role === 'root' || (role === 'targets' && repository === 'image') ? within : Math.min(within, 7.5);

async function check(folder: string, io: OtaIo): Promise<void> {
  const { faults, targets, units } = await checkRepository(systemTreeFiles, folder, io.clock.utc());
  for (const { where, what } of faults) io.write(`${where}: ${what}`);
  if (faults.length > 0) return io.leave(exit.failed);
  io.write(`good: ${targets} targets, jobs of ${units} units`);
}
