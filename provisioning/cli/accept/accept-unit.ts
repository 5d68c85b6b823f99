import { join, resolve } from 'node:path';
import type { FleetIo, Sink as FleetSink } from '../../../cloud-bridge/cli/fleet/fleet-io.ts';
import { Session } from '../../../cloud-bridge/cli/fleet/session.ts';
import { signerOf } from '../../../cloud-bridge/contract/person-key.ts';
import type { Role } from '../../../cloud-bridge/contract/roles.ts';
import { readKeyFile } from '../../../cloud-bridge/fleet/key-files.ts';
import { fleetProgram } from '../../../cloud-bridge/fleet/program-name.ts';
import { plain } from '../../../cloud-bridge/fleet/text.ts';
import { makeFolders } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import type { DocumentSigner } from '../../../device/kernel/signed/sign-document.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { version } from '../../../device/version.ts';
import {
  type Acceptance,
  type AcceptedIdentity,
  acceptanceFiles,
  acceptanceSchemaId,
} from '../../accept/acceptance.ts';
import { judgeAcceptance } from '../../accept/judge-acceptance.ts';
import type { Progress } from '../../accept/plan-acceptance.ts';
import { type TestedUnit, takeSteps } from '../../accept/take-steps.ts';
import { type Exit, exit } from '../exits.ts';
import { type ProvisionIo, type Sink, say } from '../provision-io.ts';
import { QuestionStopped } from '../terminal.ts';
import { writeOutput } from '../write-output.ts';
import { outcomeWords } from './acceptance-sheet.ts';
import { FleetUnit, requireAccepting, requireReading } from './fleet-unit.ts';
import { readIdentity, readPicture, readReport } from './given-files.ts';
import { goingOn, keepProgress } from './progress-file.ts';
import { remedyWords } from './remedy-words.ts';
import { writeAcceptance } from './write-acceptance.ts';

