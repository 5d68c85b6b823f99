import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
  sign,
} from 'node:crypto';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { der, pemBlock } from '../identity/der.ts';

/** The private key of an authority, opened: ECDSA P-256. */
export interface AuthorityKey {
  readonly key: KeyObject;
  /** Hexadecimal SHA-256 of its SubjectPublicKeyInfo. */
  readonly fingerprint: string;
}

/** Fewer characters are guessed too fast once somebody has copied the stick. */
export const shortestPassphrase = 10;

/** As OWASP's Password Storage Cheat Sheet of 2023 has it for PBKDF2-HMAC-SHA256: about 0.2 s for each guess on one core. */
const rounds = 600_000;

export function makeAuthorityKey(): AuthorityKey {
  return authorityKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

/** Throws `usage-invalid`. */
export function checkPassphrase(passphrase: string): string {
  if ([...passphrase].length >= shortestPassphrase) return passphrase;
  throw new AtalayaError('usage-invalid', `a passphrase has at least ${shortestPassphrase} characters`, {
    hint: 'Take four or five words that do not belong together.',
  });
}

/**
 * PEM of the key: PKCS#8, encrypted with PBES2 (RFC 8018: PBKDF2 with HMAC-SHA-256, AES-256-CBC), or in clear without a passphrase. Node's
 * own export derives the key with 2048 rounds, which is too few for a key that travels on a stick.
 */
export function writeAuthorityKey({ key }: AuthorityKey, passphrase: string | undefined): string {
  const plain = key.export({ format: 'der', type: 'pkcs8' });
  if (passphrase === undefined) return pemBlock('PRIVATE KEY', plain);
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(passphrase, salt, rounds, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const derivation = der.sequence(
    der.oid('1.2.840.113549.1.5.12'),
    der.sequence(
      der.octets(salt),
      der.integer(rounds),
      der.integer(32),
      der.sequence(der.oid('1.2.840.113549.2.9'), der.null()),
    ),
  );
  const scheme = der.sequence(der.oid('2.16.840.1.101.3.4.1.42'), der.octets(iv));
  const algorithm = der.sequence(der.oid('1.2.840.113549.1.5.13'), der.sequence(derivation, scheme));
  return pemBlock('ENCRYPTED PRIVATE KEY', der.sequence(algorithm, der.octets(encrypted)));
}

export const isEncrypted = (pem: string): boolean => pem.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----');

/** Throws `key-wrong` for another passphrase, `key-invalid` for what is no key of an authority; `what` names it. */
export function readAuthorityKey(pem: string, passphrase: string | undefined, what: string): AuthorityKey {
  if (isEncrypted(pem) && passphrase === undefined) {
    throw new AtalayaError('key-wrong', `${what} is encrypted, and no passphrase was given`, {
      hint: 'Give --passphrase-file, or start this from a terminal where you can type it.',
    });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, ...(isEncrypted(pem) ? { passphrase: passphrase ?? '' } : {}) });
  } catch (error) {
    if (isEncrypted(pem)) {
      throw new AtalayaError('key-wrong', `this passphrase does not open ${what}`, {
        hint: 'Type it again, and look at the keyboard layout; nothing was changed.',
        cause: error,
      });
    }
    throw damaged(what, error);
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw damaged(what);
  return authorityKey(key);
}

/** ECDSA with SHA-256, ASN.1 DER. */
export const signWithAuthority = ({ key }: AuthorityKey, message: Uint8Array): Buffer => sign('sha256', message, key);

function authorityKey(key: KeyObject): AuthorityKey {
  return { key, fingerprint: sha256(createPublicKey(key).export({ format: 'der', type: 'spki' })) };
}

function damaged(what: string, cause?: unknown): AtalayaError {
  return new AtalayaError('key-invalid', `${what} cannot be read as a P-256 key`, {
    hint: 'Put back the copy that was kept of the folder.',
    ...(cause === undefined ? {} : { cause }),
  });
}
