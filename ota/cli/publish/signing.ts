import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { fingerprintOf, isSame, readMetadata } from '../../repository/metadata.ts';
import { locked, placesIn, waitingLock } from '../../repository/repository-folder.ts';
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
    .argument('<file>', 'the staged file; the signature goes into it')
    .requiredOption('--key <key>', keyHelp)
    .option('--root <file>', 'the first root (1.root.json) as this key holder has kept it: refused below any other')
    .option('--yes', 'sign without being asked; what is signed was looked at before')
    .action((file: string, flags: SignFlags) => sign(file, flags, io));
  onRepository(root.command('collect'))
    .description('take over the signatures of staged files that were signed apart from each other')
    .argument('<files...>', 'as key holders have sent them back')
    .action((files: readonly string[], { repository }: RepositoryFlags) => collect(repository, files, io));
}

async function sign(file: string, flags: SignFlags, io: OtaIo): Promise<void> {
  const staged = readStaged(Buffer.from(await readText(file, 'document-refused')), file);
  if (flags.root !== undefined) await checkFirstRoot(staged, flags.root);
  for (const line of summaryOf(staged, file)) io.write(line);
  if (flags.yes !== true) await agree(io, fingerprintOf(staged.metadata));
  const signer = await openKey(io, flags.key);
  await signStaged(staged, signer);
  await writeWholeFile(systemFiles, resolve(file), writeStaged(staged));
  io.write(`signed by ${signer.keyId}`);
  tellStanding(staged, io);
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
}

function tellStanding(staged: Staged, io: OtaIo): void {
  for (const { name, by, threshold, keys } of standingsOf(staged)) {
    const others = keys.filter((id) => !by.includes(id)).map(short);
    const more = by.length >= threshold ? '' : `; still to sign: ${threshold - by.length} of ${others.join(', ')}`;
    io.note(`${by.length} of ${threshold} signatures by ${name}${more}`);
  }
  if (isSigned(staged)) io.note('It can be published: atalaya-ota publish');
}
