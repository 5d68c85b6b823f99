import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { authorityPlaces } from '../../ca/authority.ts';
import { isEncrypted } from '../../ca/authority-key.ts';
import { renewIntermediate } from '../../ca/renew-intermediate.ts';
import { publishList } from '../../ca/revocation.ts';
import { secretFolders } from '../../identity/folder-files.ts';
import type { AddCommands } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { addInit } from './init.ts';
import { addList } from './list.ts';
import { daysOf, givenPassphrase } from './passphrase.ts';
import { addRevoke } from './revoke.ts';
import { addSign } from './sign.ts';
import { type AuthorityFlags, onAuthorityKey, passphraseOf, withAuthority } from './with-authority.ts';

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
  addInit(ca, io);
  addSign(ca, io, leave);
  addRevoke(ca, io);
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

async function crl(flags: ListFlags, io: ProvisionIo): Promise<void> {
  await withAuthority(io, flags, async (authority) => {
    const list = await publishList(authority, flags.days, await passphraseOf(io, authority, flags));
    say(io.out, list.file);
    say(
      io.out,
      `number ${list.number}, ${list.revoked} revoked, good until ${toIso(list.until)}${list.cut ? ', when the authority that signed it ends' : ''}`,
    );
    if (list.cut) {
      say(
        io.err,
        `Not the ${flags.days} days of --days: from the authority's end on brokers refuse everybody, whatever list they have. Renew it in time: atalaya-provision ca renew-intermediate`,
      );
    }
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
    const cut = until >= Date.parse(new X509Certificate(authority.root).validTo);
    say(io.out, `authority ${serial}, until ${toIso(until)}${cut ? ', when its root ends' : ''}`);
    say(
      io.err,
      flags.retire === true
        ? 'The old authority is retired: make a list for the brokers now, and enrol every unit again.'
        : 'Units that have a certificate keep it; those who are signed from now on have it from the new authority. Make a list for the brokers now: a certificate of the new authority is refused without one.',
    );
  });
}
