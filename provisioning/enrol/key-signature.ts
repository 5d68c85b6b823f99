import { type KeyObject, verify } from 'node:crypto';
import { signedBytes, type UnsignedDocument } from '../../device/kernel/signed/signed-document.ts';
import type { KeySignature } from '../contract/enrolment-documents.ts';

/** A P-256 key that answers for a document of enrolment. */
export interface DocumentKey {
  /** Hexadecimal SHA-256 of its SubjectPublicKeyInfo. */
  readonly fingerprint: string;
  /** ECDSA with SHA-256, ASN.1 DER. */
  sign(message: Uint8Array): Uint8Array;
}

/** The document with a signature over its canonical JSON. The `schema` is part of it, and no certificate begins with a brace. */
export function signWithKey<Body extends UnsignedDocument>(
  body: Body,
  key: DocumentKey,
): Body & { readonly signature: KeySignature } {
  const value = Buffer.from(key.sign(signedBytes(body))).toString('base64');
  return { ...body, signature: { key: key.fingerprint, value } };
}

/** Whether this key signed the document as it is. Never throws: what has no canonical JSON was signed by nobody. */
export function isSignedBy(document: UnsignedDocument, { value }: KeySignature, key: KeyObject): boolean {
  try {
    return verify('sha256', signedBytes(document), key, Buffer.from(value, 'base64'));
  } catch {
    return false;
  }
}
