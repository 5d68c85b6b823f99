import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { serveEnrolment } from '../../../device/panel/enrolment-server.ts';
import type { UnitIdentity } from '../../contract/enrolment.ts';
import {
  type EnrolmentAnswer,
  enrolmentAnswers,
  enrolmentRefusal,
  enrolmentRoutes,
} from '../../contract/enrolment-routes.ts';
import { grouped } from '../../contract/fingerprint.ts';
import { handleEnrolment } from '../../enrol/handle-enrolment.ts';
import { claimWindow, UnitEnrolment } from '../../enrol/unit-enrolment.ts';
import { readBoardSerial } from '../../identity/board-serial.ts';
import { enrolmentCodeSvg, enrolmentCodeText } from '../../identity/enrolment-code.ts';
import { secretFolders } from '../../identity/folder-files.ts';
import { type AddCommands, exit } from '../exits.ts';
import { type ProvisionIo, say } from '../provision-io.ts';
import { writeOutput } from '../write-output.ts';
import { brokerWords } from './broker-words.ts';
import { configurationFault } from './configuration-fault.ts';
import { evidenceKeyInTpm, tpmIsThere, usualTpm } from './evidence-key.ts';
import { sceneFault } from './scene-fault.ts';
import { sceneWords } from './scene-words.ts';
import { watchKey } from './watch-key.ts';
import { type WipeFlags, wipeUnit } from './wipe.ts';

interface UnitFlags {
  readonly identity: string;
  readonly data: string;
}

/** Adds `unit`: what is done at the unit itself, by its own user, with a stick instead of a network. */
export const addUnit: AddCommands = (root, io, leave) => {
  const unit = root
    .command('unit')
    .description('at the unit itself: show its key, write its request, put a grant in place, wipe it');
  const onUnit = (command: Command): Command =>
    command
      .option('--identity <folder>', "the unit's folder of keys and certificate", '/var/lib/atalaya/identity')
      .option('--data <folder>', 'where evidence goes, unless a grant says so', '/var/lib/atalaya');
  onUnit(unit.command('show').description('serial and fingerprint, with the QR code that says them')).action(
    async (flags: UnitFlags) => {
      await show(flags, io);
    },
  );
  onUnit(unit.command('serve').description("the unit's local page: shows its key, answers enrol, until it is stopped"))
    .option('--listen <host:port>', 'where; reachable by the laptop and the phone', '0.0.0.0:9465')
    .option('--minutes <minutes>', 'how long a first grant is taken', minutes, 30)
    .action((flags: ServeFlags) => serve(flags, io));
  onUnit(unit.command('request').description('write the request that enrol --request takes'))
    .requiredOption('--out <file>', 'where it goes')
    .action(async (flags: UnitFlags & { readonly out: string }) => {
      await write(flags.out, await open(flags, io).request(), io);
    });
  onUnit(unit.command('renew').description('write the request that ca sign --renew takes'))
    .requiredOption('--out <file>', 'where it goes')
    .action(async (flags: UnitFlags & { readonly out: string }) => {
      await write(flags.out, await open(flags, io).renewalRequest(), io);
    });
  onUnit(unit.command('install').description('put a grant in place: all of it or nothing'))
    .argument('<grant>', 'what enrol --grant-out or ca sign --renew wrote')
    .action(async (path: string, flags: UnitFlags) => {
      if (!(await install(path, flags, io))) leave(exit.failed);
    });
  onUnit(
    unit
      .command('wipe')
      .description('take the unit its identity: keys, certificates and what grants gave; evidence and its key stay'),
  )
    .option(
      '--confirm <name>',
      'the name of the unit, or its serial where it has none; asked for unless said otherwise',
    )
    .action((flags: WipeFlags) => wipeUnit(open(flags, io), flags, io));
};

interface ServeFlags extends UnitFlags {
  readonly listen: string;
  readonly minutes: number;
}

function minutes(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 24 * 60) return value;
  throw new InvalidArgumentError('is no whole number of minutes from 1 to 1440');
}

async function serve(flags: ServeFlags, io: ProvisionIo): Promise<void> {
  const claim = claimWindow(io.clock, flags.minutes);
  const enrolment = open(flags, io, claim);
  const { fingerprint } = await show(flags, io);
  const server = await serveEnrolment(flags.listen, {
    page: async () => {
      const identity = await enrolment.identity();
      return { identity, codeSvg: enrolmentCodeSvg(identity), minutesLeft: Math.ceil(claim.left() / 60_000) };
    },
    answer: async (call) => {
      const answer = await handleEnrolment(enrolment, call);
      const { method, path } = enrolmentRoutes.grant;
      if (call.method === method && call.path === path) await told(answer, enrolment, io);
      return answer;
    },
  });
  const page = `the local page: http://${server.address}/`;
  say(io.out, page);
  const closing = new AbortController();
  const watched = watchKey(fingerprint, {
    key: () => enrolment.key(),
    show: async () => {
      await show(flags, io);
      say(io.out, page);
    },
    clock: io.clock,
    timer: systemTimer,
    signal: AbortSignal.any([io.signal, closing.signal]),
  });
  try {
    // A fault of the watch ends the page: nobody is shown a key that is not in force.
    if (!io.signal.aborted) await Promise.race([once(io.signal, 'abort'), watched]);
  } finally {
    closing.abort();
    await server.close();
    await watched;
  }
}

