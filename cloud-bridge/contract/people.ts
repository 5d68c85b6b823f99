import type { KeyObject } from 'node:crypto';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { keyId, publicKeyOf } from '../../device/kernel/signed/key-id.ts';
import { signedBytes, type UnsignedDocument } from '../../device/kernel/signed/signed-document.ts';
import { type Verified, verifyDocument } from '../../device/kernel/signed/verify-document.ts';
import {
  type Milliseconds,
  milliseconds,
  toIso,
  type UtcMilliseconds,
  utcMilliseconds,
} from '../../device/kernel/units.ts';
import { type Trust, trust } from './acts.ts';
import { faultsOf, readJson } from './read-json.ts';
import { mayDo, notAllowedWords, type Permission, type Role } from './roles.ts';

/** Somebody who may act, as the root key says. */
export interface Person {
  readonly name: string;
  readonly role: Role;
  /** Hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
  readonly key: string;
  readonly publicKey: KeyObject;
}

/** Who may do what: a trust document whose signature holds. */
export interface People {
  readonly version: number;
  /** Of what was signed: the canonical JSON without the signature. */
  readonly sha256: string;
  /** By id of the key. */
  person(key: string): Person | undefined;
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** In the order of the document. */
  readonly all: readonly Person[];
  /** From then on nobody is to be believed by it; absent where it does not expire. */
  readonly expires?: UtcMilliseconds;
}

/** What the time is, as far as it is known. */
export interface TrustTime {
  readonly utc: UtcMilliseconds;
  /** False where nothing disciplines the clock: it may be days behind, and nothing is refused for having been issued since. */
  readonly reliable: boolean;
  /**
   * What becomes of a document that has expired; `refused` where absent. `taken`: for `whileValid`, by which it makes nobody trusted. A
   * unit that starts must not fail for a date, least of all by a clock that is wrong.
   */
  readonly expired?: 'refused' | 'taken';
}

/** The newest trust document that was ever in use here. */
export interface AcceptedTrust {
  readonly version: number;
  readonly sha256: string;
}

/** Characters of a trust document: the thousand people that it may have need a third of it. */
export const longestTrust = 1024 * 1024;
/** How far the clock of who signs may be ahead of ours. */
export const clockDifference: Milliseconds = milliseconds(5 * 60_000);

/**
 * Opens a trust document: its signature must be of the `root` key. Nothing of it is used before that holds.
 *
 * Throws `document-refused` for one that is too long, not JSON, malformed, unsigned, signed by another key, altered, expired, not yet
 * issued (where the clock is reliable), older than `accepted` or of its version with another content, that names a key twice, or one that
 * is no Ed25519 key.
 */
export function openTrust(text: string, root: KeyObject, at: TrustTime, accepted?: AcceptedTrust): People {
  const { document, body } = readTrust(text);
  const verified = verifyDocument(body, new Map([[keyId(root), root]]));
  if (verified.kind === 'refused') throw refused(notSigned(verified));
  checkTime(document, at);
  const { version } = document;
  const seal = sha256(signedBytes(body));
  if (accepted !== undefined && version < accepted.version)
    throw refused(`is of version ${version}, and version ${accepted.version} was in use here`);
  if (accepted !== undefined && version === accepted.version && seal !== accepted.sha256)
    throw refused(`is of version ${version}, as the one that was in use here, and says something else`);
  const all = document.people.map(personOf);
  const byKey = new Map<string, Person>();
  for (const [i, person] of all.entries()) {
    if (byKey.has(person.key)) throw refused(`names one key twice: people[${i}].publicKey`);
    byKey.set(person.key, person);
  }
  return {
    version,
    sha256: seal,
    person: (key) => byKey.get(key),
    keys: new Map(all.map(({ key, publicKey }) => [key, publicKey])),
    all,
    ...(document.expires === undefined ? {} : { expires: utcMilliseconds(Date.parse(document.expires)) }),
  };
}

/** The same people for a program that runs for months: nobody from the expiry of their document on, whenever that is asked. */
export function whileValid(people: People, clock: { utc(): UtcMilliseconds }): People {
  const { expires } = people;
  if (expires === undefined) return people;
  const nobody: People['keys'] = new Map();
  const valid = () => clock.utc() < expires;
  return {
    ...people,
    get keys() {
      return valid() ? people.keys : nobody;
    },
    person: (key) => (valid() ? people.person(key) : undefined),
  };
}

export type Authorised =
  | { readonly kind: 'allowed'; readonly person: Person }
  | {
      readonly kind: 'refused';
      readonly reason: Extract<Verified, { kind: 'refused' }>['reason'] | 'not-allowed';
      readonly detail: string;
      /** Of `not-allowed`: who signed it. */
      readonly person?: Person;
    };

/** Whether a document is signed by somebody who may do this. Never throws. */
export function authorise(document: UnsignedDocument, people: People, permission: Permission): Authorised {
  const verified = verifyDocument(document, people.keys);
  if (verified.kind === 'refused') return verified;
  const person = people.person(verified.key);
  if (person === undefined)
    return { kind: 'refused', reason: 'unknown-key', detail: `no key ${verified.key.slice(0, 16)} is trusted here` };
  if (mayDo(person.role, permission)) return { kind: 'allowed', person };
  return {
    kind: 'refused',
    reason: 'not-allowed',
    detail: notAllowedWords(person, permission),
    person,
  };
}

function readTrust(text: string): { readonly document: Trust; readonly body: UnsignedDocument } {
  if (text.length > longestTrust) throw refused(`has ${text.length} characters, and ${longestTrust} is the most`);
  const json = readJson(text);
  if (json.kind === 'refused') throw refused(`cannot be read: ${json.detail}`);
  const checked = trust.safeParse(json.value);
  if (!checked.success) throw refused(`is malformed: ${faultsOf(checked.error)}`);
  return { document: checked.data, body: json.value as UnsignedDocument };
}

function notSigned({ reason, detail }: Extract<Verified, { kind: 'refused' }>): string {
  if (reason === 'not-signed') return 'bears no signature';
  if (reason === 'unknown-key') return 'is not signed by the root key that is trusted here';
  if (reason === 'altered') return 'was altered after the root key signed it';
  return `has a malformed signature: ${detail}`;
}

function checkTime({ issued, expires }: Trust, at: TrustTime): void {
  const from = utcMilliseconds(Date.parse(issued));
  const until = expires === undefined ? undefined : utcMilliseconds(Date.parse(expires));
  if (until !== undefined && until <= from) throw refused('expires before it is issued');
  if (until !== undefined && at.utc >= until && at.expired !== 'taken') throw refused(`expired at ${toIso(until)}`);
  if (at.reliable && from > at.utc + clockDifference)
    throw refused(`is issued at ${toIso(from)}, which is yet to come: it is ${toIso(at.utc)}`);
}

function personOf({ name, role, publicKey: pem }: Trust['people'][number], i: number): Person {
  try {
    const publicKey = publicKeyOf(pem, `people[${i}].publicKey`);
    return { name, role, key: keyId(publicKey), publicKey };
  } catch (error) {
    throw isAtalayaError(error) ? refused(`is malformed: ${error.message}`) : error;
  }
}

/** `why` follows "the trust document". */
function refused(why: string): AtalayaError {
  return new AtalayaError('document-refused', `the trust document ${why}`, {
    hint: 'Have a new one signed with the root key: npx atalaya-fleet trust sign --file FILE --root FILE',
  });
}
