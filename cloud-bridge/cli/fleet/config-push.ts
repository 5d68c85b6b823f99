import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Reported } from '../../contract/state.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import {
  allLayers,
  configOfUnit,
  type DocumentFlags,
  documentOf,
  isNeeded,
  type NextConfig,
  nextConfig,
  nextOf,
  type PushGuards,
  showChanges,
  signNext,
} from './config-documents.ts';
import {
  failedWords,
  failureAt,
  outcomeOf,
  requireAgain,
  type Standing,
  standingWords,
  wasRefused,
} from './config-standing.ts';
import { type Exit, exit } from './exits.ts';
import { requireHeard, unheard } from './known-units.ts';
import { requirePermission } from './permitted.ts';
import { agreed, type CentreFlags, type Session } from './session.ts';
import { readSettingsFile } from './settings.ts';

interface WaitFlags {
  readonly yes?: boolean;
  readonly wait?: boolean | number;
}

export interface PushFlags extends CentreFlags, DocumentFlags, WaitFlags, PushGuards {
  readonly settings?: string;
  /** For units that are not there yet. */
  readonly new?: boolean;
}

export interface RollbackFlags extends CentreFlags, DocumentFlags, WaitFlags, PushGuards {}

/** What became of one document. */
interface Pushed {
  readonly unit: string;
  readonly version: number;
  readonly outcome?: Reported['outcome'];
  readonly reasons?: readonly string[];
  /** The centre has no broker: it waits there for one. */
  readonly waits?: boolean;
}

/** How often it is looked whether a unit has reported. */
const lookEveryMs = 1000;
const waitS = 900;

/** Throws `act-refused` where the role does not allow it, `usage-invalid` for a unit that nobody has heard of. */
export async function push(session: Session, units: readonly string[], flags: PushFlags): Promise<Exit> {
  await requirePermission(session, 'config.push');
  const given = flags.settings === undefined ? undefined : await readSettingsFile(flags.settings);
  const named = [...new Set(units)];
  if (flags.new !== true) await requireThere(session, named);
  const from = given === undefined ? { layers: await allLayers(session) } : { settings: given };
  const next: NextConfig[] = [];
  for (const unit of named) next.push(await nextOf(session, unit, from));
  return release(
    session,
    next.map((one) => ({ ...one, needed: isNeeded(one) })),
    flags,
  );
}

/** A unit is there once it was heard, or somebody has prepared a configuration for it. */
async function requireThere(session: Session, units: readonly string[]): Promise<void> {
  const prepared = await Promise.all(
    (await unheard(session, units)).map(async (unit) => ({ unit, known: await configOfUnit(session, unit) })),
  );
  const strange = prepared.filter(({ known }) => known.desired === undefined).map(({ unit }) => unit);
  await requireHeard(session, strange, 'Or say --new, to prepare a unit that is not there yet.');
}

/** Without a version: what the unit runs with where that is not the newest, else the last one before that it kept. */
export async function rollback(
  session: Session,
  unit: string,
  version: number | undefined,
  flags: RollbackFlags,
): Promise<Exit> {
  await requirePermission(session, 'config.push');
  const known = await configOfUnit(session, unit);
  if (known.desired === undefined) await requireHeard(session, [unit]);
  const newest = known.desired?.version;
  const inForce = known.reported?.inForce.version;
  const before = known.history.find(
    (one) => newest !== undefined && one.version < newest && !wasRefused(outcomeOf(one, known.reported)),
  )?.version;
  const target = version ?? (inForce !== undefined && inForce > 0 && inForce !== newest ? inForce : before);
  if (target === undefined) {
    throw new AtalayaError('usage-invalid', `there is no earlier version of ${unit} to go back to`, {
      hint: `Look: ${fleetProgram} config history ${unit}`,
    });
  }
  const { settings } = await documentOf(session, unit, target);
  const note = flags.note ?? `settings of version ${target}`;
  const next = await nextConfig(session, unit, known, settings as Record<string, JsonValue>);
  const failed = next.changes.length === 0 ? undefined : (next.failed ?? failureAt(target, known));
  // A unit that went back by itself needs no document for it, and another trial could only do harm.
  const needed = isNeeded(next);
  const left = newest === undefined || needed ? undefined : failureAt(newest, known);
  const code = await release(session, [{ ...next, failed, needed }], { ...flags, note });
  if (left !== undefined) {
    session.say(`  ${failedWords(left)}`);
    session.say('  It is where it was before, and nothing is released. Correct the layers before the next push.');
  }
  return code;
}

