import { toIso } from '../../../device/kernel/units.ts';
import type { Authority } from '../../ca/authority.ts';
import type { IssuedRecord } from '../../ca/register.ts';
import { grouped } from '../../contract/fingerprint.ts';
import type { AddCommands } from '../exits.ts';
import { say } from '../provision-io.ts';
import { type AuthorityFlags, onAuthority, withAuthority } from './with-authority.ts';

/** Adds `ca list`. */
export const addList: AddCommands = (ca, io) => {
  onAuthority(ca.command('list').description('everything that was ever signed'))
    .option('--json', 'JSON instead of text')
    .action((flags: AuthorityFlags & { readonly json?: boolean }) =>
      withAuthority(io, flags, async (authority) => {
        say(io.out, flags.json === true ? JSON.stringify(facts(authority)) : words(authority));
      }),
    );
};

const stateOf = ({ revoked, until }: IssuedRecord, now: number): string =>
  revoked === undefined ? (until <= now ? 'expired' : 'good') : `revoked (${revoked.reason})`;

function facts(authority: Authority) {
  const { register, name, rootFingerprint, now } = authority;
  return {
    name,
    root: rootFingerprint,
    authorities: register.authorities.map(({ fingerprint, serial, until }) => ({
      fingerprint,
      serial,
      until: toIso(until),
    })),
    list: register.crl === undefined ? null : { number: register.crl.number, until: toIso(register.crl.until) },
    certificates: register.issued.map((one) => ({
      kind: one.of,
      name: one.name,
      serial: one.serial,
      key: one.key,
      issuer: one.issuer,
      from: toIso(one.from),
      until: toIso(one.until),
      state: stateOf(one, now),
    })),
  };
}

function words(authority: Authority): string {
  const { register, name, rootFingerprint, now, current } = authority;
  const list = register.crl;
  return [
    `${name}, root ${grouped(rootFingerprint)}`,
    `signs with authority ${current.serial}, until ${toIso(current.until)}${current.until <= now ? ': EXPIRED, run ca renew-intermediate' : ''}`,
    list === undefined
      ? 'no list of revoked certificates yet: atalaya-provision ca crl'
      : `list ${list.number}, until ${toIso(list.until)}${list.until <= now ? ': OUT OF DATE, brokers that have it refuse everybody' : ''}`,
    ...register.issued.map(
      (one) => `${one.of}  ${one.name}  ${one.serial}  ${toIso(one.until).slice(0, 10)}  ${stateOf(one, now)}`,
    ),
  ].join('\n');
}
