import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storeFault } from '../../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { isEncrypted, readPrivateKey, writePrivateKey } from './encrypted-pem.ts';
import { keyIdOf, type MetadataSigner, type PublicMetadataKey, publicMetadataKeyOf } from './metadata-signer.ts';

/** Keys in PEM files that their owner alone may read. */

export type KeyKind = 'ed25519' | 'p256';

/**
 * Makes a key and writes it durably with the mode 0600; nothing may stand at `path`. Throws `key-exists`, `usage-invalid` for a short
 * passphrase, and as `writeWholeFile` does.
 */
export async function makeKeyFile(
  path: string,
  kind: KeyKind,
  passphrase: string | undefined,
  randomBytes: (length: number) => Uint8Array,
): Promise<PublicMetadataKey> {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = writePrivateKey(privateKey, passphrase, randomBytes);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(pem);
      await file.sync();
    } catch (error) {
      await unlink(path).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    await systemFiles.syncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      throw new AtalayaError('key-exists', `${path} exists already`, {
        hint: 'A key is never overwritten: name another file.',
      });
    }
    throw storeFault(error, `cannot write ${path}`);
  }
  return publicMetadataKeyOf(privateKey, path);
}

/**
 * Opens a key. `passphrase` is asked for one that is encrypted only. Throws `key-missing`, `key-invalid` (also where others may read a key
 * that is in clear), `key-wrong`.
 */
export async function openKeyFile(path: string, passphrase: () => Promise<string>): Promise<MetadataSigner> {
  const pem = await readSecret(path);
  const key = readPrivateKey(pem, isEncrypted(pem) ? await passphrase() : undefined, path);
  return signerOf(key, path);
}

function signerOf(key: KeyObject, what: string): MetadataSigner {
  const publicKey = publicMetadataKeyOf(key, what);
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: async (bytes) => sign(publicKey.keytype === 'ed25519' ? null : 'sha256', bytes, key),
  };
}

async function readSecret(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > 64 * 1024) {
        throw new AtalayaError('key-invalid', `${path} is no key file`, { hint: 'Name a PEM file.' });
      }
      const pem = await file.readFile('utf8');
      // A stick has the mode of its file system (FAT), which nobody can change: encrypted keys may travel on one.
      if (!isEncrypted(pem) && (stat.mode & 0o077) !== 0) {
        const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
        throw new AtalayaError('key-invalid', `others may read the key ${path}, which is in clear (mode ${mode})`, {
          hint: `Run: chmod 600 ${path}`,
        });
      }
      return pem;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new AtalayaError('key-missing', `there is no key at ${path}`, {
        hint: 'Check --key, and whether the stick is mounted.',
      });
    }
    throw storeFault(error, `cannot read ${path}`);
  }
}
