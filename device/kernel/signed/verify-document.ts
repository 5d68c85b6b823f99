import { type KeyObject, verify } from 'node:crypto';
import { signatureSchema, signedBytes, type UnsignedDocument } from './signed-document.ts';

/** What a signature is worth. */
export type Verified =
  | { readonly kind: 'signed'; readonly key: string }
  | {
      readonly kind: 'refused';
      readonly reason: 'not-signed' | 'signature-malformed' | 'unknown-key' | 'altered';
      readonly detail: string;
    };

/**
 * Holds the signature of a document against the keys that are known (by id: hexadecimal SHA-256 of the SubjectPublicKeyInfo). Nothing of
 * the document is to be believed before this says `signed`. Throws `internal` for what is no JSON.
 */
export function verifyDocument(document: UnsignedDocument, keys: ReadonlyMap<string, KeyObject>): Verified {
  const { signature: given } = document;
  if (given === undefined) return { kind: 'refused', reason: 'not-signed', detail: 'it bears no signature' };
  const signature = signatureSchema.safeParse(given);
  if (!signature.success) {
    const detail = signature.error.issues
      .map(({ path, message }) => `signature.${path.join('.')} ${message}`)
      .join('; ');
    return { kind: 'refused', reason: 'signature-malformed', detail };
  }
  const { key, value } = signature.data;
  const known = keys.get(key);
  if (known === undefined)
    return { kind: 'refused', reason: 'unknown-key', detail: `no key ${key.slice(0, 16)} is trusted here` };
  const holds = verify(null, signedBytes(document), known, Buffer.from(value, 'base64'));
  if (holds) return { kind: 'signed', key };
  return { kind: 'refused', reason: 'altered', detail: `it is not what the key ${key.slice(0, 16)} signed` };
}
