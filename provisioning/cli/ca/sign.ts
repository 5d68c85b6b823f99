import { resolve } from 'node:path';
import { Option } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type HolderKind, holderKinds, isServer } from '../../ca/names.ts';
import { signHolder } from '../../ca/sign-holder.ts';
import { readSigningRequest } from '../../ca/signing-request.ts';
import { type AddCommands, exit } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { checkOutput, writeOutput } from '../write-output.ts';
import { daysOf } from './passphrase.ts';
import { readRequest } from './read-request.ts';
import { renew } from './renew.ts';
import { tell } from './tell-signed.ts';
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
export const addSign: AddCommands = (ca, io, leave) => {
  onAuthorityKey(
    ca
      .command('sign')
      .description(
        'sign a request: a certificate for a unit, a bridge, a broker, or the HTTPS server of the centre (api)',
      ),
  )
    .argument('<request>', 'PKCS#10 in PEM; with --renew the request for renewal of a unit (JSON), or a folder of such')
    .addOption(new Option('--kind <kind>', 'whose it is').choices(holderKinds).default('unit'))
    .option(
      '--name <name>',
      'name of the unit or bridge, host name of the server; the CN of the request unless said otherwise',
    )
    .option(
      '--host <name>',
      'further name or address of a server; may be given again',
      (one, all: string[]) => [...all, one],
      [],
    )
    .option('--days <days>', 'life of the certificate', daysOf(1825), 365)
    .option(
      '--out <file>',
      'write certificate and authority there too; with --renew the grant, or the folder of grants',
    )
    .option('--renew', 'a unit asks for its next certificate: what is written is a grant for it')
    .action(async (request: string, flags: SignFlags) => {
      if (flags.renew !== true) return sign(request, flags, io);
      if (!(await renew(request, flags, io))) leave(exit.failed);
    });
};

async function sign(path: string, flags: SignFlags, io: ProvisionIo): Promise<void> {
  const { kind, days, host, out } = flags;
  if (!isServer(kind) && host.length > 0) {
    throw new AtalayaError('usage-invalid', '--host is for servers', {
      hint: 'Leave it out, or say --kind broker or --kind api.',
    });
  }
  const request = await readSigningRequest(await readRequest(path), kind);
  const name = flags.name ?? request.name;
  if (name === undefined) {
    throw new AtalayaError('usage-invalid', 'the request has no name, and none was given', {
      hint: isServer(kind)
        ? 'Say which host it is: --name broker.example'
        : `Say which ${kind} it is: --name ${kind === 'unit' ? 'north' : kind}-1`,
    });
  }
  if (out !== undefined) await checkOutput(out);
  await withAuthority(io, flags, async (authority) => {
    const key = await authority.unlock(await passphraseOf(io, authority, flags));
    const signed = await signHolder(authority, key, { kind, name, request, days, hosts: host });
    if (out !== undefined) await writeOutput(out, signed.chain);
    say(io.out, out === undefined ? signed.file : resolve(out));
    tell(signed, io);
  });
}
