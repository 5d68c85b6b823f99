import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { unitId } from '../../../cloud-bridge/contract/names.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { parse } from '../../../device/kernel/schema.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import type { Director } from '../../contract/director.ts';
import { type UpdateJobInput, updateJob } from '../../contract/job.ts';
import { repositoryNames } from '../../contract/repository.ts';
import { readChain } from '../../repository/chain.ts';
import { openDirector, readDirector } from '../../repository/director.ts';
import { placesIn, readRoots, waitingLock } from '../../repository/repository-folder.ts';
import type { MetadataSigner } from '../../repository/signers/metadata-signer.ts';
import { makeStick } from '../../repository/stick.ts';
import { short } from '../../repository/summary.ts';
import { fieldOf } from '../../repository/unit-chain.ts';
import type { OtaIo } from '../ota-io.ts';
import { keyHelp, openKeys } from './open-key.ts';
import { onRepository, type RepositoryFlags } from './repository.ts';
import { collect, days, whole, windowOf } from './words.ts';

interface DirectorFlags extends RepositoryFlags {
  readonly key?: readonly string[];
}
interface JobFlags extends DirectorFlags {
  readonly install?: readonly string[];
  readonly nothing?: boolean;
  readonly id?: string;
  readonly days: number;
  readonly notBefore?: string;
  readonly spread?: number;
  readonly window?: readonly { from: string; to: string }[];
  readonly bytesPerSecond?: number;
  readonly bytesPerDay?: number;
  readonly hold?: number;
  readonly deadline?: number;
  readonly starts?: number;
}

const onJob = (command: Command): Command =>
  onRepository(command)
    .option('--key <key>', `the director's online key: ${keyHelp}; give it for each`, collect)
    .option('--install <target>', 'a whole target; give it for each', collect)
    .option('--id <id>', 'of the job; drawn unless said otherwise')
    .option('--days <days>', 'not begun later than that', days(365), 30)
    .option('--not-before <moment>', 'such as 2026-03-01T01:00:00Z')
    .option('--spread <seconds>', 'units begin at moments drawn over so many seconds', whole(0, 604_800))
    .option('--window <from-to>', 'such as 01:30-05:00, UTC; give it for each', windowOf)
    .option('--bytes-per-second <bytes>', 'of downloads', whole(1024, 2 ** 31))
    .option('--bytes-per-day <bytes>', 'of downloads', whole(65_536, 2 ** 40))
    .option('--hold <seconds>', 'the self-test has to hold for so long', whole(5, 86_400))
    .option('--deadline <seconds>', 'rolled back where it has not held by then', whole(30, 172_800))
    .option('--starts <number>', 'that the trial may use up', whole(1, 10));

/** Adds `director` and `stick`: what each unit is to become. */
export function addDirecting(root: Command, io: OtaIo): void {
  const director = root.command('director').description('what each unit is to become');
  onJob(director.command('assign'))
    .description('sign a job for units')
    .argument('<units...>', 'names')
    .option('--nothing', 'give up whatever job there was, in the place of --install')
    .action((units: readonly string[], flags: JobFlags) => assign(units, flags, io));
  onRepository(director.command('show'))
    .description('show the jobs of units')
    .argument('[units...]', 'all of them unless said otherwise')
    .action((units: readonly string[], flags: RepositoryFlags) => show(units, flags, io));
  onRepository(director.command('refresh'))
    .description('sign anew what is half through its time')
    .argument('[units...]', 'all of them unless said otherwise')
    .option('--key <key>', `the director's online key: ${keyHelp}; give it for each`, collect)
    .option('--adopt', 'also what the keys before had signed: they were replaced, none of them stolen')
    .action((units: readonly string[], flags: DirectorFlags & { readonly adopt?: boolean }) =>
      refresh(units, flags, io),
    );
  onJob(root.command('stick'))
    .description('lay out for one unit what a USB stick carries to it')
    .requiredOption('--unit <name>', 'whose stick it is')
    .requiredOption('--out <folder>', 'on the stick')
    .action((flags: JobFlags & { readonly unit: string; readonly out: string }) => stick(flags, io));
}

async function assign(units: readonly string[], flags: JobFlags, io: OtaIo): Promise<void> {
  if ((flags.install === undefined) !== (flags.nothing === true)) {
    throw new AtalayaError('usage-invalid', 'say what is installed, with --install, or --nothing', {
      hint: 'For example: --install unit-1.2.0-r7-arm64.tar.zst',
    });
  }
  checkTrial(flags);
  const director = await withKeys(flags, io);
  for (const unit of units) {
    const job = jobOf(flags, io);
    await director.assign(unit, job);
    io.write(
      `${unit}: job ${job.id}, ${job.install.length === 0 ? 'nothing' : job.install.join(', ')}, until ${job.expires}`,
    );
  }
}