/** What stands on the unit's screen after somebody came with a grant. */
async function told(answer: EnrolmentAnswer, enrolment: UnitEnrolment, io: ProvisionIo): Promise<void> {
  const { enrolled } = await enrolment.identity();
  const body: unknown = JSON.parse(answer.body);
  if (answer.status !== 200) return say(io.out, `a grant was refused: ${enrolmentRefusal.parse(body).detail}`);
  if (enrolled === undefined) return;
  say(io.out, `enrolled ${enrolled.unit}, under ${grouped(enrolled.authority)}`);
  const { scene, broker } = enrolmentAnswers.grant.parse(body);
  for (const words of [...sceneWords(enrolled.unit, scene), ...brokerWords(broker)]) say(io.out, words);
}

/** Whoever may run this as the unit's user stands at the unit: no window has to be open, unless it is served to a network. */
function open(
  { identity, data }: UnitFlags,
  { clock }: ProvisionIo,
  claim: { isOpen(): boolean } = { isOpen: () => true },
): UnitEnrolment {
  return new UnitEnrolment({
    folder: resolve(identity),
    files: secretFolders,
    clock,
    serial: () => readBoardSerial(),
    claim,
    signing: async () => ((await tpmIsThere()) ? evidenceKeyInTpm(usualTpm) : undefined),
    configurationFault,
    sceneFault,
    data: resolve(data),
    lock: (folder) => FolderLock.take(folder),
  });
}

async function show(flags: UnitFlags, io: ProvisionIo): Promise<UnitIdentity> {
  const enrolment = open(flags, io);
  const identity = await enrolment.identity();
  await shown(identity, enrolment, io);
  return identity;
}

async function shown(identity: UnitIdentity, enrolment: UnitEnrolment, io: ProvisionIo): Promise<void> {
  const { serial, serialFrom, fingerprint, keptIn, signing, enrolled } = identity;
  say(io.out, enrolmentCodeText(identity));
  say(io.out, `serial ${serial} (from ${serialFrom})`);
  say(io.out, `key ${grouped(fingerprint)}, in ${keptIn === 'tpm' ? 'the TPM' : 'a file'}`);
  if (signing !== undefined) {
    say(io.out, `evidence key ${grouped(signing.fingerprint)}, in ${signing.keptIn === 'tpm' ? 'the TPM' : 'a file'}`);
  }
  if (enrolled === undefined) return say(io.out, 'not enrolled');
  say(io.out, `enrolled as ${enrolled.unit}, grant ${enrolled.version}, until ${enrolled.expires}`);
  say(io.out, `under ${grouped(enrolled.authority)}`);
  const plan = await enrolment.renewal();
  if (plan?.kind === 'not-due') say(io.out, `renewal due at ${toIso(plan.due)}`);
  else if (plan?.kind === 'due') say(io.out, 'renewal is DUE: atalaya-provision unit renew');
  else if (plan?.kind === 'expired') say(io.out, 'the certificate has EXPIRED: enrol this unit again');
  for (const words of sceneWords(enrolled.unit, await enrolment.scene())) say(io.out, words);
}

async function install(path: string, flags: UnitFlags, io: ProvisionIo): Promise<boolean> {
  const text = await readFile(resolve(path)).catch((error: unknown) => {
    throw new AtalayaError('usage-invalid', `the grant ${path} cannot be read`, {
      hint: 'Check the path, and whether the stick is mounted.',
      cause: error,
    });
  });
  const outcome = await open(flags, io).install(text);
  if (outcome.kind === 'refused') {
    say(io.err, `refused (${outcome.reason}): ${outcome.detail}\n  Nothing was changed.`);
    return false;
  }
  const { unit, version, expires, authority } = outcome.enrolled;
  say(io.out, `enrolled ${unit}, grant ${version}, until ${expires}`);
  say(io.out, `under ${grouped(authority)}`);
  say(io.out, `configuration ${resolve(flags.identity)}/current/unit.yaml`);
  for (const words of [...sceneWords(unit, outcome.scene), ...brokerWords(outcome.broker)]) say(io.out, words);
  return true;
}

async function write(out: string, document: unknown, io: ProvisionIo): Promise<void> {
  await writeOutput(out, `${JSON.stringify(document)}\n`);
  say(io.out, resolve(out));
}
