import { join } from 'node:path';
import { writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { toIso } from '../../device/kernel/units.ts';
import { wipeWords } from '../contract/wipe-words.ts';
import { type Authority, authorityPlaces, lifeOf } from './authority.ts';
import type { AuthorityKey } from './authority-key.ts';
import { makeHolderCertificate } from './certificates.ts';
import { checkHolderName, type HolderKind, holderWords, isServer } from './names.ts';
import type { IssuedRecord } from './register.ts';
import type { CheckedRequest } from './signing-request.ts';

export interface SigningOrder {
  readonly kind: HolderKind;
  readonly name: string;
  readonly request: CheckedRequest;
  readonly days: number;
  /** Further names and addresses of a server. */
  readonly hosts?: readonly string[];
  /** The request bears a signature of the key that has this name now, and a new key is what it asks for. */
  readonly renews?: boolean;
}

export interface SignedHolder {
  readonly record: IssuedRecord;
  /** PEM: the certificate, then the authority that signed it. */
  readonly chain: string;
  /** Where it stands in the authority's folder. */
  readonly file: string;
  /** The very certificate that an earlier call has made. */
  readonly again: boolean;
  /** It ends before so many days, with the authority that signed it. */
  readonly cut: boolean;
}

/**
 * Signs a request. The register has the certificate, durably, before it is written anywhere; a call that was interrupted after that gives
 * the same certificate when it is made again.
 *
 * Throws `usage-invalid` for a name that does not fit, is the request's no more, or has another key; `document-refused` for a key that was
 * revoked as stolen; `authority-expired`; `store-full`, `store-failed`.
 */
export async function signHolder(authority: Authority, key: AuthorityKey, order: SigningOrder): Promise<SignedHolder> {
  const { kind, name, request, days, hosts = [] } = order;
  for (const one of isServer(kind) ? [name, ...hosts] : [name]) checkHolderName(kind, one);
  if (request.name !== undefined && request.name !== name) {
    throw refused(
      `the request is of ${JSON.stringify(request.name.slice(0, 80))}, and ${name} was to be signed`,
      'Check which unit this request was taken from.',
    );
  }
  authority.checkAlive();
  checkKeys(authority, order);
  const { current, now } = authority;
  const life = lifeOf(now, days, current.until);
  const known = earlier(authority, order);
  if (known !== undefined) return { ...(await place(authority, known)), again: true, cut: false };
  const serial = authority.newSerial();
  const holder = { kind, name, spki: request.spki, hosts: [name, ...hosts], serial, life };
  const pem = await makeHolderCertificate({ pem: current.pem, key }, holder);
  const entry = {
    kind: 'issued',
    of: kind,
    name,
    serial,
    issuer: current.fingerprint,
    key: request.fingerprint,
    pem,
    ...life,
    at: now,
  } as const;
  await authority.register.append(entry);
  const placed = await place(authority, { ...entry, revoked: undefined });
  return { ...placed, again: false, cut: life.until === current.until };
}

/** A certificate that is in its first third and was asked for by the same key: whoever asks again lost the answer. */
function earlier({ register, now, current }: Authority, { kind, name, request, days, hosts = [] }: SigningOrder) {
  if (hosts.length > 0) return undefined;
  return register.issued.findLast(
    (one) =>
      one.of === kind &&
      one.name === name &&
      one.key === request.fingerprint &&
      one.revoked === undefined &&
      one.issuer === current.fingerprint &&
      now < one.from + (one.until - one.from) / 3 &&
      Math.abs(lifeOf(one.at, days, current.until).until - one.until) < 1000,
  );
}

function checkKeys({ register, now }: Authority, { kind, name, request, renews = false }: SigningOrder): void {
  const { fingerprint } = request;
  for (const one of register.issued) {
    const living = one.revoked === undefined && one.until > now;
    if (one.key === fingerprint && one.revoked?.reason === 'key-compromise') {
      throw new AtalayaError(
        'document-refused',
        `this key was revoked as stolen, as ${one.name}, at ${toIso(one.revoked.at)}`,
        {
          hint: `Have the unit wiped, so that it makes a new key (${wipeWords}); then enrol it again.`,
        },
      );
    }
    if (one.key === fingerprint && living && (one.name !== name || one.of !== kind)) {
      throw refused(`this key is the one of the ${holderWords[one.of]} ${one.name}`, otherNameHint(one, kind));
    }
    if (one.name === name && one.of === kind && living && one.key !== fingerprint && !renews) {
      const same = register.issued.some(
        (other) =>
          other.name === name &&
          other.of === kind &&
          other.key === fingerprint &&
          other.revoked === undefined &&
          other.until > now,
      );
      if (same) continue;
      throw refused(
        `the ${holderWords[kind]} ${name} is issued to another key, until ${toIso(one.until)}`,
        otherKeyHint(one),
      );
    }
  }
}

/** What to do where a name is taken. A server that runs must not be cut off on the way: its next certificate needs no revocation first. */
function otherKeyHint({ of, name, serial }: IssuedRecord): string {
  const revoke = `atalaya-provision ca revoke ${name} --reason superseded`;
  if (of === 'unit') return `Choose another name; if this unit takes the place of the old one, first: ${revoke}`;
  if (of === 'bridge') {
    return `Choose another name, such as bridge-2; only if the old bridge is stopped and this one takes its place, first: ${revoke}`;
  }
  const other = of === 'broker' ? `for the centre's HTTPS server there: --kind api; ` : '';
  return `Revoke nothing that runs: ${other}for a second ${of === 'broker' ? 'broker' : 'server'}, or a new key of this one: --name ANOTHER --host ${name}; when the old one is out of use: atalaya-provision ca revoke ${serial} --reason superseded`;
}

/** What to do where a key has another name, or is of another kind. */
function otherNameHint({ of, name }: IssuedRecord, kind: HolderKind): string {
  if (of !== kind || isServer(of)) return 'Make a key of its own for each: openssl req -new -newkey ec ...';
  return `Check which ${of} this request was taken from; if it is to change its name: atalaya-provision ca revoke ${name} --reason superseded`;
}

async function place(
  authority: Authority,
  record: IssuedRecord,
): Promise<Pick<SignedHolder, 'record' | 'chain' | 'file'>> {
  const issuer = authority.register.authorities.find(({ fingerprint }) => fingerprint === record.issuer);
  const chain = record.pem + (issuer?.pem ?? '');
  const file = authority.at(
    join(authorityPlaces.issued, `${record.name.replaceAll(':', '-')}-${record.serial.slice(0, 8)}.pem`),
  );
  await writeWholeFile(authority.tools.files, file, Buffer.from(chain));
  return { record, chain, file };
}

function refused(why: string, hint: string): AtalayaError {
  return new AtalayaError('usage-invalid', `nothing was signed: ${why}`, { hint });
}
