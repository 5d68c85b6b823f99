import { type SignedDocument, signedBytes, type UnsignedDocument } from './signed-document.ts';

/** An Ed25519 key, wherever its private half lies. */
export interface DocumentSigner {
  /** Hexadecimal SHA-256 of its SubjectPublicKeyInfo. */
  readonly id: string;
  /** The 64 bytes of RFC 8032 over the message. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** The document with its signature. Throws what the signer throws. */
export async function signDocument<Body extends UnsignedDocument>(
  body: Body,
  signer: DocumentSigner,
): Promise<SignedDocument<Body>> {
  const value = Buffer.from(await signer.sign(signedBytes(body))).toString('base64');
  return { ...body, signature: { key: signer.id, value } };
}
