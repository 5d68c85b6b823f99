import { createPublicKey } from 'node:crypto';
import { openTrust } from '../../cloud-bridge/contract/people.ts';
import { faultsOf, readJson } from '../../cloud-bridge/contract/read-json.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { keyId, publicKeyOf } from '../../device/kernel/signed/key-id.ts';
import type { UnsignedDocument } from '../../device/kernel/signed/signed-document.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import type { GrantOutcome, GrantRefusal } from '../contract/enrolment.ts';
import { type EnrolledState, type Grant, grant, longestEnrolmentDocument } from '../contract/enrolment-documents.ts';
import { wipeWords } from '../contract/wipe-words.ts';
import { isSignedBy } from './key-signature.ts';
import { fingerprintOfCertificate, lifeOfCertificate, nameOfCertificate, readChain } from './read-chain.ts';

/** What a unit knows when it judges a grant. */
export interface GrantSituation {
  /** Fingerprints of the keys that this unit has. */
  readonly keys: readonly string[];
  /** Absent before the first grant. */
  readonly enrolled: EnrolledState | undefined;
  /** The people that this unit obeys, where a grant has said so. */
  readonly people: Grant['people'];
  /** Somebody is at the unit and has opened it for a first grant. */
  readonly claimable: boolean;
  readonly now: UtcMilliseconds;
}

export type CheckedGrant =
  | {
      readonly kind: 'accepted';
      readonly grant: Grant;
      /** Fingerprint of the key that the certificate is for. */
      readonly key: string;
      readonly enrolled: EnrolledState;
    }
  | Extract<GrantOutcome, { kind: 'refused' }>;

/**
 * Whether a unit takes a grant: its signature is of the authority that signed the certificate, whose root is pinned by the first grant; the
 * certificate is for a key of this unit; name and version go on from what is in force. What authenticates the first grant is that
 * somebody stands beside the unit and has compared both fingerprints. Never throws.
 */
export function checkGrant(text: Uint8Array | string, situation: GrantSituation): CheckedGrant {
  const { keys, enrolled, claimable, now } = situation;
  if (text.length > longestEnrolmentDocument) return refused('malformed', 'the grant is too long');
  const json = readJson(text);
  if (json.kind === 'refused') return refused('malformed', `the grant cannot be read: ${json.detail}`);
  const parsed = grant.safeParse(json.value);
  if (!parsed.success) return refused('malformed', `the grant is malformed: ${faultsOf(parsed.error)}`);
  const read = parsed.data;
  if (enrolled === undefined && !claimable) {
    return refused(
      'closed',
      'this unit takes its first grant only while it is open for it: switch it off and on again, and enrol it within the time that its screen shows',
    );
  }
  const followed = readChain(read.certificate, read.authorities);
  if (followed.kind === 'broken') return refused('untrusted', `the grant does not hold: ${followed.why}`);
  const { holder, issuer, root } = followed.chain;
  const authority = fingerprintOfCertificate(root);
  if (enrolled !== undefined && enrolled.authority !== authority) {
    return refused(
      'untrusted',
      `the grant is of the authority ${short(authority)}, and this unit is enrolled under ${short(enrolled.authority)}: use that one, or have the unit wiped (${wipeWords})`,
    );
  }
  if (
    read.signature.key !== fingerprintOfCertificate(issuer) ||
    !isSignedBy(
      json.value as UnsignedDocument,
      read.signature,
      createPublicKey(issuer.publicKey.export({ format: 'pem', type: 'spki' })),
    )
  ) {
    return refused(
      'not-signed',
      'the grant is not signed by the authority that signed its certificate: have it made again',
    );
  }
  const key = fingerprintOfCertificate(holder);
  if (!keys.includes(key)) {
    return refused(
      'other-key',
      `the grant is for the key ${short(key)}, which this unit does not have: it is another unit's`,
    );
  }
  if (nameOfCertificate(holder) !== read.unit)
    return refused('untrusted', 'the certificate is for another name than the grant');
  if (enrolled !== undefined && enrolled.unit !== read.unit) {
    return refused(
      'other-unit',
      `this unit is ${enrolled.unit}, and the grant is for ${read.unit}: have the unit wiped if it is to change its name (${wipeWords})`,
    );
  }
  if (enrolled !== undefined && read.version <= enrolled.version) {
    return refused(
      'older',
      `the grant is version ${read.version}, and version ${enrolled.version} is in force: have a new one made`,
    );
  }
  if (situation.people !== undefined && read.people !== undefined && !sameRoot(situation.people, read.people)) {
    return refused(
      'untrusted',
      `the grant names another root key over the people who may command this unit: have the unit wiped if that is meant (${wipeWords})`,
    );
  }
  const people = peopleFault(read, situation.people, now);
  if (people !== undefined) return refused('configuration-invalid', people);
  const { until } = lifeOfCertificate(holder);
  if (until <= now)
    return refused('expired', `the certificate expired at ${toIso(until)}, by the clock of this unit (${toIso(now)})`);
  const certificate = holder.serialNumber.toLowerCase();
  return {
    kind: 'accepted',
    grant: read,
    key,
    enrolled: { unit: read.unit, version: read.version, authority, certificate, expires: toIso(until) },
  };
}

/** Whoever steals the authority's key must not become the one whom units obey: the root key over the people is pinned too. */
function sameRoot(before: People, next: People): boolean {
  try {
    return keyId(publicKeyOf(before.rootKey, 'a key')) === keyId(publicKeyOf(next.rootKey, 'a key'));
  } catch {
    return false;
  }
}

type People = NonNullable<Grant['people']>;

/**
 * A unit that starts is lenient about the dates of a trust document, and this one is too: its clock may be days behind. Not about the
 * version.
 */
function peopleFault({ people }: Grant, before: People | undefined, now: UtcMilliseconds): string | undefined {
  if (people === undefined) return undefined;
  try {
    const at = { utc: now, reliable: false, expired: 'taken' } as const;
    const root = publicKeyOf(people.rootKey, 'the root key of the trust document');
    const accepted = before === undefined ? undefined : openTrust(before.trust, root, at);
    openTrust(people.trust, root, at, accepted);
    return undefined;
  } catch (error) {
    if (error instanceof AtalayaError) return error.message;
    throw error;
  }
}

/** The first groups of a fingerprint, for a sentence. */
const short = (fingerprint: string): string => fingerprint.slice(0, 16).toUpperCase();

const refused = (reason: GrantRefusal, detail: string): Extract<CheckedGrant, { kind: 'refused' }> => ({
  kind: 'refused',
  reason,
  detail,
});
