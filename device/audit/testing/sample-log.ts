import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A log and a signer as small as they can be, for packs that tests make: slow, plain, and by the definitions of RFC 9162. */

const sha = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const leafHash = (leaf: Uint8Array): Buffer => sha(Buffer.from([0]), leaf);
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha(Buffer.from([1]), left, right);

/** The largest power of two below a number above 1. */
const split = (size: number): number => 2 ** Math.floor(Math.log2(size - 1));

export function rootOf(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (only === undefined) return sha();
  if (hashes.length === 1) return only;
  const k = split(hashes.length);
  return nodeHash(rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)));
}

/** RFC 9162, 2.1.3.1. */
export function inclusionOf(index: number, hashes: readonly Buffer[]): Buffer[] {
  if (hashes.length <= 1) return [];
  const k = split(hashes.length);
  return index < k
    ? [...inclusionOf(index, hashes.slice(0, k)), rootOf(hashes.slice(k))]
    : [...inclusionOf(index - k, hashes.slice(k)), rootOf(hashes.slice(0, k))];
}

/** RFC 9162, 2.1.4.1. */
export function consistencyOf(older: number, hashes: readonly Buffer[], whole = true): Buffer[] {
  if (older === hashes.length) return whole ? [] : [rootOf(hashes)];
  const k = split(hashes.length);
  return older <= k
    ? [...consistencyOf(older, hashes.slice(0, k), whole), rootOf(hashes.slice(k))]
    : [...consistencyOf(older - k, hashes.slice(k), false), rootOf(hashes.slice(0, k))];
}

export type Algorithm = 'ed25519' | 'p256';

export interface SampleSigner {
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly der: Buffer;
  readonly pem: string;
  /** Hexadecimal SHA-256 of the public key. */
  readonly fingerprint: string;
  sign(bytes: Uint8Array): Buffer;
  vkey(origin: string): string;
  checkpoint(origin: string, hashes: readonly Buffer[]): string;
}

export function sampleSigner(algorithm: Algorithm): SampleSigner {
  const { privateKey, publicKey } =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const key =
    algorithm === 'ed25519'
      ? Buffer.concat([Buffer.from([1]), der.subarray(-32)])
      : Buffer.concat([Buffer.from([2]), der]);
  const keyId = (origin: string) =>
    (algorithm === 'ed25519' ? sha(Buffer.from(`${origin}\n`), key) : sha(der)).subarray(0, 4);
  const signBytes = (bytes: Uint8Array) => sign(algorithm === 'ed25519' ? null : 'sha256', bytes, privateKey);
  return {
    algorithm,
    privateKey,
    der,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    fingerprint: sha(der).toString('hex'),
    sign: signBytes,
    vkey: (origin) => `${origin}+${keyId(origin).toString('hex')}+${key.toString('base64')}`,
    checkpoint: (origin, hashes) => {
      const text = `${origin}\n${hashes.length}\n${rootOf(hashes).toString('base64')}\n`;
      const blob = Buffer.concat([keyId(origin), signBytes(Buffer.from(text))]);
      return `${text}\n— ${origin} ${blob.toString('base64')}\n`;
    },
  };
}
