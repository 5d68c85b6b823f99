import { readFile } from 'node:fs/promises';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { openKeyFile } from '../../repository/signers/key-files.ts';
import {
  type MetadataSigner,
  type PublicMetadataKey,
  readPublicKey,
} from '../../repository/signers/metadata-signer.ts';
import { openTokenKey } from '../../repository/signers/pkcs11-tool.ts';
import { isTokenKey, readTokenKey, type TokenKey } from '../../repository/signers/pkcs11-uri.ts';
import type { OtaIo } from '../ota-io.ts';

/** Keys as a person names them: a PEM file, or the URI of a key in a token. */

export const keyHelp = 'a PEM file, or pkcs11:token=LABEL;id=%01?module-path=LIBRARY';

/** Throws as `openKeyFile` and `openTokenKey` do. */
export async function openKey(io: OtaIo, name: string): Promise<MetadataSigner> {
  if (isTokenKey(name)) {
    const where = readTokenKey(name);
    return openTokenKey(where, () => pinOf(io, where));
  }
  if (name.endsWith('.json')) {
    throw new AtalayaError('key-invalid', `${name} is the public half: give the .pem`, {
      hint: 'The private half stays with its holder, as a .pem or in a token.',
    });
  }
  return openKeyFile(name, () => passphraseOf(io, name));
}

export async function openKeys(io: OtaIo, names: readonly string[]): Promise<readonly MetadataSigner[]> {
  const signers: MetadataSigner[] = [];
  for (const name of names) signers.push(await openKey(io, name));
  return signers;
}

/** From the file that the URI names, the environment, or a person. Throws `key-wrong`, `usage-invalid`. */
export async function pinOf(io: OtaIo, { token, pinFile }: TokenKey): Promise<string> {
  if (pinFile !== undefined) return firstLine(pinFile);
  const { ATALAYA_PIN: given } = io.environment;
  if (given !== undefined && given !== '') return given;
  if (io.askSecret !== undefined) return io.askSecret(`PIN of the token ${token}: `);
  throw new AtalayaError('key-wrong', `the token ${token} needs a PIN, and nobody is there to type it`, {
    hint: 'Put it into ATALAYA_PIN, or name a file in the URI: &pin-source=file:/PATH',
  });
}

async function passphraseOf(io: OtaIo, name: string): Promise<string> {
  const { ATALAYA_PASSPHRASE: given } = io.environment;
  if (given !== undefined && given !== '') return given.normalize('NFC');
  if (io.askSecret !== undefined) return (await io.askSecret(`Passphrase of ${name}: `)).normalize('NFC');
  throw new AtalayaError('key-wrong', `${name} is encrypted, and nobody is there to type its passphrase`, {
    hint: 'Put it into ATALAYA_PASSPHRASE, or start this from a terminal.',
  });
}

/** For a new key; typed twice. Throws `usage-invalid`. */
export async function newPassphrase(io: OtaIo): Promise<string> {
  const { ATALAYA_PASSPHRASE: given } = io.environment;
  if (given !== undefined && given !== '') return given.normalize('NFC');
  if (io.askSecret === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is there to type a passphrase', {
      hint: 'Put it into ATALAYA_PASSPHRASE, or leave the key in clear with --no-passphrase.',
    });
  }
  const first = (await io.askSecret('New passphrase: ')).normalize('NFC');
  if (first === (await io.askSecret('The same again: ')).normalize('NFC')) return first;
  throw new AtalayaError('usage-invalid', 'the two passphrases are not the same', {
    hint: 'Nothing was made; begin again.',
  });
}

/** The public half that a key holder hands out. Throws `key-missing`, `key-invalid`. */
export async function readPublicFile(path: string): Promise<PublicMetadataKey> {
  return readPublicKey(await readText(path, 'key-missing'), path);
}

export async function readText(path: string, missing: 'key-missing' | 'document-refused'): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'EISDIR')
      throw new AtalayaError(missing, `${path} is a folder: name a file in it`, { hint: `Look with: ls ${path}` });
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new AtalayaError(missing, `${path} ${why}`, { hint: 'Check the path, and whether the stick is mounted.' });
  }
}

const firstLine = async (path: string): Promise<string> =>
  ((await readText(path, 'key-missing')).split('\n')[0] ?? '').replace(/\r$/, '');
