import { createPublicKey, type KeyObject } from 'node:crypto';
import { AtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';

/** Name of a key: hexadecimal SHA-256 of its SubjectPublicKeyInfo. */
export function listKeyId(key: KeyObject): string {
  return sha256(key.export({ format: 'der', type: 'spki' }));
}

/** The public key in a PEM text; `path` is for the message. Throws `key-invalid` for anything but one public Ed25519 key. */
export function parseListKey(pem: string, path: string): KeyObject {
  const invalid = (why: string, hint: string) => new AtalayaError('key-invalid', `${path} ${why}`, { hint });
  if (pem.includes('PRIVATE KEY')) {
    throw invalid(
      'holds a private key, and the lists are checked with the public one',
      'Name the public file that `atalaya-unit watch-list new-key` wrote beside it, and keep the private one away from the units.',
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw invalid('is no public key', 'Name a PEM file that begins with -----BEGIN PUBLIC KEY-----.');
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw invalid(
      `holds a key of the kind ${key.asymmetricKeyType}; watch lists are signed with Ed25519`,
      'Make one with: atalaya-unit watch-list new-key',
    );
  }
  return key;
}
