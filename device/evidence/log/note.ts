import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { AtalayaError } from '../../kernel/errors.ts';

/**
 * Signed notes (https://c2sp.org/signed-note): a text, an empty line, and signature lines `— name base64(key id ‖ signature)`.
 */

/** `cosignature` is the statement of a witness, Ed25519 with a time (https://c2sp.org/tlog-cosignature). */
export type NoteAlgorithm = 'ed25519' | 'p256' | 'cosignature';

const typeBytes: Record<NoteAlgorithm, number> = { ed25519: 0x01, p256: 0x02, cosignature: 0x04 };

/** A key that signs notes under a name. */
export interface NoteKey {
  readonly name: string;
  readonly algorithm: NoteAlgorithm;
  /** First four bytes of a SHA-256; with the name it tells which key signed, it proves nothing. */
  readonly id: Buffer;
  readonly publicKey: KeyObject;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

export interface Note {
  /** What is signed, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export type ParsedNote = { readonly ok: true; readonly note: Note } | { readonly ok: false; readonly reason: string };

/** Far above sixteen signatures, the least that a reader must accept; a bound for what a stranger may send. */
const mostBytes = 1 << 20;
const mostSignatures = 128;

/** Bytes before the 32 of an Ed25519 key in its SPKI (RFC 8410 section 4). */
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex');

/** The key of a signer. Throws `key-mismatch` where the SPKI is not of that algorithm, `usage-invalid` for a name that no note can bear. */
export function noteKey(name: string, algorithm: NoteAlgorithm, spki: Buffer): NoteKey {
  if (!isName(name)) throw new AtalayaError('usage-invalid', `${JSON.stringify(name)} cannot be the name of a key`);
  const publicKey = publicKeyOf(spki, algorithm);
  return { name, algorithm, id: keyId(name, algorithm, publicKey), publicKey };
}

/** `name+hex(key id)+base64(type ‖ key)`, one line without its newline. */
export function formatVkey(key: NoteKey): string {
  const material = Buffer.concat([Buffer.of(typeBytes[key.algorithm]), keyMaterial(key.algorithm, key.publicKey)]);
  return `${key.name}+${key.id.toString('hex')}+${material.toString('base64')}`;
}

/** The key in a verifier key line. Throws `usage-invalid` with what is wrong with it. */
export function parseVkey(vkey: string): NoteKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey.trim()) ?? [];
  const material = encoded === undefined ? undefined : strictBase64(encoded);
  const type = material?.[0];
  const algorithm = (Object.keys(typeBytes) as NoteAlgorithm[]).find((known) => typeBytes[known] === type);
  if (name === undefined || material === undefined || algorithm === undefined) {
    throw new AtalayaError('usage-invalid', `${JSON.stringify(vkey)} is not a verifier key of a known type`);
  }
  const body = material.subarray(1);
  if (algorithm !== 'p256' && body.byteLength !== 32) {
    throw new AtalayaError('usage-invalid', `the verifier key of ${name} has ${body.byteLength} bytes instead of 32`);
  }
  const key = noteKey(name, algorithm, algorithm === 'p256' ? body : Buffer.concat([ed25519Spki, body]));
  if (key.id.toString('hex') !== id) {
    throw new AtalayaError('usage-invalid', `the verifier key of ${name} is not the one that its id ${id} names`);
  }
  return key;
}

/** True where the line bears the name and the id of the key, whether or not its signature holds. */
export function isOf(signature: NoteSignature, key: NoteKey): boolean {
  return signature.name === key.name && signature.keyId.equals(key.id);
}

/** True where the signature is one of this key over this text. */
export function signatureHolds(key: NoteKey, text: string, { signature }: NoteSignature): boolean {
  switch (key.algorithm) {
    case 'ed25519':
      return signature.byteLength === 64 && verify(null, Buffer.from(text), key.publicKey, signature);
    case 'p256':
      return verify('sha256', Buffer.from(text), { key: key.publicKey, dsaEncoding: 'der' }, signature);
    case 'cosignature': {
      const time = cosignatureTime(signature);
      if (time === undefined) return false;
      return verify(null, cosignedMessage(text, time), key.publicKey, signature.subarray(8));
    }
  }
}

/** What a witness signs: header line, time in seconds since the epoch, the whole text. */
export function cosignedMessage(text: string, time: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

/** When a witness signed, in seconds since the epoch; undefined where the bytes are no cosignature. */
export function cosignatureTime(signature: Buffer): bigint | undefined {
  if (signature.byteLength !== 8 + 64) return undefined;
  const time = signature.readBigUInt64BE(0);
  return time < 2n ** 63n ? time : undefined;
}

export function formatNote({ text, signatures }: Note): string {
  const lines = signatures.map(
    ({ name, keyId, signature }) => `— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/** Takes a note apart. Nothing of it is to be believed before a signature of a known key holds. */
export function parseNote(content: Uint8Array): ParsedNote {
  if (content.byteLength > mostBytes) return fault(`it has ${content.byteLength} bytes`);
  const whole = utf8(content);
  if (whole === undefined) return fault('it is not UTF-8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note must not contain
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) return fault('it contains control characters');
  const gap = whole.lastIndexOf('\n\n');
  if (gap < 0 || !whole.endsWith('\n')) return fault('it has no text with an empty line after it');
  const lines = whole
    .slice(gap + 2)
    .split('\n')
    .slice(0, -1);
  if (lines.length === 0) return fault('it bears no signature');
  if (lines.length > mostSignatures) return fault(`it bears ${lines.length} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = encoded === undefined ? undefined : strictBase64(encoded);
    if (name === undefined || !isName(name) || bytes === undefined || bytes.byteLength < 5) {
      return fault(`${JSON.stringify(line)} is not a signature line`);
    }
    signatures.push({ name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { ok: true, note: { text: whole.slice(0, gap + 1), signatures } };
}

/** The bytes of standard base64 in its one valid spelling, else undefined. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function publicKeyOf(spki: Buffer, algorithm: NoteAlgorithm): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (error) {
    throw new AtalayaError('key-mismatch', 'the public key is not a SubjectPublicKeyInfo', { cause: error });
  }
  const fits =
    algorithm === 'p256'
      ? key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
      : key.asymmetricKeyType === 'ed25519';
  if (!fits)
    throw new AtalayaError('key-mismatch', `the public key (${key.asymmetricKeyType}) is not for ${algorithm}`);
  return key;
}

function keyId(name: string, algorithm: NoteAlgorithm, key: KeyObject): Buffer {
  const hash = createHash('sha256');
  if (algorithm !== 'p256') hash.update(`${name}\n`).update(Buffer.of(typeBytes[algorithm]));
  return hash.update(keyMaterial(algorithm, key)).digest().subarray(0, 4);
}

function keyMaterial(algorithm: NoteAlgorithm, key: KeyObject): Buffer {
  const spki = key.export({ format: 'der', type: 'spki' });
  return algorithm === 'p256' ? spki : spki.subarray(ed25519Spki.byteLength);
}

function isName(name: string): boolean {
  return /^[^\s+\p{Cc}]+$/u.test(name);
}

function utf8(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function fault(reason: string): ParsedNote {
  return { ok: false, reason };
}
