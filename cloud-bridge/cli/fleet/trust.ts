import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { Trust } from '../../contract/acts.ts';
import { signerOf } from '../../contract/person-key.ts';
import { type Role, roles } from '../../contract/roles.ts';
import { CentreRefusal } from '../../fleet/fleet-client.ts';
import { readKeyFile } from '../../fleet/key-files.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Column } from '../../fleet/table.ts';
import { counted, safeJson, timeWords } from '../../fleet/text.ts';
import {
  emptyTrust,
  hasOtherRoot,
  idOf,
  readTrustDraft,
  signTrust,
  type TrustDraft,
  withoutPerson,
  withPerson,
} from '../../fleet/trust-draft.ts';
import type { AddCommands } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { requirePermission } from './permitted.ts';
import { type CentreFlags, onCentre, Printer, type Session, say, withCentre } from './session.ts';
import { numberOf } from './words.ts';

interface FileFlags {
  readonly file: string;
}

interface AddFlags extends FileFlags {
  readonly name: string;
  readonly role: Role;
  readonly publicKey: string;
}

interface SignFlags extends FileFlags {
  readonly root: string;
  readonly days?: number;
  readonly newRoot?: boolean;
}

interface ListFlags extends CentreFlags {
  readonly file?: string;
}

/** How somebody is written into a trust document. */
export const addCall = `${fleetProgram} trust add --file FILE --name NAME --role ROLE --public-key FILE`;

/** Adds `trust`: who may do what, written in a file, signed with the root key, presented to the centre. */
export const addTrust: AddCommands = (root, io) => {
  const trust = root.command('trust').description('who may do what: a document that the root key signs');
  const onFile = (command: Command): Command => command.requiredOption('--file <file>', 'the trust document (JSON)');
  onFile(trust.command('add').description('write a person into it; sign it afterwards'))
    .requiredOption('--name <name>', 'name of the person, as it stands in audit logs')
    .addOption(new Option('--role <role>', 'what the person may do').choices(roles).makeOptionMandatory())
    .requiredOption('--public-key <file>', 'public half of the key (PEM)')
    .action((flags: AddFlags) => addPerson(flags, io));
  onFile(trust.command('remove').description('take a person out of it; sign it afterwards'))
    .requiredOption('--name <name>', 'name of the person')
    .action((flags: FileFlags & { readonly name: string }) => remove(flags, io));
  onFile(trust.command('sign').description('sign it with the root key, as the next version'))
    .requiredOption('--root <file>', 'the private half of the root key (PEM)')
    .option('--days <number>', 'it counts for so many days; for ever unless said otherwise', numberOf(0.01, 36_500))
    .option('--new-root', 'by another root key than the version before: units and bridges are given it by hand')
    .action((flags: SignFlags) => sign(flags, io));
  onCentre(onFile(trust.command('push').description('present the signed document to the centre'))).action(
    (flags: FileFlags & CentreFlags) => push(flags, io),
  );
  onCentre(trust.command('list').description('who may do what, at the centre or in a file'))
    .option('--file <file>', 'of this file instead')
    .action((flags: ListFlags) => list(flags, io));
};

/** Writes a person into a trust document, beginning one where there is none. Throws `usage-invalid`, `key-invalid`, `document-refused`. */
export async function addPerson({ file, name, role, publicKey }: AddFlags, io: FleetIo): Promise<void> {
  const key = await readFile(resolve(publicKey), 'utf8').catch((error: unknown) => {
    throw new AtalayaError('usage-invalid', `the public key ${publicKey} cannot be read`, {
      hint: 'Check --public-key.',
      cause: error,
    });
  });
  const before = (await readTrustFile(file)) ?? emptyTrust(io.clock.utc());
  await writeTrustFile(file, withPerson(before, { name, role, publicKey: key.trim() }));
  say(io.out, io, `${name} is written into ${file} as ${role}`);
  say(io.err, io, `It counts once it is signed: ${fleetProgram} trust sign --file ${file} --root FILE`);
}

async function remove({ file, name }: FileFlags & { readonly name: string }, io: FleetIo): Promise<void> {
  await writeTrustFile(file, withoutPerson(await presentTrust(file), name));
  say(io.out, io, `${name} is taken out of ${file}`);
  say(io.err, io, `It counts once it is signed: ${fleetProgram} trust sign --file ${file} --root FILE`);
}

async function sign({ file, root, days, newRoot = false }: SignFlags, io: FleetIo): Promise<void> {
  const before = await presentTrust(file);
  const signer = signerOf(
    await readKeyFile(
      resolve(root),
      `Name the file of the root key; ${fleetProgram} new-root --out ${root} makes a new one.`,
    ),
  );
  const now = io.clock.utc();
  const expires = days === undefined ? {} : { expires: toIso(utcMilliseconds(now + days * 86_400_000)) };
  const signed = await signTrust(before, { now, ...expires, newRoot }, signer);
  await writeTrustFile(file, signed);
  const people = counted(signed.people.length, 'person', 'people');
  say(io.out, io, `${file} is version ${signed.version}, of ${people}, signed by ${signer.id.slice(0, 16)}`);
  if (hasOtherRoot(before, signer)) {
    say(
      io.err,
      io,
      'It is signed by a new root key: give the public half of it (trust.rootKey, cloud.rootKey) and this document to every bridge and every unit by hand; until then they refuse it.',
    );
    return;
  }
  say(io.err, io, `Give it to the units, and present it to the centre: ${fleetProgram} trust push --file ${file}`);
}

