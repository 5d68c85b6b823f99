import { createPublicKey, type KeyObject } from 'node:crypto';
import { AtalayaError } from '../errors.ts';
import { sha256 } from '../hash.ts';

/** Name of a key: hexadecimal SHA-256 of its SubjectPublicKeyInfo. Of a private key, that of its public half. */
export function keyId(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return sha256(half.export({ format: 'der', type: 'spki' }));
}

/** The public Ed25519 key in a PEM text. Throws `key-invalid`, with `what` before the reason, for anything else, a private key too. */
export function publicKeyOf(pem: string, what: string): KeyObject {
  if (!pem.trimStart().startsWith('-----BEGIN PUBLIC KEY-----')) {
    throw new AtalayaError('key-invalid', `${what} is no public key in PEM`, {
      hint: 'It begins with -----BEGIN PUBLIC KEY-----; a private key stays with its owner.',
    });
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new AtalayaError('key-invalid', `${what} is no public key that can be read`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new AtalayaError(
    'key-invalid',
    `${what} is of the kind ${key.asymmetricKeyType}, and documents are signed with Ed25519`,
  );
}
