import type {
  BrokerInForce,
  EnrolledState,
  EnrolmentRequest,
  RenewalRequest,
  SceneInForce,
} from './enrolment-documents.ts';

/** Where the serial of a board was read; `machine-id` names an installation and not a board. */
export type SerialSource = 'device-tree' | 'dmi' | 'machine-id';

/** The key that evidence is signed with, where it is another one than the key of the certificate. */
export interface SigningKeyFacts {
  readonly keptIn: 'tpm' | 'file';
  readonly algorithm: 'ed25519' | 'p256';
  /** SHA-256 of its SubjectPublicKeyInfo, hexadecimal. */
  readonly fingerprint: string;
}

/** What a unit shows to the technician and keeps from everybody else. */
export interface UnitIdentity {
  /** Serial of the board. */
  readonly serial: string;
  readonly serialFrom: SerialSource;
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER) in hexadecimal: what the technician compares. */
  readonly fingerprint: string;
  /** Where the private key lies; it never leaves that place. */
  readonly keptIn: 'tpm' | 'file';
  /** Absent where the unit's evidence key is not made yet. */
  readonly signing?: SigningKeyFacts | undefined;
  /** Absent before the first grant. */
  readonly enrolled?: EnrolledState | undefined;
}

/** Why a unit takes a grant or does not. */
export type GrantOutcome =
  | {
      readonly kind: 'installed';
      readonly enrolled: EnrolledState;
      readonly scene?: SceneInForce;
      /** Absent where there is none. */
      readonly broker?: BrokerInForce | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: GrantRefusal; readonly detail: string };

/**
 * `malformed`: no grant. `not-signed`: the signature does not hold. `untrusted`: its authority is not the one that this unit is enrolled
 * under, or its chain does not hold. `other-key`: its certificate is for another key. `other-unit`: for another name than this unit has.
 * `older`: not newer than the one in force. `expired`. `closed`: a first grant, and nobody has opened the claim window.
 * `configuration-invalid`: the unit could not start with it, or would lose what it starts with now.
 */
export type GrantRefusal =
  | 'malformed'
  | 'not-signed'
  | 'untrusted'
  | 'other-key'
  | 'other-unit'
  | 'older'
  | 'expired'
  | 'closed'
  | 'configuration-invalid';

/**
 * The unit's side of enrolment: a key that is born on the unit, and what the fleet gives it in return.
 *
 * Guarantees: `identity` makes the key at its first call and never again; `install` puts certificate, trust and configuration in place
 * all together or not at all, whenever the power fails, and refuses what does not belong to this unit's key.
 */
export interface Enrolment {
  identity(): Promise<UnitIdentity>;
  /** PKCS#10, PEM, of the key that `identity` names. */
  signingRequest(): Promise<string>;
  /** What the technician's program asks for: identity and signing request in one document. */
  request(): Promise<EnrolmentRequest>;
  /** A request for the next certificate, with a new key, signed by the current one too. Throws `usage-invalid` before enrolment. */
  renewalRequest(): Promise<RenewalRequest>;
  /** JSON text of a grant. Throws `store-full` and `store-failed`, and nothing has changed then. */
  install(grant: Uint8Array | string): Promise<GrantOutcome>;
}
