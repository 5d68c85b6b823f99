/** What a unit shows to the technician and keeps from everybody else. */
export interface UnitIdentity {
  /** Serial of the board. */
  readonly serial: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER) in hexadecimal: what the technician compares. */
  readonly fingerprint: string;
  /** Where the private key lives; it never leaves that place. */
  readonly keptIn: 'tpm' | 'file';
}

/**
 * The unit's side of enrolment: a key that is born on the unit, and what the fleet gives it in return.
 *
 * Guarantees: `identity` makes the key at its first call and never again; `install` puts certificate and trust in place all together
 * or not at all, and refuses what does not belong to this unit's key.
 */
export interface Enrolment {
  identity(): Promise<UnitIdentity>;
  /** PKCS#10, PEM. */
  signingRequest(): Promise<string>;
  install(granted: { readonly certificatePem: string; readonly authoritiesPem: string }): Promise<void>;
}
