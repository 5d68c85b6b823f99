import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { authorityPlaces } from '../../ca/authority.ts';
import { isEncrypted } from '../../ca/authority-key.ts';
import { beginAuthority } from '../../ca/begin-authority.ts';
import { type RevocationReason, revocationReasons } from '../../ca/reasons.ts';
import { renewIntermediate } from '../../ca/renew-intermediate.ts';
import { publishList, revokeHolder } from '../../ca/revocation.ts';
import { grouped } from '../../contract/fingerprint.ts';
import { secretFolders } from '../../identity/folder-files.ts';
import type { AddCommands } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { addList } from './list.ts';
import { daysOf, givenPassphrase, newPassphrase, onPassphrase, type PassphraseFlags } from './passphrase.ts';
import { addSign } from './sign.ts';
import {
  type AuthorityFlags,
  onAuthority,
  onAuthorityKey,
  passphraseOf,
  toolsOf,
  withAuthority,
} from './with-authority.ts';

interface InitFlags extends PassphraseFlags {
  readonly out: string;
  readonly rootOut?: string;
  readonly name: string;
  readonly passphrase: boolean;
  readonly days: number;
  readonly rootDays: number;
}

interface ListFlags extends AuthorityFlags {
  readonly days: number;
}

interface RenewFlags extends AuthorityFlags {
  readonly root?: string;
  readonly rootPassphraseFile?: string;
  readonly days: number;
  readonly retire?: boolean;
}

/** Adds `ca`: the authority that units, bridges and brokers have their certificates from. Works without a network. */
export const addAuthority: AddCommands = (root, io, leave) => {
  const ca = root
    .command('ca')
    .description('the authority that certificates come from: a folder, on a stick that lies in a safe');
  onPassphrase(ca.command('init').description('make an authority'))
    .requiredOption('--out <folder>', 'where it goes; nothing stands there yet')
    .option(
      '--root-out <folder>',
      "another folder, on another stick, for the root's key; root/ in --out unless said otherwise",
    )
    .option('--name <name>', 'as it stands in certificates', 'Atalaya fleet')
    .option('--no-passphrase', 'leave the keys in clear: whoever copies the folder can make units of this fleet')
    .option('--days <days>', 'life of the authority that signs', daysOf(7300), 1825)
    .option('--root-days <days>', 'life of the root', daysOf(10_950), 7300)
    .action((flags: InitFlags) => init(flags, io));
  addSign(ca, io, leave);
  onAuthority(ca.command('revoke').description('take a certificate back; brokers know it from the next list on'))
    .argument('<which>', 'serial number, or name')
    .addOption(new Option('--reason <reason>', 'why').choices(revocationReasons).makeOptionMandatory())
    .action((which: string, flags: AuthorityFlags & { readonly reason: RevocationReason }) => revoke(which, flags, io));
  onAuthorityKey(ca.command('crl').description('make the list of revoked certificates, for the brokers'))
    .option('--days <days>', 'brokers refuse everybody when it is older', daysOf(365), 30)
    .action((flags: ListFlags) => crl(flags, io));
  addList(ca, io, leave);
  onAuthorityKey(
    ca.command('renew-intermediate').description("put a new authority below the root, with the root's key"),
  )
    .option('--root <folder>', "where the root's key lies; root/ in the authority unless said otherwise")
    .option(
      '--root-passphrase-file <file>',
      'its first line is the passphrase of the root key; as the other unless said otherwise',
    )
    .option('--days <days>', 'life of the new authority', daysOf(7300), 1825)
    .option(
      '--retire',
      'the key of the old authority was stolen: brokers refuse all that it signed, from the next list on',
    )
    .action((flags: RenewFlags) => renew(flags, io));
};

async function init(flags: InitFlags, io: ProvisionIo): Promise<void> {
  const passphrase = flags.passphrase ? await newPassphrase(io, flags.passphraseFile) : undefined;
  const { name, days, rootDays } = flags;
  const plan = { folder: resolve(flags.out), name, passphrase, days, rootDays };
  const place = flags.rootOut === undefined ? {} : { rootFolder: resolve(flags.rootOut) };
  const begun = await beginAuthority({ ...plan, ...place }, toolsOf(io));
  say(io.out, resolve(flags.out));
  say(io.out, `root ${grouped(begun.root)}`);
  if (passphrase === undefined) {
    say(
      io.err,
      'The keys lie in clear. Whoever copies this folder can make units of this fleet, and nobody will see it.',
    );
  }
  say(
    io.err,
    `The root's key is ${begun.rootKey}: put it on a stick of its own, and that into a safe. It is needed for renew-intermediate alone.`,
  );
  say(io.err, 'Keep a copy of the folder. The next list for the brokers: atalaya-provision ca crl');
}

async function revoke(
  which: string,
  flags: AuthorityFlags & { readonly reason: RevocationReason },
  io: ProvisionIo,
): Promise<void> {
  await withAuthority(io, flags, async (authority) => {
    const revoked = await revokeHolder(authority, which, flags.reason);
    for (const { name, serial } of revoked) say(io.out, `revoked ${name} ${serial}`);
  });
  say(io.err, `Brokers still let it in. Make the list and give it to them: atalaya-provision ca crl --ca ${flags.ca}`);
}

async function crl(flags: ListFlags, io: ProvisionIo): Promise<void> {
  await withAuthority(io, flags, async (authority) => {
    const list = await publishList(authority, flags.days, await passphraseOf(io, authority, flags));
    say(io.out, list.file);
    say(io.out, `number ${list.number}, ${list.revoked} revoked, good until ${toIso(list.until)}`);
    say(
      io.err,
      `Give it to every broker before then and have it read again (Mosquitto: SIGHUP): with a list that is out of date a broker refuses everybody.`,
    );
  });
}

async function renew(flags: RenewFlags, io: ProvisionIo): Promise<void> {
  await withAuthority(io, flags, async (authority) => {
    const passphrase = await passphraseOf(io, authority, flags);
    const rootKey = join(flags.root ?? authority.at(authorityPlaces.rootFolder), authorityPlaces.rootKey);
    const text = await readWholeFile(secretFolders, rootKey);
    const other = flags.rootPassphraseFile;
    const asked =
      text !== undefined && isEncrypted(text.toString()) && (other !== undefined || passphrase === undefined);
    const rootPassphrase = asked ? await givenPassphrase(io, other, 'the root') : passphrase;
    const { until, serial } = await renewIntermediate(authority, {
      rootKey,
      rootPassphrase,
      passphrase,
      days: flags.days,
      retire: flags.retire === true,
    });
    say(io.out, `authority ${serial}, until ${toIso(until)}`);
    say(
      io.err,
      flags.retire === true
        ? 'The old authority is retired: make a list for the brokers now, and enrol every unit again.'
        : 'Units that have a certificate keep it; those who are signed from now on have it from the new authority. Make a list for the brokers now: a certificate of the new authority is refused without one.',
    );
  });
}
