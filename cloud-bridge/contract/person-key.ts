import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { keyId } from '../../device/kernel/signed/key-id.ts';
import type { DocumentSigner } from '../../device/kernel/signed/sign-document.ts';

/** A key pair of a person, or the root key over all of them: Ed25519. */
export interface PersonKey {
  /** PKCS #8. Whoever has it acts in the person's name. */
  readonly privatePem: string;
  /** SubjectPublicKeyInfo; goes into the trust document. */
  readonly publicPem: string;
  /** Hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
  readonly id: string;
}

export function makePersonKey(): PersonKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    id: keyId(publicKey),
  };
}

/** Signs with a private key in a PEM text. Throws `key-invalid` for anything but one Ed25519 key that is not encrypted. */
export function signerOf(privatePem: string): DocumentSigner {
  let key: KeyObject;
  try {
    key = createPrivateKey(privatePem);
  } catch {
    throw new AtalayaError('key-invalid', 'this is no private key that can be read', {
      hint: 'Name a PEM file that begins with -----BEGIN PRIVATE KEY-----.',
    });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new AtalayaError(
      'key-invalid',
      `the key is of the kind ${key.asymmetricKeyType}, and documents are signed with Ed25519`,
    );
  }
  return { id: keyId(key), sign: async (message) => sign(null, message, key) };
}
