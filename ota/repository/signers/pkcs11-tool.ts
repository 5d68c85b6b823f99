import { execFile } from 'node:child_process';
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { keyIdOf, type MetadataSigner, type PublicMetadataKey, publicMetadataKeyOf } from './metadata-signer.ts';
import type { TokenKey } from './pkcs11-uri.ts';

/**
 * ECDSA P-256 keys in a token (smart card, HSM, SoftHSM), through `pkcs11-tool` of OpenSC. The private half never leaves the token; the PIN
 * goes to the program by its environment, which only the same user can read, never by its arguments.
 */

/** A touch of a token, or a slow card. */
const patience = 60_000;
/** Name of the variable that the PIN is handed on by. */
const pinVariable = 'ATALAYA_TOKEN_PIN';

/** Makes a key pair in the token. Throws `key-exists` where the id is in use, and as `openTokenKey` and `sign` do. */
export async function makeTokenKey(where: TokenKey, pin: () => Promise<string>): Promise<PublicMetadataKey> {
  const there = await readPublic(where).catch((error: unknown) => {
    if (error instanceof AtalayaError && error.code === 'key-missing') return undefined;
    throw error;
  });
  if (there !== undefined) {
    throw new AtalayaError('key-exists', `the token ${where.token} has a key ${where.id} already`, {
      hint: 'Name another id; a key is never overwritten.',
    });
  }
  const label = where.object === undefined ? [] : ['--label', where.object];
  await tool(
    where,
    ['--login', '--keypairgen', '--key-type', 'EC:prime256v1', '--usage-sign', '--id', where.id, ...label],
    await pin(),
  );
  return publicMetadataKeyOf(await readPublic(where), nameOf(where));
}

/** Throws `key-missing`, `key-invalid` for another kind of key, `key-unavailable`, `program-missing`. The PIN is asked for once, at the first signature. */
export async function openTokenKey(where: TokenKey, pin: () => Promise<string>): Promise<MetadataSigner> {
  const key = await readPublic(where);
  const publicKey = publicMetadataKeyOf(key, nameOf(where));
  if (publicKey.keytype !== 'ecdsa') {
    throw new AtalayaError('key-invalid', `${nameOf(where)} is no P-256 key`, {
      hint: 'Make one with: atalaya-ota keys new --token URI',
    });
  }
  let asked: Promise<string> | undefined;
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: async (bytes) => {
      asked ??= pin();
      return signInToken(where, key, bytes, await asked);
    },
  };
}

async function signInToken(where: TokenKey, key: KeyObject, bytes: Uint8Array, pin: string): Promise<Buffer> {
  return inScratch(async (at) => {
    // SoftHSM, and many cards, sign a digest only (CKM_ECDSA).
    await writeFile(at('digest'), createHash('sha256').update(bytes).digest());
    const words = ['--login', '--sign', '--mechanism', 'ECDSA', '--signature-format', 'openssl', '--id', where.id];
    await tool(where, [...words, '--input-file', at('digest'), '--output-file', at('signature')], pin);
    const signature = await readFile(at('signature'));
    if (!verify('sha256', bytes, key, signature)) {
      throw new AtalayaError('key-mismatch', `${nameOf(where)} has signed with another key than it shows`, {
        hint: 'Look with pkcs11-tool -O whether two keys of this token have the same id.',
      });
    }
    return signature;
  });
}

function readPublic(where: TokenKey): Promise<KeyObject> {
  return inScratch(async (at) => {
    await tool(where, ['--read-object', '--type', 'pubkey', '--id', where.id, '--output-file', at('public')]);
    try {
      return createPublicKey({ key: await readFile(at('public')), format: 'der', type: 'spki' });
    } catch (cause) {
      throw new AtalayaError('key-invalid', `the public half of ${nameOf(where)} cannot be read`, { cause });
    }
  });
}

async function tool(where: TokenKey, words: readonly string[], pin?: string): Promise<void> {
  const args = ['--module', where.module, '--token-label', where.token, ...words];
  const secret = pin === undefined ? {} : { [pinVariable]: pin };
  await new Promise<void>((resolve, reject) => {
    execFile(
      'pkcs11-tool',
      pin === undefined ? args : [...args, '--pin', `env:${pinVariable}`],
      { env: { ...process.env, LC_ALL: 'C', ...secret }, timeout: patience, maxBuffer: 1024 * 1024 },
      (error, _out, said) => {
        if (error === null) resolve();
        else reject(faultOf(error, said, where));
      },
    );
  });
}

function faultOf(error: Error, said: string, where: TokenKey): AtalayaError {
  if (systemCode(error) === 'ENOENT') {
    return new AtalayaError('program-missing', 'pkcs11-tool is not installed', { hint: 'Install opensc.' });
  }
  if (/CKR_PIN_(INCORRECT|INVALID|LEN_RANGE)/.test(said)) {
    return new AtalayaError('key-wrong', `this PIN does not open the token ${where.token}`, {
      hint: 'Type it again; a token locks itself after a few wrong ones.',
    });
  }
  if (said.includes('CKR_PIN_LOCKED')) {
    return new AtalayaError('key-wrong', `the token ${where.token} has locked itself after wrong PINs`, {
      hint: 'Unlock it with its SO PIN, by the tool of its maker.',
    });
  }
  if (/object not found|Private key not found/.test(said)) {
    return new AtalayaError('key-missing', `there is no ${nameOf(where)}`, {
      hint: 'Look with: pkcs11-tool --module MODULE -O',
    });
  }
  if (/No slot with token|No slot with a token/.test(said)) {
    return new AtalayaError('key-unavailable', `no token ${where.token} is there`, {
      hint: 'Put it in, and look with: pkcs11-tool --module MODULE -T',
    });
  }
  const last = said.trim().split('\n').slice(0, 2).join('; ').slice(0, 300);
  return new AtalayaError('key-unavailable', `the token ${where.token} does not answer: ${last}`, {
    hint: 'Check module-path, and whether the token is in.',
  });
}

const nameOf = ({ token, id }: TokenKey): string => `key ${id} of the token ${token}`;

/** Only digests, public keys and signatures pass through it. */
async function inScratch<T>(work: (at: (name: string) => string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-token-'));
  try {
    return await work((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
