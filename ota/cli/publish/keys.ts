import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { repositoryNames } from '../../contract/repository.ts';
import { keysOf } from '../../repository/begin-repository.ts';
import { roles } from '../../repository/metadata.ts';
import { readRoots, readSettings } from '../../repository/repository-folder.ts';
import { type KeyKind, makeKeyFile } from '../../repository/signers/key-files.ts';
import { keyIdOf, type PublicMetadataKey, writePublicKey } from '../../repository/signers/metadata-signer.ts';
import { makeTokenKey } from '../../repository/signers/pkcs11-tool.ts';
import { readTokenKey } from '../../repository/signers/pkcs11-uri.ts';
import { stagedIn } from '../../repository/staged.ts';
import type { OtaIo } from '../ota-io.ts';
import { keyHelp, newPassphrase, openKey, pinOf, readPublicFile } from './open-key.ts';
import { choice } from './words.ts';

interface NewFlags {
  readonly out?: string;
  readonly token?: string;
  readonly public?: string;
  readonly kind: KeyKind;
  readonly passphrase: boolean;
}

/** Adds `keys`: the keys that sign metadata, each with its own holder. */
export function addKeys(root: Command, io: OtaIo): void {
  const keys = root.command('keys').description('keys that sign the metadata of updates');
  keys
    .command('new')
    .description('make a key, in a file or in a token; NAME.pub.json beside it is what its holder hands out')
    .option('--out <file>', 'PEM file of the key; nothing stands there yet')
    .option('--token <uri>', 'make it in a token instead: pkcs11:token=LABEL;id=%01?module-path=LIBRARY')
    .option('--public <file>', 'where the public half goes')
    .option('--kind <kind>', 'ed25519 or p256; a token makes p256', choice('ed25519', 'p256'), 'ed25519')
    .option('--no-passphrase', 'leave the file in clear: for keys that a timer signs with')
    .action((flags: NewFlags) => makeKey(flags, io));
  keys
    .command('show')
    .description('show the public half of a key')
    .argument('<key>', `${keyHelp}, or NAME.pub.json`)
    .option('--public <file>', 'write it there, to be handed out')
    .action(async (name: string, flags: { readonly public?: string }) => {
      const key = name.endsWith('.json') ? await readPublicFile(name) : (await openKey(io, name)).publicKey;
      await tell(io, key, flags.public);
    });
  keys
    .command('list')
    .description('list who signs what in a repository')
    .argument('[folder]', 'of the repository', '.')
    .action((folder: string) => listKeys(folder, io));
}

async function makeKey(flags: NewFlags, io: OtaIo): Promise<void> {
  if ((flags.out === undefined) === (flags.token === undefined)) {
    throw new AtalayaError('usage-invalid', 'say where the key is made, with --out or with --token', {
      hint: 'For example: atalaya-ota keys new --out anna.pem',
    });
  }
  if (flags.token !== undefined) {
    const where = readTokenKey(flags.token);
    if (flags.public === undefined) {
      throw new AtalayaError('usage-invalid', 'say where the public half goes, with --public', {
        hint: 'For example: --public anna.pub.json',
      });
    }
    return tell(io, await makeTokenKey(where, () => pinOf(io, where)), flags.public);
  }
  const out = flags.out ?? '';
  const passphrase = flags.passphrase ? await newPassphrase(io) : undefined;
  const key = await makeKeyFile(resolve(out), flags.kind, passphrase, io.randomBytes);
  io.write(out);
  await tell(io, key, flags.public ?? `${out.replace(/\.pem$/, '')}.pub.json`);
}

async function tell(io: OtaIo, key: PublicMetadataKey, out: string | undefined): Promise<void> {
  if (out !== undefined) {
    await writeWholeFile(systemFiles, resolve(out), Buffer.from(writePublicKey(key)));
    io.write(out);
  }
  io.write(`key ${keyIdOf(key)} (${key.keytype})`);
}

async function listKeys(folder: string, io: OtaIo): Promise<void> {
  await readSettings(systemFiles, folder);
  for (const repository of repositoryNames) {
    const newest = (await readRoots(systemFiles, folder, repository)).at(-1);
    const staged = await stagedIn(systemFiles, folder, repository, 'root');
    for (const [what, root] of [
      ['published', newest],
      ['staged', staged?.metadata],
    ] as const) {
      if (root === undefined) continue;
      io.write(`${repository} root ${root.signed.version}, ${what}`);
      const keys = keysOf(root.signed);
      for (const role of roles) {
        io.write(`  ${role}: ${keys[role].threshold} of ${keys[role].keys.length}`);
        for (const key of keys[role].keys) io.write(`    ${keyIdOf(key)} (${key.keytype})`);
      }
    }
  }
}
