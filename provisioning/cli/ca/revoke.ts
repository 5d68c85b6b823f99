import { type Command, Option } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { type HolderKind, holderKinds, holderWords } from '../../ca/names.ts';
import { type RevocationReason, revocationReasons } from '../../ca/reasons.ts';
import type { IssuedRecord } from '../../ca/register.ts';
import { findRevocable, revokeHolder } from '../../ca/revocation.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { type AuthorityFlags, onAuthority, withAuthority } from './with-authority.ts';

interface RevokeFlags extends Pick<AuthorityFlags, 'ca'> {
  readonly reason: RevocationReason;
  readonly kind?: HolderKind;
  readonly confirm?: string;
}

/** Adds `ca revoke`. */
export function addRevoke(ca: Command, io: ProvisionIo): void {
  onAuthority(
    ca
      .command('revoke')
      .description(
        'take a certificate back; brokers know it from the next list on. It needs no passphrase: the register alone is written, and `ca crl` signs the list',
      ),
  )
    .argument('<which>', 'serial number, or name')
    .addOption(new Option('--reason <reason>', 'why').choices(revocationReasons).makeOptionMandatory())
    .addOption(new Option('--kind <kind>', 'whose it is, where several have the name').choices(holderKinds))
    .option('--confirm <name>', 'what would be typed when asked: the name in the certificate once more')
    .action((which: string, flags: RevokeFlags) => revoke(which, flags, io));
}

async function revoke(which: string, flags: RevokeFlags, io: ProvisionIo): Promise<void> {
  const of = await withAuthority(io, flags, async (authority) => {
    const found = findRevocable(authority, which, flags.kind);
    await confirm(found, flags, io);
    const revoked = await revokeHolder(authority, which, flags.reason, flags.kind);
    for (const { name, serial } of revoked) say(io.out, `revoked ${name} ${serial}`);
    return found[0].of;
  });
  const still = of === 'unit' || of === 'bridge' ? 'Brokers still let it in.' : 'Nobody knows of it yet.';
  say(io.err, `${still} Make the list and give it to the brokers: atalaya-provision ca crl --ca ${flags.ca}`);
}

/** It cannot be taken back, and cuts off whoever runs with it: the name is typed once more. Throws `usage-invalid`. */
async function confirm(
  found: readonly [IssuedRecord, ...IssuedRecord[]],
  flags: RevokeFlags,
  io: ProvisionIo,
): Promise<void> {
  const { name } = found[0];
  for (const { of, serial, until } of found) say(io.err, `${holderWords[of]} ${name} ${serial}, until ${toIso(until)}`);
  if (flags.confirm === undefined && io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is here to confirm what is revoked; nothing was', {
      hint: `Add --confirm ${name}`,
    });
  }
  const typed =
    flags.confirm ??
    (await io.ask?.(`Whoever runs with it is cut off for good. Type the name (${name}) to revoke it: `)) ??
    '';
  if (typed.trim() === name) return;
  throw new AtalayaError('usage-invalid', `that is not ${name}; nothing was revoked`, {
    hint: 'Look again which it is: atalaya-provision ca list',
  });
}
