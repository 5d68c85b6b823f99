import { writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import { type Authority, authorityPlaces, lifeOf } from './authority.ts';
import { makeRevocationList } from './certificates.ts';
import { type HolderKind, holderWords } from './names.ts';
import type { RevocationReason } from './reasons.ts';
import type { IssuedRecord } from './register.ts';

/**
 * The certificate of a serial number, or all that a name has and that neither expired nor are revoked. Throws `usage-invalid` where there is
 * none, and where a unit, a bridge or a server have the same name and `kind` does not say which is meant.
 */
export function findRevocable(
  { register, now }: Authority,
  which: string,
  kind?: HolderKind,
): readonly [IssuedRecord, ...IssuedRecord[]] {
  const serial = which.replaceAll(':', '').toLowerCase();
  const all = register.issued.filter((one) => kind === undefined || one.of === kind);
  const bySerial = all.filter((one) => one.serial === serial);
  const named = bySerial.length > 0 ? bySerial : all.filter((one) => one.name === which);
  if (named.length === 0) {
    throw refused(
      `no certificate${kind === undefined ? '' : ` of the kind ${kind}`} has the serial number or the name ${JSON.stringify(which.slice(0, 80))}`,
      'atalaya-provision ca list shows them.',
    );
  }
  const open = named.filter((one) => one.revoked === undefined && one.until > now);
  const last = named.at(-1) as IssuedRecord;
  const [first, ...more] = open;
  if (first === undefined) {
    const why =
      last.revoked === undefined ? `expired at ${toIso(last.until)}` : `is revoked since ${toIso(last.revoked.at)}`;
    throw refused(
      `${which} ${why}`,
      'Nothing has to be done, except to give brokers the newest list: atalaya-provision ca crl.',
    );
  }
  const kinds = [...new Set(open.map(({ of }) => of))];
  if (kinds.length > 1) {
    throw refused(
      `${which} is the name of several: ${kinds.map((one) => holderWords[one]).join(', ')}`,
      `Say which is meant: --kind ${kinds.join(' or --kind ')}`,
    );
  }
  return [first, ...more];
}

/**
 * Revokes what `findRevocable` finds, and throws as it does. It takes effect with the next list that brokers are given. No key is needed: the
 * register alone is written.
 */
export async function revokeHolder(
  authority: Authority,
  which: string,
  reason: RevocationReason,
  kind?: HolderKind,
): Promise<readonly IssuedRecord[]> {
  const { register, now } = authority;
  const open = findRevocable(authority, which, kind);
  await register.append(...open.map((one) => ({ kind: 'revoked', serial: one.serial, reason, at: now }) as const));
  return open;
}

export interface MadeList {
  readonly file: string;
  readonly number: number;
  /** When brokers begin to refuse everybody who has it: the list's own end, or that of the authority that signed it where that is earlier. */
  readonly until: UtcMilliseconds;
  /** It is the authority's end, and not the list's. */
  readonly cut: boolean;
  readonly revoked: number;
  /** PEM: a list for each authority that is neither retired nor expired. */
  readonly pem: string;
}

/** What has expired stays on the list for so long, so that a list that somebody missed is made good by the next (RFC 5280, 3.3). */
const keptAfterExpiry = 60 * 86_400_000;

/**
 * Makes the list of revoked certificates anew, under the next number; the number is durable before the list is written. Throws
 * `authority-expired`, `key-wrong`, `store-full`, `store-failed`.
 */
export async function publishList(
  authority: Authority,
  days: number,
  passphrase: string | undefined,
): Promise<MadeList> {
  authority.checkAlive();
  const { register, now, living, current } = authority;
  const keys = await Promise.all(living.map((one) => authority.unlock(passphrase, one)));
  const number = (register.crl?.number ?? 0) + 1;
  const life = lifeOf(now, days);
  const cut = current.until < life.until;
  const until = cut ? current.until : life.until;
  const revoked = register.issued.filter((one) => one.revoked !== undefined && one.until + keptAfterExpiry > now);
  const lists = await Promise.all(
    living.map((issuer, i) =>
      makeRevocationList(
        { pem: issuer.pem, key: keys[i] as (typeof keys)[number] },
        {
          number,
          life,
          revoked: revoked.flatMap(({ serial, revoked: what, issuer: by }) =>
            what !== undefined && by === issuer.fingerprint ? [{ serial, at: what.at, reason: what.reason }] : [],
          ),
        },
      ),
    ),
  );
  await register.append({ kind: 'crl', number, at: now, until });
  const file = authority.at(authorityPlaces.crl);
  const pem = lists.join('');
  await writeWholeFile(authority.tools.files, file, Buffer.from(pem));
  return { file, number, until, cut, revoked: revoked.length, pem };
}

function refused(why: string, hint: string): AtalayaError {
  return new AtalayaError('usage-invalid', `nothing was revoked: ${why}`, { hint });
}
