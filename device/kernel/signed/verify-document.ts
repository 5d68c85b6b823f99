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
 * the document is to be believed before this says `signed`. Never throws: what has no canonical JSON was signed by nobody, and is `altered`.
 */
export function verifyDocument(document: UnsignedDocument, keys: ReadonlyMap<string, KeyObject>): Verified {
  const { signature: given } = document;
  if (given === undefined) return { kind: 'refused', reason: 'not-signed', detail: 'it bears no signature' };
  const signature = signatureSchema.safeParse(given);
  if (!signature.success) return { kind: 'refused', reason: 'signature-malformed', detail: faultOf(signature.error) };
  const { key, value } = signature.data;
  const known = keys.get(key);
  if (known === undefined || known.asymmetricKeyType !== 'ed25519')
    return { kind: 'refused', reason: 'unknown-key', detail: `no key ${key.slice(0, 16)} is trusted here` };
  if (holds(document, known, Buffer.from(value, 'base64'))) return { kind: 'signed', key };
  return { kind: 'refused', reason: 'altered', detail: `it is not what the key ${key.slice(0, 16)} signed` };
}

function holds(document: UnsignedDocument, key: KeyObject, signature: Buffer): boolean {
  let message: Buffer;
  try {
    message = signedBytes(document);
  } catch {
    return false;
  }
  return verify(null, message, key, signature);
}

/** Names no field that the schema does not have: it may be anything, and goes into logs. */
function faultOf({
  issues,
}: {
  readonly issues: readonly {
    readonly code: string;
    readonly path: readonly PropertyKey[];
    readonly message: string;
  }[];
}): string {
  return issues
    .map(({ code, path, message }) => {
      return `${['signature', ...path].join('.')} ${code === 'unrecognized_keys' ? 'has a field that it should not have' : message}`;
    })
    .join('; ');
}
