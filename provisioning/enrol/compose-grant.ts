import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import { type AuthorityKey, signWithAuthority } from '../ca/authority-key.ts';
import {
  type EnrolledState,
  type Grant,
  grant,
  grantSchemaId,
  type UnsignedGrant,
} from '../contract/enrolment-documents.ts';
import { signWithKey } from './key-signature.ts';

/** What a unit is given besides its certificate; what is absent stays as it is at the unit. */
export type GrantParts = Pick<
  UnsignedGrant,
  | 'site'
  | 'people'
  | 'recipients'
  | 'witnesses'
  | 'brokerAuthorities'
  | 'broker'
  | 'configuration'
  | 'scene'
  | 'references'
  | 'updateRoots'
>;

export interface GrantFacts {
  readonly unit: string;
  /** PEM: the unit's certificate, then the authority that signed it. */
  readonly chain: string;
  /** PEM: the root and what is below it. */
  readonly authorities: string;
  readonly parts: GrantParts;
  /** What the unit said that it is enrolled as. */
  readonly enrolled: EnrolledState | undefined;
  /** Entries of the authority's register: it grows with each certificate. */
  readonly registered: number;
  readonly now: UtcMilliseconds;
}

/**
 * A grant, signed by the authority that signed the certificate. Its version is above the one in force at the unit, also where the
 * authority's folder is a copy that is behind.
 */
export function composeGrant(facts: GrantFacts, key: AuthorityKey): Grant {
  const { unit, chain, authorities, parts, enrolled, registered, now } = facts;
  const body: { readonly schema: typeof grantSchemaId; readonly [field: string]: JsonValue | undefined } = {
    schema: grantSchemaId,
    unit,
    version: Math.max(registered, (enrolled?.version ?? 0) + 1),
    issued: toIso(now),
    certificate: chain,
    authorities,
    ...parts,
  };
  return grant.parse(signWithKey(body, { fingerprint: key.fingerprint, sign: (text) => signWithAuthority(key, text) }));
}
