import { sha256 } from '../../kernel/hash.ts';

export type KeyAlgorithm = 'ed25519' | 'p256';

/** The unit's signing key. What it signs is evidence; where the private half lies is the adapter's business and nobody else's. */
export interface Keystore {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo (RFC 5280 §4.1), DER. */
  readonly spki: Buffer;
  /** Hex SHA-256 of `spki`: what records name as their signer. */
  readonly id: string;
  /**
   * Signs the message as it is at the call; the caller may use its memory again at once. Ed25519: the 64 bytes of RFC 8032 over the
   * message itself. P-256: ECDSA with SHA-256, ASN.1 DER (RFC 3279 §2.2.3). Any number may be asked for at the same time.
   *
   * Throws `key-closed` after `close`; an adapter whose key is in another device also `key-unavailable`, `deadline-exceeded` and
   * `key-missing`.
   */
  sign(message: Uint8Array): Promise<Buffer>;
  /** Signatures asked for before are finished, none is made after. May be called again. */
  close(): Promise<void>;
}

/** Hex SHA-256 of a SubjectPublicKeyInfo: the name of a key. */
export function keyId(spki: Uint8Array): string {
  return sha256(spki);
}

/** What an opening signs to see that the key works. It is neither a record nor a note, so the signature is of no use to anybody. */
export const trialMessage: Uint8Array = Buffer.from('atalaya keystore trial');
