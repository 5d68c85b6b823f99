import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { AtalayaError } from '../../kernel/errors.ts';
import { fromBase64, reasonOf } from './text-forms.ts';

/** Signature types of C2SP signed-note. */
const noteTypes = { ed25519: 0x01, 'p-256': 0x02 } as const;
const cosignatureType = 0x04;

/** The unit's public key, as the auditor holds it. */
export interface PublicKey {
  readonly kind: 'ed25519' | 'p-256';
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** SHA-256 of `spki` in hexadecimal: the `signer` of a record. */
  readonly signer: string;
  /** The name in a verifier key; a PEM bears none. */
  readonly name?: string;
}

/** A witness: Ed25519 with C2SP cosignature/v1. */
export interface WitnessKey {
  readonly name: string;
  readonly key: KeyObject;
  readonly id: Buffer;
}

const expected =
  'expected an SPKI PEM (-----BEGIN PUBLIC KEY-----) of Ed25519 or P-256, or a verifier key on one line (name+8 hex digits+base64)';

/** The key in a PEM or in a verifier key of a note. Throws `usage-invalid`, with what was expected. */
export function parseKey(text: string): PublicKey {
  const trimmed = text.trim();
  return trimmed.startsWith('-----BEGIN') ? parsePem(trimmed) : parseVerifierKey(trimmed);
}

function parsePem(text: string): PublicKey {
  if (!text.startsWith('-----BEGIN PUBLIC KEY-----')) throw refused('the PEM holds something other than a public key');
  return made(keyFrom(text));
}

function parseVerifierKey(text: string): PublicKey {
  const { name, id, type, material } = splitVerifierKey(text);
  if (type !== noteTypes.ed25519 && type !== noteTypes['p-256']) {
    throw refused(`the verifier key is of the type 0x${type.toString(16).padStart(2, '0')}`);
  }
  const spki = type === noteTypes.ed25519 ? ed25519Spki(material) : material;
  const key = { ...made(keyFrom(spki)), name };
  if (noteTypes[key.kind] !== type) throw refused('the verifier key states another type than its key has');
  if (!key.spki.equals(spki)) throw refused('the key is not in the one DER form');
  if (!noteKeyId(key, name).equals(id)) throw refused('the key id does not belong to the name and the key');
  return key;
}

/** A witness's verifier key, `name+hex+base64(0x04 ‖ key)`. Throws `usage-invalid`. */
export function parseWitness(text: string): WitnessKey {
  const { name, id, type, material } = splitVerifierKey(text.trim());
  if (type !== cosignatureType) throw refused('a witness signs with cosignature/v1, type 0x04');
  const key = keyFrom(ed25519Spki(material));
  if (!shortId(name, cosignatureType, material).equals(id)) {
    throw refused('the key id does not belong to the name and the key');
  }
  return { name, key, id };
}

function splitVerifierKey(text: string): { name: string; id: Buffer; type: number; material: Buffer } {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text);
  const bytes = fromBase64(match?.[3] ?? '');
  const type = bytes?.[0];
  if (match === null || bytes === undefined || type === undefined) throw refused('this is no key');
  return { name: match[1] as string, id: Buffer.from(match[2] as string, 'hex'), type, material: bytes.subarray(1) };
}

const refused = (why: string, cause?: unknown): AtalayaError =>
  new AtalayaError('usage-invalid', `${why}; ${expected}`, { cause });

function keyFrom(source: string | Buffer): KeyObject {
  try {
    return typeof source === 'string'
      ? createPublicKey(source)
      : createPublicKey({ key: source, format: 'der', type: 'spki' });
  } catch (error) {
    throw refused(`the key cannot be read (${reasonOf(error)})`, error);
  }
}

function made(key: KeyObject): PublicKey {
  const spki = key.export({ type: 'spki', format: 'der' });
  const signer = hash('sha256', spki, 'hex');
  if (key.asymmetricKeyType === 'ed25519') return { kind: 'ed25519', key, spki, signer };
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return { kind: 'p-256', key, spki, signer };
  }
  throw refused(`the key is of the kind ${key.asymmetricKeyType ?? 'unknown'}`);
}

/** RFC 8410 §4: the DER before the 32 bytes of an Ed25519 key. */
const ed25519Prefix = '302a300506032b6570032100';

function ed25519Spki(material: Buffer): Buffer {
  if (material.byteLength !== 32) throw refused(`an Ed25519 key has 32 bytes, not ${material.byteLength}`);
  return Buffer.concat([Buffer.from(ed25519Prefix, 'hex'), material]);
}

/** C2SP signed-note: the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key). */
function shortId(name: string, type: number, material: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), material]), 'buffer').subarray(0, 4);
}

/** The id under which the key signs notes by this name: for P-256 that of its SPKI alone. */
export function noteKeyId(key: PublicKey, name: string): Buffer {
  if (key.kind === 'p-256') return hash('sha256', key.spki, 'buffer').subarray(0, 4);
  return shortId(name, noteTypes.ed25519, key.spki.subarray(-32));
}

/** The verifier key by which a note of this name is checked. */
export function verifierKey(key: PublicKey, name: string): string {
  const material = key.kind === 'ed25519' ? key.spki.subarray(-32) : key.spki;
  const typed = Buffer.concat([Buffer.of(noteTypes[key.kind]), material]);
  return `${name}+${noteKeyId(key, name).toString('hex')}+${typed.toString('base64')}`;
}

/** Name of the digest that the kind of key signs; Ed25519 takes the message itself. */
export const digestOf = (key: PublicKey): 'sha256' | null => (key.kind === 'ed25519' ? null : 'sha256');

/** True where this is the key's signature of these bytes: RFC 8032, or ECDSA with SHA-256 as ASN.1 DER. */
export function verifies(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(digestOf(key), bytes, key.key, signature);
}

/** The same on a thread of Node's pool. */
export function verifiesAside(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(digestOf(key), bytes, key.key, signature, (error, good) => (error ? reject(error) : resolve(good)));
  });
}
