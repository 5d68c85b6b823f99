import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';

/** The private key of a unit's certificate: ECDSA P-256, held in a file of mode 0600. */
export interface UnitKey {
  /** PKCS#8, PEM, not encrypted: a unit starts with nobody beside it. */
  readonly pem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** Hexadecimal SHA-256 of `spki`. */
  readonly fingerprint: string;
  /** ECDSA with SHA-256, ASN.1 DER. */
  sign(message: Uint8Array): Buffer;
}

export function makeUnitKey(): UnitKey {
  return unitKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

/** Throws `key-invalid` for anything but one P-256 key in PEM; `path` is for the message. */
export function readUnitKey(pem: string, path: string): UnitKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw new AtalayaError('key-invalid', `the key of this unit, ${path}, cannot be read`, {
      hint: 'Have the unit wiped (atalaya-provision unit wipe) and enrolled anew: its certificate is of no use without the key.',
      cause: error,
    });
  }
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return unitKey(key);
  throw new AtalayaError('key-invalid', `the key of this unit, ${path}, is of another kind than P-256`, {
    hint: 'Have the unit wiped (atalaya-provision unit wipe) and enrolled anew.',
  });
}

function unitKey(key: KeyObject): UnitKey {
  const spki = spkiOf(createPublicKey(key));
  return {
    pem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    spki,
    fingerprint: sha256(spki),
    sign: (message) => sign('sha256', message, key),
  };
}

export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}
