import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Reported } from '../../contract/state.ts';
import {
  allLayers,
  configOfUnit,
  type DocumentFlags,
  type NextConfig,
  nextConfig,
  nextOf,
  showChanges,
  signNext,
} from './config-documents.ts';
import { type Exit, exit } from './exits.ts';
import { agreed, type CentreFlags, type Session } from './session.ts';
import { readSettingsFile } from './settings.ts';

interface WaitFlags {
  readonly yes?: boolean;
  readonly wait?: boolean | number;
}

export interface PushFlags extends CentreFlags, DocumentFlags, WaitFlags {
  readonly settings?: string;
}

export interface RollbackFlags extends CentreFlags, DocumentFlags, WaitFlags {}

/** What became of one document. */
interface Pushed {
  readonly unit: string;
  readonly version: number;
  readonly outcome?: Reported['outcome'];
  readonly reasons?: readonly string[];
}

/** How often it is looked whether a unit has reported. */
const lookEveryMs = 1000;
const waitS = 900;

export async function push(session: Session, units: readonly string[], flags: PushFlags): Promise<Exit> {
  const from =
    flags.settings === undefined
      ? { layers: await allLayers(session) }
      : { settings: await readSettingsFile(flags.settings) };
  const next: NextConfig[] = [];
  for (const unit of new Set(units)) next.push(await nextOf(session, unit, from));
  return release(session, next, flags);
}

/** Without a version: what the unit runs with where that is not the newest, else the one before. */
export async function rollback(
  session: Session,
  unit: string,
  version: number | undefined,
  flags: RollbackFlags,
): Promise<Exit> {
  const history = await configOfUnit(session, unit);
  const newest = history.desired?.version;
  const inForce = history.reported?.inForce.version;
  const before = history.history.find((one) => newest !== undefined && one.version < newest)?.version;
  const target = version ?? (inForce !== undefined && inForce > 0 && inForce !== newest ? inForce : before);
  if (target === undefined) {
    throw new AtalayaError('usage-invalid', `there is no earlier version of ${unit} to go back to`, {
      hint: `Look: atalaya-fleet config history ${unit}`,
    });
  }
  const { client, io } = session;
  const parameters = { unit, version: `${target}` };
  const { settings } = await client.call('configVersion', { parameters }, io.signal);
  const note = flags.note ?? `settings of version ${target}`;
  return release(session, [nextConfig(unit, history, settings as Record<string, JsonValue>)], { ...flags, note });
}

async function release(session: Session, next: readonly NextConfig[], flags: RollbackFlags): Promise<Exit> {
  const { client, io } = session;
  const changing = next.filter(({ changes, history }) => changes.length > 0 || history.desired === undefined);
  for (const { unit, version, changes, history } of next) {
    if (!changing.some((one) => one.unit === unit)) {
      session.say(`${unit}: nothing differs from version ${history.desired?.version}`);
      continue;
    }
    session.say(`${unit}: version ${version}`, 'bold');
    showChanges(session, changes);
    if (changes.length === 0) session.say("  (no settings: the unit's own file)");
  }
  if (changing.length === 0) {
    session.tell({ pushed: [] });
    return exit.done;
  }
  const names = changing.map(({ unit }) => unit).join(', ');
  if (!(await agreed(io, flags.yes, `Sign and release to ${names}?`))) {
    session.note('Nothing was released.');
    return exit.failed;
  }
  const pushed: Pushed[] = [];
  for (const one of changing) {
    const document = await signNext(session, one, flags);
    const { version } = await client.call(
      'releaseConfig',
      { parameters: { unit: one.unit }, body: { document } },
      io.signal,
    );
    session.say(`${one.unit}: version ${version} is released`);
    pushed.push({ unit: one.unit, version });
  }
  if (flags.wait === undefined) {
    session.tell({ pushed });
    if (!session.json) session.note('What became of it: atalaya-fleet status, or config show UNIT');
    return exit.done;
  }
  const seconds = typeof flags.wait === 'number' ? flags.wait : waitS;
  const ends = await Promise.all(pushed.map((one) => outcomeOf(session, one, seconds)));
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

async function outcomeOf(session: Session, pushed: Pushed, seconds: number): Promise<Pushed> {
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