/** What an acceptance reaches beside what every command does. */
export interface Outside {
  readonly timer: Timer;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface AcceptFlags {
  readonly out?: string;
  readonly bridge?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly reader?: string;
  readonly identity?: string;
  readonly report?: string;
  readonly picture?: string;
  readonly technician?: string;
  readonly calibration?: string;
  readonly lines: boolean;
  readonly wait: number;
  readonly lineWait: number;
  readonly evidenceWait: number;
}

/** Who accepts, and what there is of a centre. */
interface Standing {
  readonly signer: DocumentSigner;
  readonly person: { readonly name: string; readonly role: Role | null };
  readonly centre: string | null;
  readonly unit?: TestedUnit;
  close(): void;
}

/**
 * `accept`: everything that a person named is read and judged first, then the centre is asked whether they may; only then is anything
 * done or written. Exit code 1 where the unit is not accepted.
 */
export async function acceptUnit(unit: string, flags: AcceptFlags, io: ProvisionIo, outside: Outside): Promise<Exit> {
  if (flags.out === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody says where the report goes', { hint: 'Give --out FOLDER.' });
  }
  const folder = resolve(flags.out);
  const { report, picture } = flags;
  const given = report === undefined ? undefined : await readReport(report);
  const taken = picture === undefined ? undefined : await readPicture(picture, 'jpeg', '--picture');
  const drawing =
    flags.calibration === undefined ? undefined : await readPicture(flags.calibration, 'png', '--calibration');
  const identity = flags.identity === undefined ? undefined : await readIdentity(flags.identity, unit, io.exchange);
  const standing =
    report === undefined
      ? await throughCentre(unit, flags, identity, io, outside)
      : await withoutCentre(flags, outside);
  try {
    await makeFolders(systemFiles, folder);
    const lock = await FolderLock.take(folder);
    try {
      const { signer, unit: tested } = standing;
      const now = io.clock.utc();
      const { progress: from, says } = await goingOn(folder, { unit, key: signer.id, now, at: toIso(now) });
      if (says !== undefined) say(io.err, says);
      if (drawing !== undefined) await writeOutput(join(folder, acceptanceFiles.calibration), drawing);
      const picturePath = join(folder, acceptanceFiles.picture);
      const done = await takeSteps(from, {
        ...(tested === undefined ? {} : { unit: tested }),
        ...(io.ask === undefined ? {} : { asks: io.ask }),
        ...(given === undefined ? {} : { report: async () => given }),
        ...(taken === undefined ? {} : { picture: async () => taken }),
        ...{ lines: flags.lines, lineWaitS: flags.lineWait, picturePath, remedy: remedyWords },
        ...{ clock: io.clock, timer: outside.timer, signal: io.signal },
        keepPicture: (content) => writeOutput(picturePath, content),
        keep: (progress) => keepProgress(folder, progress),
        say: (text) => say(io.err, text.split('\n').map(plain).join('\n')),
      });
      return await conclude(folder, done, standing, identity, io);
    } catch (error) {
      // Ended while it waits for the unit: as at a question, every step that was done is kept.
      throw io.signal.aborted ? new QuestionStopped('stopped', { cause: error }) : error;
    } finally {
      await lock.release();
    }
  } finally {
    standing.close();
  }
}

/** Signs what there is, and says what it came to. */
async function conclude(
  folder: string,
  done: Progress,
  { signer, person, centre }: Standing,
  identity: AcceptedIdentity | undefined,
  io: ProvisionIo,
): Promise<Exit> {
  const { unit, began, test, clockAheadS, lines, picture, evidence, refusal, decided } = done;
  if (test === null) throw new AtalayaError('internal', 'an acceptance ends without a test');
  const gathered = { test, clockAheadS, lines, picture, evidence, refusal, decided };
  const { outcome, faults, missing, doubts } = judgeAcceptance({ ...gathered, doubts: done.doubts });
  const why = faults.map(({ says }) => says);
  const said: Omit<Acceptance, 'files'> = {
    schema: acceptanceSchemaId,
    ...{ unit, outcome, began, at: toIso(io.clock.utc()) },
    ...{ by: { ...person, key: signer.id }, program: version, identity: identity ?? null, centre },
    ...{ ...gathered, doubts: [...doubts], faults: why, missing: [...missing] },
  };
  await writeAcceptance(folder, said, signer);
  say(io.out, `${unit}: ${outcomeWords[outcome]}`);
  const open = doubts.filter(({ answer }) => answer === null).map(({ about, says }) => `${about}: ${says}`);
  for (const one of [...why, ...missing, ...open]) say(io.out, `  ${plain(one)}`);
  say(io.out, `Signed with the key ${signer.id.slice(0, 16)}: ${join(folder, acceptanceFiles.pdf)}`);
  if (outcome === 'refused')
    say(io.err, 'Once it is mended, accept it into another folder: this one says what was found.');
  if (outcome === 'incomplete') say(io.err, 'Make the same call again when what is missing can be done: it goes on.');
  return outcome === 'accepted' || outcome === 'accepted-with-doubts' ? exit.done : exit.failed;
}

async function throughCentre(
  unit: string,
  flags: AcceptFlags,
  identity: AcceptedIdentity | undefined,
  io: ProvisionIo,
  outside: Outside,
): Promise<Standing> {
  const { bridge, key, ca, reader: readerKey, wait, evidenceWait, technician } = flags;
  const { ATALAYA_BRIDGE } = outside.environment;
  const centre = bridge ?? (ATALAYA_BRIDGE || undefined);
  if (centre === undefined) {
    throw new AtalayaError('usage-invalid', 'neither a centre nor a report is named', {
      hint: 'Give --bridge (ATALAYA_BRIDGE), or, where no centre can be reached, --report FILE: what atalaya-unit selftest --out wrote.',
    });
  }
  if (technician !== undefined) {
    throw new AtalayaError('usage-invalid', '--technician is for --report: the centre knows who has your key');
  }
  const named = {
    bridge: centre,
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  };
  const fleet = fleetIo(io, outside);
  const session = await Session.open(fleet, named);
  const sessions = [session];
  const close = () => {
    for (const one of sessions) one.client.close();
  };
  try {
    const { name, role, reads } = await requireAccepting(session, unit);
    let reader = reads ? session : undefined;
    if (readerKey !== undefined) {
      reader = await Session.open(fleet, { ...named, key: readerKey });
      sessions.push(reader);
      await requireReading(reader);
    }
    const tested = new FleetUnit(session, reader, {
      ...{ unit, waitS: wait, evidenceWaitS: evidenceWait },
      evidenceKey: identity?.evidenceKey ?? undefined,
    });
    return { signer: session.signer, person: { name, role }, centre, unit: tested, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function withoutCentre(flags: AcceptFlags, outside: Outside): Promise<Standing> {
  const { technician, reader } = flags;
  const { ATALAYA_KEY } = outside.environment;
  const key = flags.key ?? (ATALAYA_KEY || undefined);
  if (technician === undefined || technician.trim() === '' || key === undefined || reader !== undefined) {
    throw new AtalayaError('usage-invalid', 'without a centre nobody says who accepts', {
      hint: 'Beside --report give --technician NAME and --key FILE, and no --reader.',
    });
  }
  const signer = signerOf(await readKeyFile(resolve(key), `One is made with: ${fleetProgram} new-key --out FILE`));
  return { signer, person: { name: technician.trim(), role: null }, centre: null, close: () => undefined };
}

/** The outside of this program, as the commands of the fleet take it. */
function fleetIo(io: ProvisionIo, { timer, environment }: Outside): FleetIo {
  const sink = (from: Sink): FleetSink => ({
    write: (text) => from.write(text),
    get terminal() {
      return from.columns !== undefined;
    },
    get columns() {
      return from.columns;
    },
  });
  return {
    ...{ out: sink(io.out), err: sink(io.err), ask: io.ask, edit: async () => false },
    ...{ environment, clock: io.clock, timer, signal: io.signal },
    newId: () => Buffer.from(io.randomBytes(16)).toString('hex'),
  };
}
