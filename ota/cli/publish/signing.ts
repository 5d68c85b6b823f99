import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { repositoryNames } from '../../contract/repository.ts';
import { fingerprintOf, isSame, readMetadata } from '../../repository/metadata.ts';
import { locked, placesIn, waitingLock } from '../../repository/repository-folder.ts';
import type { MetadataSigner } from '../../repository/signers/metadata-signer.ts';
import {
  collectSignatures,
  isSigned,
  keepStaged,
  readStaged,
  type Staged,
  signStaged,
  stagedIn,
  standingsOf,
  writeStaged,
} from '../../repository/staged.ts';
import { short, summaryOf } from '../../repository/summary.ts';
import type { OtaIo } from '../ota-io.ts';
import { keyHelp, openKey, readText } from './open-key.ts';
import { onRepository, type RepositoryFlags } from './repository.ts';

interface SignFlags {
  readonly key: string;
  readonly root?: string;
  readonly yes?: boolean;
}

/** Adds `sign`, which needs no repository, and `collect`. */
export function addSigning(root: Command, io: OtaIo): void {
  root
    .command('sign')
    .description('show what waits for signatures, and add one; works on a machine without the repository')
    .argument('<files...>', 'the staged files; the signature goes into each')
    .requiredOption('--key <key>', keyHelp)
    .option('--root <file>', 'the first root (1.root.json) as this key holder has kept it: refused below any other')
    .option('--yes', 'sign without being asked; what is signed was looked at before')
    .action((paths: readonly string[], flags: SignFlags) => sign(paths, flags, io));
  onRepository(root.command('collect'))
    .description('take over the signatures of staged files that were signed apart from each other')
    .argument('<files...>', 'as key holders have sent them back')
    .action((files: readonly string[], { repository }: RepositoryFlags) => collect(repository, files, io));
}

async function sign(paths: readonly string[], flags: SignFlags, io: OtaIo): Promise<void> {
  // All of them are read before the first is signed: a wrong name changes nothing.
  const read: { readonly file: string; readonly staged: Staged }[] = [];
  for (const file of paths) {
    const staged = readStaged(Buffer.from(await readText(file, 'document-refused')), file);
    if (flags.root !== undefined) await checkFirstRoot(staged, flags.root);
    read.push({ file, staged });
  }
  let signer: MetadataSigner | undefined;
  for (const { file, staged } of read) {
    if (read.length > 1) io.write(`${file}:`);
    for (const line of summaryOf(staged, file)) io.write(line);
    if (flags.yes !== true) await agree(io, fingerprintOf(staged.metadata));
    signer ??= await openKey(io, flags.key);
    // The same call again, after it was broken off, goes on with the rest.
    if (read.length > 1 && Object.hasOwn(staged.metadata.signatures, signer.keyId)) {
      io.note(`signed by ${signer.keyId} already`);
      continue;
    }
    await signStaged(staged, signer);
    await writeWholeFile(systemFiles, resolve(file), writeStaged(staged));
    io.write(`signed by ${signer.keyId}`);
    tellStanding(staged, io);
  }
  const last = paths.at(-1);
  if (last !== undefined && read.every(({ staged }) => isSigned(staged))) await tellNext(dirname(resolve(last)), io);
}

async function checkFirstRoot(staged: Staged, path: string): Promise<void> {
  const kept = readMetadata('root', Buffer.from(await readText(path, 'document-refused')), path);
  const first = staged.roots[0] ?? (staged.role === 'root' ? staged.metadata : staged.nextRoot);
  if (first !== undefined && isSame(first, kept)) return;
  throw new AtalayaError('document-refused', `this is below another first root than ${path}`, {
    hint: 'Sign nothing: it is of another repository, or somebody has made it up.',
  });
}

/** The first eight digits of the fingerprint, so that nobody agrees without having looked. */
async function agree(io: OtaIo, fingerprint: string): Promise<void> {
  const word = fingerprint.slice(0, 8);
  if (io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is there to be asked whether this is to be signed', {
      hint: 'Give --yes.',
    });
  }
  if ((await io.ask(`Type ${word} to sign this: `)).trim() === word) return;
  throw new AtalayaError('usage-invalid', 'not signed', { hint: 'Nothing was changed.' });
}

async function collect(repository: string, files: readonly string[], io: OtaIo): Promise<void> {
  await locked(systemFiles, repository, waitingLock(io.timer), async () => {
    for (const file of files) {
      const from = readStaged(Buffer.from(await readText(file, 'document-refused')), file);
      const into = await stagedIn(systemFiles, repository, from.repository, from.role);
      if (into === undefined) {
        throw new AtalayaError(
          'document-refused',
          `no ${from.role} of the ${from.repository} repository waits for signatures`,
          {
            hint: `Look into ${placesIn(repository).stagedFolder}`,
          },
        );
      }
      const added = collectSignatures(into, from);
      await keepStaged(systemFiles, repository, into);
      io.write(`${file}: ${added} ${added === 1 ? 'signature' : 'signatures'} more`);
      tellStanding(into, io);
    }
  });
  await tellNext(resolve(placesIn(repository).stagedFolder), io);
}

function tellStanding(staged: Staged, io: OtaIo): void {
  for (const { name, by, threshold, keys } of standingsOf(staged)) {
    const others = keys.filter((id) => !by.includes(id)).map(short);
    const more = by.length >= threshold ? '' : `; still to sign: ${threshold - by.length} of ${others.join(', ')}`;
    io.note(`${by.length} of ${threshold} signatures by ${name}${more}`);
  }
}

/** What goes on when a file has its signatures: what waits beside it for others, or that all can be published. */
async function tellNext(folder: string, io: OtaIo): Promise<void> {
  const above = dirname(folder);
  if (basename(folder) !== 'staged' || (await readWholeFile(systemFiles, placesIn(above).settings)) === undefined)
    return io.note('It has all its signatures: take it to the repository, atalaya-ota collect and publish');
  const waiting: string[] = [];
  for (const repository of repositoryNames) {
    for (const role of ['root', 'targets'] as const) {
      const staged = await stagedIn(systemFiles, above, repository, role);
      if (staged !== undefined && !isSigned(staged)) waiting.push(placesIn(above).staged(repository, role));
    }
  }
  io.note(
    waiting.length === 0
      ? `All that waits can be published: atalaya-ota publish -r ${above} --key OFFICE-KEY`
      : `Before it can be published, these still wait for signatures: ${waiting.join(' ')}`,
  );
}
