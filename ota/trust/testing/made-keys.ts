import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { sha256 } from '../../../device/kernel/hash.ts';

/** Keys and signatures of metadata, made without the code that verifies them, so that any form can be made, forbidden ones too. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

export interface MadeKey {
  readonly id: string;
  /** As a root lists it. */
  readonly json: JsonObject;
  readonly privateKey: KeyObject;
  sign(bytes: Uint8Array): string;
}

export function madeKey(kind: 'ed25519' | 'p256' = 'ed25519'): MadeKey {
  const pair =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const json: JsonObject =
    kind === 'ed25519'
      ? { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: rawEd25519(pair.publicKey) } }
      : {
          keytype: 'ecdsa',
          scheme: 'ecdsa-sha2-nistp256',
          keyval: { public: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString() },
        };
  return {
    id: sha256(canonicalText(json)),
    json,
    privateKey: pair.privateKey,
    sign: (bytes) => sign(kind === 'ed25519' ? null : 'sha256', bytes, pair.privateKey).toString('hex'),
  };
}

function rawEd25519(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
}

/** Canonical JSON as TUF signs it: names sorted, no white space, only quotes and backslashes escaped. */
export function canonicalText(value: Json | undefined): string {
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (Array.isArray(value)) return `[${value.map((one: Json) => canonicalText(one)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value as JsonObject).filter(([, one]) => one !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, one]) => `${canonicalText(name)}:${canonicalText(one)}`).join(',')}}`;
}

/** Metadata of whatever content, signed by these keys. */
export function signedMetadata(signed: JsonObject, keys: readonly MadeKey[]): Buffer {
  const bytes = Buffer.from(canonicalText(signed));
  const signatures = keys.map((key) => ({ keyid: key.id, sig: key.sign(bytes) }));
  return Buffer.from(JSON.stringify({ signatures, signed }));
}

/** What a file of metadata says, to be changed and signed again. */
export function contentOf(metadata: Uint8Array): {
  signatures: { keyid: string; sig: string }[];
  signed: { [name: string]: Json };
} {
  return JSON.parse(Buffer.from(metadata).toString());
}
