import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemCode } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { beginAuthority, checkPlan } from '../../ca/begin-authority.ts';
import { grouped } from '../../contract/fingerprint.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { writingTo } from '../write-output.ts';
import { daysOf, newPassphrase, onPassphrase, type PassphraseFlags } from './passphrase.ts';
import { toolsOf } from './with-authority.ts';

interface InitFlags extends PassphraseFlags {
  readonly out: string;
  readonly rootOut?: string;
  readonly name: string;
  readonly passphrase: boolean;
  readonly days?: number;
  readonly rootDays: number;
}

const usualDays = 1825;

/** Adds `ca init`. */
export function addInit(ca: Command, io: ProvisionIo): void {
  onPassphrase(ca.command('init').description('make an authority'))
    .requiredOption('--out <folder>', 'where it goes; nothing stands there yet')
    .option(
      '--root-out <folder>',
      "another folder, on another stick, for the root's key; root/ in --out unless said otherwise",
    )
    .option('--name <name>', 'as it stands in certificates', 'Atalaya fleet')
    .option('--no-passphrase', 'leave the keys in clear: whoever copies the folder can make units of this fleet')
    .option(
      '--days <days>',
      `life of the authority that signs; ${usualDays} unless said otherwise, or those of a root that ends before`,
      daysOf(7300),
    )
    .option('--root-days <days>', 'life of the root', daysOf(10_950), 7300)
    .action((flags: InitFlags) => init(flags, io));
}

/** Whatever forbids it is said before a passphrase is asked for and before anything is written. */
async function init(flags: InitFlags, io: ProvisionIo): Promise<void> {
  const { name, rootDays, rootOut } = flags;
  const days = flags.days ?? Math.min(usualDays, rootDays);
  const place = rootOut === undefined ? {} : { rootFolder: await realPlace(rootOut) };
  const plan = { folder: await realPlace(flags.out), name, days, rootDays, ...place };
  await writingTo(flags.out, () => checkPlan({ ...plan, passphrase: undefined }, toolsOf(io)));
  const passphrase = flags.passphrase ? await newPassphrase(io, flags.passphraseFile) : undefined;
  const begun = await writingTo(flags.out, () => beginAuthority({ ...plan, passphrase }, toolsOf(io)));
  say(io.out, plan.folder);
  say(io.out, `root ${grouped(begun.root)}, until ${toIso(begun.rootUntil)}`);
  say(io.out, `the authority that signs, until ${toIso(begun.until)}`);
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

/** A path without the links on its way, as far as it stands: two names of one folder must not pass for two folders. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(whole) === whole) return whole;
    return join(await realPlace(dirname(whole)), basename(whole));
  }
}