interface Releasable extends NextConfig {
  readonly needed: boolean;
}

async function release(session: Session, next: readonly Releasable[], flags: RollbackFlags): Promise<Exit> {
  const { client, io } = session;
  const changing = next.filter(({ needed }) => needed);
  requireAgain(changing, flags.again);
  for (const { unit, version, standing, changes, failed, needed } of next) {
    if (!needed) {
      session.say(`${unit}: nothing differs from ${standingWords(standing)}`);
      continue;
    }
    session.say(`${unit}: version ${version}`, 'bold');
    if (failed !== undefined) session.say(`  again: ${failedWords(failed)}`, 'yellow');
    showChanges(session, changes);
    if (changes.length === 0) session.say(`  (${unchangedWords(standing)})`);
  }
  // A document that the unit has not answered is waited for as those of now are.
  const open = next.flatMap(({ unit, standing, needed }): readonly Pushed[] =>
    !needed && standing.kind === 'open' ? [{ unit, version: standing.version }] : [],
  );
  if (changing.length === 0 && (flags.wait === undefined || open.length === 0)) {
    session.tell({ pushed: [] });
    return exit.done;
  }
  const names = changing.map(({ unit }) => unit).join(', ');
  if (changing.length > 0 && !(await agreed(io, flags.yes, `Sign and release to ${names}?`))) {
    session.note('Nothing was released.');
    return exit.failed;
  }
  const pushed: Pushed[] = [];
  for (const one of changing) {
    const document = await signNext(session, one, flags);
    const { version, relayed, broker } = await client.call(
      'releaseConfig',
      { parameters: { unit: one.unit }, body: { document } },
      io.signal,
    );
    const waits = relayed === undefined && broker?.connected === false;
    session.say(`${one.unit}: version ${version} is released`);
    if (waits)
      session.say('  the centre has no broker: it waits there, and reaches the unit once there is one', 'yellow');
    pushed.push({ unit: one.unit, version, ...(waits ? { waits } : {}) });
  }
  if (flags.wait === undefined) {
    session.tell({ pushed });
    if (!session.json)
      session.noteCall('What became of it', `${fleetProgram} config history ${pushed[0]?.unit ?? 'UNIT'}`);
    return pushed.some(({ waits }) => waits) ? exit.failed : exit.done;
  }
  const seconds = typeof flags.wait === 'number' ? flags.wait : waitS;
  const ends = await Promise.all([...open, ...pushed].map((one) => endOf(session, one, seconds)));
  session.tell({ pushed: ends });
  for (const { unit, version, outcome, reasons = [] } of ends) {
    session.say(
      `${unit}: version ${version} ${outcome ?? 'has no outcome yet'}`,
      outcome === 'confirmed' ? 'green' : 'red',
    );
    for (const reason of reasons) session.say(`  ${reason}`);
  }
  return ends.every(({ outcome }) => outcome === 'confirmed') ? exit.done : exit.failed;
}

async function endOf(session: Session, pushed: Pushed, seconds: number): Promise<Pushed> {
  const { clock, timer, signal } = session.io;
  const until = clock.monotonic() + seconds * 1000;
  for (;;) {
    const { reported } = await configOfUnit(session, pushed.unit);
    const of = reported?.version === pushed.version ? reported : undefined;
    if (of?.outcome === 'confirmed' || of?.outcome === 'rejected' || of?.outcome === 'rolled-back')
      return { ...pushed, outcome: of.outcome, reasons: of.reasons };
    if (clock.monotonic() >= until) return of === undefined ? pushed : { ...pushed, outcome: of.outcome };
    await timer.sleep(milliseconds(lookEveryMs), signal);
    signal.throwIfAborted();
  }
}

/** Why a document is released that changes no field. */
const unchangedWords = (standing: Standing): string =>
  standing.kind === 'elsewhere'
    ? `no settings; it runs version ${standing.version}, which was not released here`
    : 'no settings: it says that the own file of the unit holds';
