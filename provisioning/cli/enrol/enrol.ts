import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { faultsOf, readJson } from '../../../cloud-bridge/contract/read-json.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Authority } from '../../ca/authority.ts';
import type { AuthorityKey } from '../../ca/authority-key.ts';
import { checkHolderName } from '../../ca/names.ts';
import { signHolder } from '../../ca/sign-holder.ts';
import { type CheckedRequest, readSigningRequest } from '../../ca/signing-request.ts';
import type { UnitIdentity } from '../../contract/enrolment.ts';
import {
  type EnrolmentRequest,
  enrolmentRequest,
  longestEnrolmentDocument,
} from '../../contract/enrolment-documents.ts';
import { grouped, sameFingerprint, typedDigits } from '../../contract/fingerprint.ts';
import { wipeWords } from '../../contract/wipe-words.ts';
import { composeGrant } from '../../enrol/compose-grant.ts';
import { changesConfiguration } from '../../enrol/identity-files.ts';
import { readEnrolmentUri } from '../../identity/enrolment-code.ts';
import { daysOf, withPassphrase } from '../ca/passphrase.ts';
import { tell } from '../ca/tell-signed.ts';
import { type AuthorityFlags, onAuthorityKey, withAuthority } from '../ca/with-authority.ts';
import type { AddCommands } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { tries } from '../tries.ts';
import { writeOutput } from '../write-output.ts';
import { brokerWords } from './broker-words.ts';
import { type PartFlags, readGrantParts } from './grant-parts.ts';
import { anewWords, sceneWords } from './scene-words.ts';
import { askUnit, unitAddress } from './unit-calls.ts';

interface EnrolFlags extends AuthorityFlags, PartFlags {
  readonly unit: string;
  readonly request?: string;
  readonly grantOut?: string;
  readonly fingerprint?: string;
  readonly days: number;
}

/** Adds `enrol`. */
export const addEnrol: AddCommands = (root, io) => {
  onAuthorityKey(
    root.command('enrol').description('make a unit one of the fleet: compare its key, sign it, give it what it needs'),
  )
    .argument('[address]', "the unit's local page, such as http://192.168.1.20:9465; or --request and --grant-out")
    .requiredOption('--unit <name>', 'the name that it gets, or has')
    .option('--request <file>', 'what the unit wrote (request JSON, or PKCS#10 in PEM), instead of the address')
    .option('--grant-out <file>', 'write the grant there, for a stick, instead of giving it to the unit')
    .option(
      '--fingerprint <digits>',
      'what the screen of the unit shows: all 64 digits, the last eight, or the text of the QR code',
    )
    .option('--days <days>', 'life of the certificate', daysOf(1825), 365)
    .option('--site <words>', 'where it stands')
    .option('--broker <url>', 'mqtts://HOST:PORT')
    .option('--broker-ca <file>', "authorities of the broker's certificate (PEM), where they are not this authority's")
    .option('--trust <file>', 'who may configure and command it: the signed trust document')
    .option('--root-key <file>', 'root.public.pem of the key that signed the trust document')
    .option('--recipients <file>', 'age recipients of the authority that opens evidence, a line each')
    .option('--witnesses <file>', 'verifier keys of the witnesses, a line each')
    .option('--config <file>', 'first configuration (YAML); paths in it are absolute')
    .option('--scene <file>', 'its scene, drawn and calibrated')
    .option('--references <file>', 'what `calibrate references` wrote for that scene')
    .option('--no-references', 'take away those that the unit has')
    .option(
      '--update-root <name=file>',
      'root metadata of an update repository; may be given again',
      (one, all: string[] = []) => [...all, one],
    )
    .action((address: string | undefined, flags: EnrolFlags) => enrol(address, flags, io));
};

async function enrol(given: string | undefined, flags: EnrolFlags, io: ProvisionIo): Promise<void> {
  if (
    (given === undefined) === (flags.request === undefined) ||
    (given === undefined && flags.grantOut === undefined)
  ) {
    throw new AtalayaError('usage-invalid', 'a unit is enrolled over its address, or by files', {
      hint: 'Give its address, or --request and --grant-out.',
    });
  }
  checkHolderName('unit', flags.unit);
  const parts = await readGrantParts(flags, flags.unit, io.clock);
  const address = given === undefined ? undefined : unitAddress(given);
  const asked: Asked =
    address === undefined ? await readRequestFile(flags.request ?? '') : await askUnit(io.exchange, address, 'request');
  const request = await readSigningRequest(asked.csr, 'unit');
  checkRequest(asked, request, flags.unit);
  await compare(asked.identity, request, flags, io);
  await withAuthority(io, flags, async (authority) => {
    checkAuthorityOf(asked.identity, authority.rootFingerprint);
    const key = await unlocked(authority, flags, io);
    const signed = await signHolder(authority, key, { kind: 'unit', name: flags.unit, request, days: flags.days });
    const grant = composeGrant(
      {
        unit: flags.unit,
        chain: signed.chain,
        authorities: authority.authoritiesPem(),
        parts,
        enrolled: asked.identity?.enrolled,
        registered: authority.register.last,
        now: authority.now,
      },
      key,
    );
    const text = `${JSON.stringify(grant)}\n`;
    tell(signed, io);
    if (flags.grantOut !== undefined) await writeOutput(flags.grantOut, text);
    if (address === undefined || flags.grantOut !== undefined) {
      say(io.out, resolve(flags.grantOut ?? ''));
      say(io.err, 'Take it to the unit; it puts all of it in place or nothing.');
    } else {
      const { enrolled, scene, broker } = await askUnit(io.exchange, address, 'grant', text);
      say(io.out, `enrolled ${enrolled.unit}, grant ${enrolled.version}, until ${enrolled.expires}`);
      for (const words of [...sceneWords(enrolled.unit, scene), ...brokerWords(broker)]) say(io.out, words);
      if (asked.identity?.enrolled !== undefined && changesConfiguration(parts)) {
        const drawn = parts.scene ?? parts.references;
        say(io.out, anewWords(enrolled.unit, drawn === undefined ? 'configuration' : 'scene'));
      }
    }
    say(
      io.err,
      `The unit's screen shows under which authority it is now. It has to be: ${grouped(authority.rootFingerprint)}`,
    );
  });
}

