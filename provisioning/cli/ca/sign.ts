import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { type HolderKind, holderKinds } from '../../ca/names.ts';
import { type SignedHolder, signHolder } from '../../ca/sign-holder.ts';
import { readSigningRequest } from '../../ca/signing-request.ts';
import { longestEnrolmentDocument } from '../../contract/enrolment-documents.ts';
import { checkRenewal } from '../../enrol/check-renewal.ts';
import { composeGrant } from '../../enrol/compose-grant.ts';
import type { AddCommands } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { daysOf } from './passphrase.ts';
import { type AuthorityFlags, onAuthorityKey, passphraseOf, withAuthority } from './with-authority.ts';

interface SignFlags extends AuthorityFlags {
  readonly kind: HolderKind;
  readonly name?: string;
  readonly host: readonly string[];
  readonly days: number;
  readonly out?: string;
  readonly renew?: boolean;
}

/** Adds `ca sign`. */
export const addSign: AddCommands = (ca, io) => {
  onAuthorityKey(ca.command('sign').description('sign a request: a certificate for a unit, a bridge or a broker'))
    .argument('<request>', 'PKCS#10 in PEM; with --renew the request for renewal that a unit wrote (JSON)')
    .addOption(new Option('--kind <kind>', 'whose it is').choices(holderKinds).default('unit'))
    .option(
      '--name <name>',
      'name of the unit or bridge, host name of the broker; the CN of the request unless said otherwise',
    )
    .option(
      '--host <name>',
      'further name or address of a broker; may be given again',
      (one, all: string[]) => [...all, one],
      [],
    )
    .option('--days <days>', 'life of the certificate', daysOf(1825), 365)
    .option('--out <file>', 'write certificate and authority there too; with --renew the grant')
    .option('--renew', 'a unit asks for its next certificate: what is written is a grant for it')
    .action((request: string, flags: SignFlags) =>
      flags.renew === true ? renew(request, flags, io) : sign(request, flags, io),
    );
};

async function sign(path: string, flags: SignFlags, io: ProvisionIo): Promise<void> {
  const { kind, days, host, out } = flags;
  if (kind !== 'broker' && host.length > 0) {
    throw new AtalayaError('usage-invalid', '--host is for brokers', { hint: 'Leave it out, or say --kind broker.' });
  }
  const request = await readSigningRequest(await readRequest(path), kind);
  const name = flags.name ?? request.name;
  if (name === undefined) {
    throw new AtalayaError('usage-invalid', 'the request has no name, and none was given', {
      hint: 'Say which unit it is: --name north-1',
    });
  }
  await withAuthority(io, flags, async (authority) => {
    const key = await authority.unlock(await passphraseOf(io, authority, flags));
    const signed = await signHolder(authority, key, { kind, name, request, days, hosts: host });
    if (out !== undefined) await writeWholeFile(systemFiles, resolve(out), Buffer.from(signed.chain));
    say(io.out, out === undefined ? signed.file : resolve(out));
    tell(signed, io);
  });
}

async function renew(path: string, flags: SignFlags, io: ProvisionIo): Promise<void> {
  const { days, out } = flags;
  if (out === undefined) {
    throw new AtalayaError('usage-invalid', 'the grant has no place to go', { hint: 'Say --out grant.json.' });
  }
  const text = await readRequest(path);
  await withAuthority(io, flags, async (authority) => {
    const { register, now } = authority;
    const asked = checkRenewal(text, register, now);
    const request = await readSigningRequest(asked.csr, 'unit');
    const key = await authority.unlock(await passphraseOf(io, authority, flags));
    const signed = await signHolder(authority, key, { kind: 'unit', name: asked.unit, request, days, renews: true });
    const grant = composeGrant(
      {
        unit: asked.unit,
        chain: signed.chain,
        authorities: authority.authoritiesPem(),
        parts: {},
        enrolled: asked.enrolled,
        registered: register.last,
        now,
      },
      key,
    );
    await writeWholeFile(systemFiles, resolve(out), Buffer.from(`${JSON.stringify(grant)}\n`));
    say(io.out, resolve(out));
    tell(signed, io);
  });
}

export function tell({ record, again, cut }: SignedHolder, io: ProvisionIo): void {
  const { of, name, serial, until } = record;
  say(io.out, `${of} ${name} ${serial}, until ${toIso(until)}`);
  if (again) say(io.err, 'This request was signed before: it is the same certificate.');
  if (cut)
    say(io.err, 'It ends with the authority that signs. Renew that in time: atalaya-provision ca renew-intermediate');
}

async function readRequest(path: string): Promise<string> {
  try {
    const text = await readFile(resolve(path), 'utf8');
    if (text.length <= longestEnrolmentDocument) return text;
  } catch (error) {
    throw new AtalayaError('usage-invalid', `the request ${path} cannot be read`, {
      hint: 'Check the path, and whether the stick is mounted.',
      cause: error,
    });
  }
  throw new AtalayaError('document-refused', `${path} is too long for a request`, { hint: 'Check the path.' });
}
