import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { Authority, type AuthorityTools } from '../ca/authority.ts';
import { beginAuthority } from '../ca/begin-authority.ts';
import type { HolderKind } from '../ca/names.ts';
import { type SignedHolder, signHolder } from '../ca/sign-holder.ts';
import { readSigningRequest } from '../ca/signing-request.ts';
import { type FolderFiles, secretFolders } from '../identity/folder-files.ts';
import { makeSigningRequest } from '../identity/signing-request.ts';
import { makeUnitKey, type UnitKey } from '../identity/unit-keys.ts';

export const day = 86_400_000;

export const noLock: AuthorityTools['lock'] = async () => ({ release: async () => {} });

export function testTools(clock = new ManualClock(Date.now()), files: FolderFiles = secretFolders): AuthorityTools {
  return { files, clock, randomBytes, lock: noLock };
}

/** An authority without passphrase in a folder that is not there yet, opened. */
export async function madeAuthority(folder: string, tools = testTools(), name = 'A fleet'): Promise<Authority> {
  await beginAuthority({ folder, name, passphrase: undefined, rootDays: 7300, days: 1825 }, tools);
  return Authority.open(folder, tools);
}

export interface Holder {
  readonly key: UnitKey;
  readonly signed: SignedHolder;
}

/** Signs a new key, or the one that is given, as somebody. */
export async function signed(
  authority: Authority,
  name: string,
  {
    kind = 'unit',
    key = makeUnitKey(),
    days = 365,
    hosts = [],
  }: { kind?: HolderKind; key?: UnitKey; days?: number; hosts?: string[] } = {},
): Promise<Holder> {
  const request = await readSigningRequest(await makeSigningRequest({ serial: 'S1' }, key), kind);
  return {
    key,
    signed: await signHolder(authority, await authority.unlock(undefined), { kind, name, request, days, hosts }),
  };
}

/** Runs openssl; what it said on both outputs, and whether it was content. */
export async function openssl(...args: readonly string[]): Promise<{ readonly good: boolean; readonly said: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)('openssl', [...args]);
    return { good: true, said: stdout + stderr };
  } catch (error) {
    if (error instanceof Error && 'stderr' in error && 'stdout' in error) {
      return { good: false, said: `${error.stdout}${error.stderr}` };
    }
    throw error;
  }
}

/** As a broker does: the chain that a client sends, the authorities, the list of what is revoked. */
export function opensslVerify(
  folder: string,
  certificate: string,
  { at, untrusted }: { readonly at?: number; readonly untrusted?: string } = {},
) {
  return openssl(
    'verify',
    '-crl_check',
    ...(at === undefined ? [] : ['-attime', String(Math.floor(at / 1000))]),
    ...['-CAfile', join(folder, 'ca.pem'), '-CRLfile', join(folder, 'crl.pem')],
    ...(untrusted === undefined ? [] : ['-untrusted', untrusted]),
    certificate,
  );
}

export const otherKinds: Readonly<Record<string, () => KeyObject>> = {
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  secp256k1: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  'RSA 1024': () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};
