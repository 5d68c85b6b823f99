import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../canonical-json.ts';

/**
 * A document that says who answers for it: JSON with a `signature` beside its other fields, Ed25519 (RFC 8032) over the RFC 8785
 * canonical JSON of the document without it. The document's `schema` is part of what is signed, so that no signature of one kind of
 * document is worth anything under another.
 */
export const signatureSchema = z.strictObject({
  /** SHA-256 of the signer's SubjectPublicKeyInfo, hexadecimal. */
  key: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 hexadecimal digits'),
  /** 64 bytes in base64, in its one spelling. */
  value: z.string().regex(/^[A-Za-z0-9+/]{85}[AQgw]==$/, 'is not the base64 of 64 bytes'),
});

export type Signature = z.infer<typeof signatureSchema>;

export type UnsignedDocument = { readonly schema: string; readonly [field: string]: JsonValue | undefined };

export type SignedDocument<Body extends UnsignedDocument = UnsignedDocument> = Body & { readonly signature: Signature };

/** The bytes that a signature is over. */
export function signedBytes(document: UnsignedDocument): Buffer {
  const { signature: _, ...body } = document;
  return Buffer.from(canonicalJson(body));
}
