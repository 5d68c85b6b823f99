import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Swtpm } from './swtpm.ts';

/** Puts a storage key, which signs nothing, at the handle. */
export async function makeStorageKey(tool: Swtpm['tool'], handle: string): Promise<void> {
  await inFolder(async (folder) => {
    const primary = await makePrimary(tool, folder);
    await keep(tool, primary, handle);
  });
}

/** Puts a signing key at the handle that has a password, and whose wrong ones the TPM counts. */
export async function makeGuardedKey(tool: Swtpm['tool'], handle: string): Promise<void> {
  await inFolder(async (folder) => {
    const primary = await makePrimary(tool, folder);
    const [made, secret, loaded] = [join(folder, 'public'), join(folder, 'secret'), join(folder, 'loaded')];
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign';
    const key = ['-p', 'password', '-G', 'ecc256:ecdsa-sha256', '-a', attributes];
    await tool('tpm2_create', '-Q', '-C', primary, ...key, '-u', made, '-r', secret);
    await tool('tpm2_flushcontext', '-t');
    await tool('tpm2_load', '-Q', '-C', primary, '-u', made, '-r', secret, '-c', loaded);
    await tool('tpm2_flushcontext', '-t');
    await keep(tool, loaded, handle);
  });
}

async function makePrimary(tool: Swtpm['tool'], folder: string): Promise<string> {
  const primary = join(folder, 'primary');
  await tool('tpm2_createprimary', '-Q', '-C', 'o', '-G', 'ecc', '-c', primary);
  await tool('tpm2_flushcontext', '-t');
  return primary;
}

async function keep(tool: Swtpm['tool'], loaded: string, handle: string): Promise<void> {
  await tool('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', loaded, handle);
  await tool('tpm2_flushcontext', '-t');
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-foreign-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