function jobOf(flags: JobFlags, io: OtaIo): UpdateJobInput {
  const now = io.clock.utc();
  const iso = (utc: number) => `${new Date(utc).toISOString().slice(0, 19)}Z`;
  const hex = (bytes: number) => Buffer.from(io.randomBytes(bytes)).toString('hex');
  const { hold, deadline, starts, notBefore, spread, window, bytesPerSecond, bytesPerDay } = flags;
  return {
    id: flags.id ?? `job-${iso(now).slice(0, 10)}-${hex(4)}`,
    install: [...(flags.install ?? [])],
    nonce: hex(16),
    issued: iso(now),
    expires: iso(now + flags.days * 86_400_000),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(spread === undefined ? {} : { spreadSeconds: spread }),
    ...(window === undefined ? {} : { windows: [...window] }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(bytesPerDay === undefined ? {} : { bytesPerDay }),
    trial: {
      ...(hold === undefined ? {} : { holdSeconds: hold }),
      ...(deadline === undefined ? {} : { deadlineSeconds: deadline }),
      ...(starts === undefined ? {} : { starts }),
    },
  };
}

/** Before anybody types a PIN: a trial that no program could pass. */
function checkTrial({ hold, deadline }: JobFlags): void {
  const usual = updateJob.shape.trial.parse(undefined);
  const [holdSeconds, deadlineSeconds] = [hold ?? usual.holdSeconds, deadline ?? usual.deadlineSeconds];
  if (holdSeconds < deadlineSeconds) return;
  throw new AtalayaError('usage-invalid', `a trial of ${deadlineSeconds} s is over before it could be confirmed`, {
    hint: `The self-test has to hold for ${holdSeconds} s (--hold): give a longer --deadline, or a shorter --hold.`,
  });
}

async function show(units: readonly string[], { repository }: RepositoryFlags, io: OtaIo): Promise<void> {
  const named = units.length > 0 ? units : await readDirector(repository, io.clock).units();
  for (const name of named) {
    const unit = parse(unitId, name, 'the name of the unit', 'document-refused');
    const chain = await readChain(systemFiles, placesIn(repository).unit(unit), `director/${unit}`);
    const job = chain === undefined ? undefined : fieldOf(chain)?.job;
    if (chain === undefined || job === undefined) {
      io.write(`${unit}: no job`);
      continue;
    }
    const { version, expires } = chain.timestamp.signed;
    io.write(`${unit}: job ${job.id}, ${job.install.join(', ') || 'nothing'}, until ${job.expires}`);
    io.write(`  targets ${chain.targets.signed.version}, timestamp ${version}, good until ${expires}`);
  }
  if (named.length === 0) io.note('No unit has a job.');
}

async function refresh(
  units: readonly string[],
  flags: DirectorFlags & { readonly adopt?: boolean },
  io: OtaIo,
): Promise<void> {
  const director = await withKeys(flags, io, flags.adopt === true);
  for (const unit of units.length > 0 ? units : await director.units()) {
    io.write(`${unit}: ${(await director.refresh(unit)) ? 'signed anew' : 'as it was'}`);
  }
}

async function stick(flags: JobFlags & { readonly unit: string; readonly out: string }, io: OtaIo): Promise<void> {
  if (flags.install !== undefined) await assign([flags.unit], flags, io);
  const { targets, until } = await makeStick(systemTreeFiles, flags.repository, flags.unit, flags.out);
  await letAnyoneRead(flags.out);
  for (const { target } of targets) io.write(target);
  io.write(`${flags.out}: good until ${until}`);
  io.note('Unmount the stick before you pull it out.');
}

/**
 * On a file system that keeps rights the unit's account is somebody else; nothing of an update is secret. Others refuse it, and need it not. What
 * lies there besides, or is only linked, is left as it is.
 */
async function letAnyoneRead(folder: string): Promise<void> {
  await allow(folder, 0o555);
  for (const room of [...repositoryNames, 'targets'].map((name) => join(folder, name))) {
    await allow(room, 0o555);
    const entries = await readdir(room, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isFile()) await allow(join(room, entry.name), 0o444);
  }
}

async function allow(path: string, more: number): Promise<void> {
  const now = await stat(path).catch(() => undefined);
  if (now !== undefined) await chmod(path, (now.mode | more) & 0o7777).catch(() => undefined);
}

/** A director with the keys that were given, each where its root names it. */
async function withKeys(flags: DirectorFlags, io: OtaIo, adopt = false): Promise<Director> {
  const signers = await openKeys(io, flags.key ?? []);
  const root = (await readRoots(systemFiles, flags.repository, 'director')).at(-1)?.signed;
  const of = (role: 'targets' | 'snapshot' | 'timestamp'): MetadataSigner => {
    const ids = root?.roles[role]?.keyIDs ?? [];
    const found = signers.find(({ keyId }) => ids.includes(keyId));
    if (found !== undefined) return found;
    throw new AtalayaError('key-missing', `no key is given that signs the director's ${role}`, {
      hint:
        root === undefined
          ? 'Publish the first root of the director.'
          : `Give --key for: ${ids.map(short).join(', ')}${signers.length === 0 ? '' : `; given: ${signers.map(({ keyId }) => short(keyId)).join(', ')}`}`,
    });
  };
  return openDirector({
    folder: flags.repository,
    keys: { targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') },
    clock: io.clock,
    lock: waitingLock(io.timer),
    adopt,
  });
}