async function push({ file, ...flags }: FileFlags & CentreFlags, io: FleetIo): Promise<void> {
  const trust = await presentTrust(file);
  if (trust.signature === undefined) {
    throw new AtalayaError('usage-invalid', `${file} is not signed`, {
      hint: `Run: ${fleetProgram} trust sign --file ${file} --root FILE`,
    });
  }
  await withCentre(io, flags, async (session) => {
    const present = await trustOfCentre(session);
    if (present !== undefined) requireSameRoot(file, trust, present);
    // One that is signed has no `lastSignedBy`.
    const asked = session.client.call('putTrust', { parameters: {}, body: { trust } }, io.signal);
    const answer = await asked.catch((error: unknown) => {
      if (!(error instanceof CentreRefusal && error.reason === 'document-refused')) throw error;
      throw new AtalayaError(error.code, error.message, {
        hint: `Hold them side by side: ${fleetProgram} trust list, and: ${fleetProgram} trust list --file ${file}`,
        cause: error,
      });
    });
    session.tell(answer);
    session.say(`the centre has version ${answer.version} of the trust document`);
  });
}

/**
 * The trust document that counts at the centre, where the caller may change it. Undefined where the centre says it to nobody, or not to the
 * caller: the end of one has passed, there is none yet, or it is the next one that names the caller. Then the centre judges by that one.
 * Throws `act-refused`.
 */
async function trustOfCentre(session: Session): Promise<Trust | undefined> {
  try {
    return await requirePermission(session, 'rollout.run', 'change who is trusted');
  } catch (error) {
    if (error instanceof CentreRefusal && unsaid.has(error.reason)) return undefined;
    throw error;
  }
}

const unsaid: ReadonlySet<string> = new Set(['trust-expired', 'no-trust', 'unknown-key']);

/** The bridge believes the root key that it was given, and no document can give it another. Throws `key-wrong`. */
function requireSameRoot(file: string, { signature: one }: TrustDraft, { signature: other }: TrustDraft): void {
  if (one === undefined || other === undefined || one.key === other.key) return;
  const [given, believed] = [one.key.slice(0, 16), other.key.slice(0, 16)];
  throw new AtalayaError(
    'key-wrong',
    `${file} is signed by the root key ${given}, and the centre believes ${believed}`,
    {
      hint: `Sign with that root key: ${fleetProgram} trust sign --file ${file} --root FILE\n  Where the new root key is meant, whoever keeps the bridge gives it the public half and the document (trust.rootKey, trust.document).`,
    },
  );
}

async function list({ file, ...flags }: ListFlags, io: FleetIo): Promise<void> {
  if (file !== undefined) return show(new Printer(io, flags.json === true), await presentTrust(file));
  await withCentre(io, flags, async (session) => {
    show(session, (await session.client.call('trust', { parameters: {} }, io.signal)).trust);
  });
}

const columns: readonly Column[] = [{ head: 'name', wraps: true }, { head: 'role' }, { head: 'key' }];

function show(session: Printer, trust: TrustDraft): void {
  session.tell(trust);
  const signed = trust.signature === undefined ? 'not signed yet' : `signed by ${trust.signature.key.slice(0, 16)}`;
  const until = trust.expires === undefined ? '' : `, until ${timeWords(trust.expires)}`;
  session.say(`version ${trust.version}, ${signed}, issued ${timeWords(trust.issued)}${until}`);
  session.show(
    columns,
    trust.people.map(({ name, role, publicKey }) => [
      { text: name },
      { text: role },
      { text: idOf(publicKey)?.slice(0, 16) ?? 'no key' },
    ]),
    `nobody is in it. Write the first person into it: ${addCall}`,
  );
}

async function presentTrust(file: string): Promise<TrustDraft> {
  const trust = await readTrustFile(file);
  if (trust !== undefined) return trust;
  throw new AtalayaError('usage-invalid', `there is no trust document ${file}`, {
    hint: `Check --file; one is begun with: ${addCall}`,
  });
}

async function readTrustFile(file: string): Promise<TrustDraft | undefined> {
  try {
    return readTrustDraft(await readFile(resolve(file), 'utf8'), file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (error instanceof AtalayaError) throw error;
    throw new AtalayaError('usage-invalid', `${file} cannot be read`, { hint: 'Check --file.', cause: error });
  }
}

async function writeTrustFile(file: string, trust: TrustDraft): Promise<void> {
  await writeWholeFile(systemFiles, resolve(file), Buffer.from(`${safeJson(trust, 2)}\n`));
}
