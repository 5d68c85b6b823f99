import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { AtalayaError } from '../../kernel/errors.ts';
import { type KeyAlgorithm, keyId, trialMessage } from './keystore.ts';

/** A private key in memory, with what its public half is called. */
export interface SigningKey {
  readonly algorithm: KeyAlgorithm;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  readonly id: string;
}

const block = /^\s*-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----\s*$/;

/** Command lines that make a key file at `path`, as a hint. */
export function howToMake(path: string): string {
  return `Make one with: (umask 077; openssl genpkey -algorithm ed25519 -out ${path})`;
}

/**
 * The key of a PEM file: one PKCS#8 block (RFC 5958, RFC 7468 §10), not encrypted, Ed25519 or P-256, whose public half belongs to
 * the private one. Throws `key-invalid` for anything else; `path` is for the message.
 */
export function parseKeyPem(pem: Buffer, path: string): SigningKey {
  const text = pem.toString('latin1');
  const label = block.exec(text)?.[1];
  if (text.includes('ENCRYPTED')) {
    throw new AtalayaError('key-invalid', `the key in ${path} is encrypted`, {
      hint: `Write it without a passphrase: openssl pkcs8 -topk8 -nocrypt -in ${path} -out KEY. A unit starts without anybody beside it.`,
    });
  }
  if (label === undefined) throw damaged(path, 'it is not one whole PEM block');
  if (label !== 'PRIVATE KEY') {
    throw new AtalayaError('key-invalid', `${path} holds a ${label}, not a PKCS#8 private key`, {
      hint: label.endsWith('PRIVATE KEY')
        ? `Convert it: openssl pkcs8 -topk8 -nocrypt -in ${path} -out KEY`
        : howToMake('KEY'),
    });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', type: 'pkcs8' });
  } catch (error) {
    throw damaged(path, 'its content cannot be decoded', error);
  }
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) {
    const found = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown';
    throw new AtalayaError('key-invalid', `the key in ${path} is of the kind ${found}; Ed25519 or P-256 is wanted`, {
      hint: howToMake('KEY'),
    });
  }
  return signingKey(key, algorithm, path);
}

/** Names a private key by its public half, and tries it. Throws `key-invalid` where the two halves are not of one key. */
export function signingKey(key: KeyObject, algorithm: KeyAlgorithm, path: string): SigningKey {
  let whole: boolean;
  let spki: Buffer;
  try {
    const publicKey = createPublicKey(key);
    spki = publicKey.export({ format: 'der', type: 'spki' });
    // A P-256 file states its public point beside the secret, and nothing else compares the two.
    whole = verify(digestOf(algorithm), trialMessage, publicKey, signWith(key, algorithm, trialMessage));
  } catch (error) {
    throw damaged(path, 'its key cannot be used', error);
  }
  if (!whole) throw damaged(path, 'its public half does not belong to its private one');
  return { algorithm, key, spki, id: keyId(spki) };
}

/** Ed25519: 64 bytes over the message. P-256: ECDSA with SHA-256, which Node gives as ASN.1 DER. */
export function signWith(key: KeyObject, algorithm: KeyAlgorithm, message: Uint8Array): Buffer {
  return sign(digestOf(algorithm), message, key);
}

function digestOf(algorithm: KeyAlgorithm): 'sha256' | null {
  return algorithm === 'p256' ? 'sha256' : null;
}

function algorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'p256' : undefined;
}

function damaged(path: string, why: string, cause?: unknown): AtalayaError {
  return new AtalayaError('key-invalid', `the key file ${path} is damaged: ${why}`, {
    hint: 'Put back the copy that was kept of it; a new key is another signer, which auditors have to be told of.',
    ...(cause === undefined ? {} : { cause }),
  });
}
