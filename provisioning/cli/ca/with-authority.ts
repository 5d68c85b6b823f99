import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { Authority, type AuthorityTools } from '../../ca/authority.ts';
import { secretFolders } from '../../identity/folder-files.ts';
import type { ProvisionIo } from '../provision-io.ts';
import { writingTo } from '../write-output.ts';
import { givenPassphrase, onPassphrase, type PassphraseFlags } from './passphrase.ts';

export interface AuthorityFlags extends PassphraseFlags {
  readonly ca: string;
}

export const onAuthority = (command: Command): Command =>
  command.requiredOption('--ca <folder>', 'the folder of the authority');

/** For what needs the authority's key. */
export const onAuthorityKey = (command: Command): Command => onPassphrase(onAuthority(command));

export const toolsOf = ({ clock, randomBytes }: ProvisionIo): AuthorityTools => ({
  files: secretFolders,
  clock,
  randomBytes,
  lock: (folder) => FolderLock.take(folder),
});

/** Opens the authority for `work`, for this process alone, and closes it. */
export async function withAuthority<T>(
  io: ProvisionIo,
  { ca }: Pick<AuthorityFlags, 'ca'>,
  work: (authority: Authority) => Promise<T>,
): Promise<T> {
  return await writingTo(ca, async () => {
    const authority = await Authority.open(resolve(ca), toolsOf(io));
    try {
      return await work(authority);
    } finally {
      await authority.close();
    }
  });
}

/** Asks for the passphrase of the authority that signs, where it has one. */
export async function passphraseOf(
  io: ProvisionIo,
  authority: Authority,
  { passphraseFile }: PassphraseFlags,
): Promise<string | undefined> {
  return (await authority.encrypted()) ? givenPassphrase(io, passphraseFile, 'the authority') : undefined;
}