/** Opens the authority's key; whoever types the passphrase has three tries. */
async function unlocked(authority: Authority, { passphraseFile }: EnrolFlags, io: ProvisionIo): Promise<AuthorityKey> {
  if (!(await authority.encrypted())) return authority.unlock(undefined);
  return withPassphrase(io, passphraseFile, 'the authority', (passphrase) => authority.unlock(passphrase));
}

type Asked = Pick<EnrolmentRequest, 'csr'> & { readonly identity: UnitIdentity | undefined };

async function readRequestFile(path: string): Promise<Asked> {
  const text = await readFile(resolve(path), 'utf8').catch((error: unknown) => {
    throw new AtalayaError('usage-invalid', `the request ${path} cannot be read`, {
      hint: 'Check --request, and whether the stick is mounted.',
      cause: error,
    });
  });
  if (text.length > longestEnrolmentDocument) throw refused(path, 'it is too long');
  if (/^\s*-----BEGIN/.test(text)) return { csr: text, identity: undefined };
  const json = readJson(text);
  if (json.kind === 'refused') throw refused(path, json.detail);
  const read = enrolmentRequest.safeParse(json.value);
  if (read.success) return { csr: read.data.csr, identity: read.data.identity };
  throw refused(path, faultsOf(read.error));
}

function checkRequest({ identity: said }: Asked, request: CheckedRequest, unit: string): void {
  if (said === undefined) return;
  if (said.fingerprint !== request.fingerprint) {
    throw new AtalayaError(
      'key-mismatch',
      "the request is for another key than the one that the unit names: it is another unit's, or was exchanged on the way",
      {
        hint: 'Connect the laptop to the unit alone, and begin again.',
      },
    );
  }
  if (said.enrolled !== undefined && said.enrolled.unit !== unit) {
    throw new AtalayaError('usage-invalid', `this unit is ${said.enrolled.unit} already, and was to be ${unit}`, {
      hint: `Say --unit ${said.enrolled.unit}, or check which unit this is; a unit that changes its name is wiped first (${wipeWords}).`,
    });
  }
}

function checkAuthorityOf(said: UnitIdentity | undefined, root: string): void {
  if (said?.enrolled === undefined || said.enrolled.authority === root) return;
  throw new AtalayaError(
    'key-mismatch',
    `this unit is enrolled under the authority ${grouped(said.enrolled.authority.slice(0, 16))}, and --ca is ${grouped(root.slice(0, 16))}`,
    {
      hint: `Name the folder of its authority, or have the unit wiped (${wipeWords}).`,
    },
  );
}

/** A person, or the caller, compares what the network says with what the unit's own screen shows. Throws `key-mismatch`, `usage-invalid`. */
async function compare(
  said: UnitIdentity | undefined,
  request: CheckedRequest,
  { fingerprint: given }: EnrolFlags,
  io: ProvisionIo,
): Promise<void> {
  const shown = grouped(request.fingerprint.slice(0, -typedDigits));
  say(
    io.err,
    `serial ${said?.serial ?? request.serial ?? 'unknown'}${said === undefined ? '' : ` (from ${said.serialFrom}), key in ${said.keptIn === 'tpm' ? 'its TPM' : 'a file'}`}`,
  );
  say(io.err, `fingerprint ${shown} .... ....`);
  if (given === undefined && io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is there to compare the fingerprint', {
      hint: 'Give what the screen of the unit shows: --fingerprint',
    });
  }
  if (given !== undefined) {
    checkDigits(readEnrolmentUri(given)?.fingerprint ?? given, request);
    return;
  }
  const question = `Type the last ${typedDigits} digits that the unit's own screen shows: `;
  await tries(
    io,
    async () => checkDigits((await io.ask?.(question)) ?? '', request),
    (error) => isAtalayaError(error, 'key-mismatch') || isAtalayaError(error, 'usage-invalid'),
  );
}

function checkDigits(given: string, request: CheckedRequest): void {
  if (sameFingerprint(given, request.fingerprint)) return;
  throw new AtalayaError(
    'key-mismatch',
    'this is not the fingerprint of the key that was asked to be signed; nothing was signed',
    {
      hint: 'Look at the screen again. If the digits do differ, something between laptop and unit is not what it seems: connect the two alone.',
    },
  );
}

function refused(path: string, why: string): AtalayaError {
  return new AtalayaError('document-refused', `${path} is no request of a unit: ${why}`, {
    hint: 'Have the unit write it again.',
  });
}
