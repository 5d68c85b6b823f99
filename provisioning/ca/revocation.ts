import { writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import { type Authority, authorityPlaces, lifeOf } from './authority.ts';
import { makeRevocationList } from './certificates.ts';
import type { RevocationReason } from './reasons.ts';
import type { IssuedRecord } from './register.ts';

/**
 * Revokes a certificate by its serial number, or all that a name has and that have not expired. It takes effect with the next list that
 * brokers are given. Throws `usage-invalid` where there is none, or it is revoked already.
 */
export async function revokeHolder(
  { register, now }: Authority,
  which: string,
  reason: RevocationReason,
): Promise<readonly IssuedRecord[]> {
  const serial = which.replaceAll(':', '').toLowerCase();
  const bySerial = register.issued.filter((one) => one.serial === serial);
  const named = bySerial.length > 0 ? bySerial : register.issued.filter((one) => one.name === which);
  if (named.length === 0) {
    throw refused(
      `no certificate has the serial number or the name ${JSON.stringify(which.slice(0, 80))}`,
      'atalaya-provision ca list shows them.',
    );
  }
  const open = named.filter((one) => one.revoked === undefined && one.until > now);
  const last = named.at(-1) as IssuedRecord;
  if (open.length === 0) {
    const why =
      last.revoked === undefined ? `expired at ${toIso(last.until)}` : `is revoked since ${toIso(last.revoked.at)}`;
    throw refused(
      `${which} ${why}`,
      'Nothing has to be done, except to give brokers the newest list: atalaya-provision ca crl.',
    );
  }
  await register.append(...open.map((one) => ({ kind: 'revoked', serial: one.serial, reason, at: now }) as const));
  return open;
}

export interface MadeList {
  readonly file: string;
  readonly number: number;
  readonly until: UtcMilliseconds;
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
  const { register, now, living } = authority;
  const keys = await Promise.all(living.map((one) => authority.unlock(passphrase, one)));
  const number = (register.crl?.number ?? 0) + 1;
  const life = lifeOf(now, days);
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
  await register.append({ kind: 'crl', number, at: now, until: life.until });
  const file = authority.at(authorityPlaces.crl);
  const pem = lists.join('');
  await writeWholeFile(authority.tools.files, file, Buffer.from(pem));
  return { file, number, until: life.until, revoked: revoked.length, pem };
}

function refused(why: string, hint: string): AtalayaError {
  return new AtalayaError('usage-invalid', `nothing was revoked: ${why}`, { hint });
}
