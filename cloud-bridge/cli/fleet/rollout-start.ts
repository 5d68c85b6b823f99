import { AtalayaError } from '../../../device/kernel/errors.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { counted } from '../../fleet/text.ts';
import {
  allLayers,
  type DocumentFlags,
  type NextConfig,
  nextOf,
  type PushGuards,
  showChanges,
  signNext,
} from './config-documents.ts';
import { failedWords, requireAgain } from './config-standing.ts';
import { type Exit, exit } from './exits.ts';
import { requirePermission } from './permitted.ts';
import { handIn, type PlanFlags } from './rollout-hand-in.ts';
import { type Group, groupsOf, noGroups } from './rollout-plan.ts';
import { agreed, type CentreFlags, type Session } from './session.ts';
import { readSettingsFile } from './settings.ts';
import { momentOf } from './words.ts';

export interface StartFlags extends CentreFlags, DocumentFlags, PushGuards, PlanFlags {
  readonly group?: readonly string[];
  readonly groups?: string;
  readonly settings?: string;
  readonly deadline?: number;
  readonly notBefore?: string;
  /** False with --no-rollbacks. */
  readonly rollbacks: boolean;
  readonly yes?: boolean;
}

/** Requests at the same time. */
const wide = 8;

/** Makes and signs a document for each unit of each group, and what would give it back what it has, and hands all of it in. */
export async function startRollout(session: Session, flags: StartFlags): Promise<Exit> {
  const { io } = session;
  const { deadline = 60 } = flags;
  if ((flags.group === undefined) === (flags.groups === undefined)) throw noGroups();
  if (deadline <= flags.probation) {
    throw new AtalayaError(
      'usage-invalid',
      `the deadline of ${counted(deadline, 'minute')} is no later than the end of a trial`,
      {
        hint: `A trial takes up to ${counted(flags.probation, 'minute')} (--probation): give a longer --deadline.`,
      },
    );
  }
  await requirePermission(session, 'rollout.run');
  const notBefore = flags.notBefore === undefined ? undefined : momentOf(flags.notBefore, io.clock.utc());
  if (flags.notBefore !== undefined && notBefore === undefined)
    throw new AtalayaError('usage-invalid', `--not-before ${flags.notBefore} is no moment`, {
      hint: 'Write 2026-03-01T12:00:00Z.',
    });
  const groups = await groupsOf(session, flags);
  const from =
    flags.settings === undefined
      ? { layers: await allLayers(session) }
      : { settings: await readSettingsFile(flags.settings) };
  const next = await each(
    groups.flatMap((group) => group.units),
    (unit) => nextOf(session, unit, from),
  );
  const differing = next.filter(({ changes, standing }) => changes.length > 0 || standing.kind === 'elsewhere');
  const changing = new Map(differing.map((one) => [one.unit, one]));
  requireAgain(differing, flags.again);
  const going = groups
    .map(({ name, units: members }) => ({ name, units: members.filter((unit) => changing.has(unit)) }))
    .filter(({ units: members }) => members.length > 0);
  show(session, going, changing, next.length - changing.size);
  if (going.length === 0) {
    session.tell({ rollout: null });
    session.say(
      `Nothing differs for any unit: no rollout is started. Change a layer first: ${fleetProgram} config edit LAYER`,
    );
    return exit.done;
  }
  const question = `Sign ${counted(changing.size, 'document')} and start the rollout?`;
  if (!(await agreed(io, flags.yes, question))) {
    session.note('Nothing was started.');
    return exit.failed;
  }
  const all = [...changing.values()];
  const documents = await each(all, (one) => signNext(session, one, flags));
  const undo = { probation: flags.probation, note: 'rollback of a rollout' };
  // What a unit has that nobody here knows cannot be given back to it.
  const back = all.flatMap(({ unit, version, standing }) =>
    'settings' in standing ? [{ unit, version: version + 1, settings: standing.settings }] : [],
  );
  const rollbacks = flags.rollbacks ? await each(back, (one) => signNext(session, one, undo)) : [];
  return handIn(session, flags, going, deadline, notBefore, { documents, rollbacks });
}

/** Groups with what changes for whom; units for which the same changes are told together. */
function show(
  session: Session,
  groups: readonly Group[],
  changing: ReadonlyMap<string, NextConfig>,
  same: number,
): void {
  for (const [i, { name, units }] of groups.entries()) {
    session.say(`${i + 1}. ${name}: ${units.join(', ')}`, 'bold');
  }
  const alike = Map.groupBy(changing.values(), ({ changes }) => JSON.stringify(changes));
  for (const members of alike.values()) {
    const all = members.length === changing.size ? 'all of them' : members.map(({ unit }) => unit).join(', ');
    session.say(`changes for ${all}:`);
    showChanges(session, members[0]?.changes ?? []);
  }
  for (const { unit, failed } of changing.values())
    if (failed !== undefined) session.say(`${unit}, again: ${failedWords(failed)}`, 'yellow');
  if (same > 0) session.say(`${counted(same, 'unit')} left out: nothing differs`);
}

/** In the order of the list, some at the same time. */
async function each<T, U>(list: readonly T[], work: (one: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (let at = 0; at < list.length; at += wide) {
    done.push(...(await Promise.all(list.slice(at, at + wide).map(work))));
  }
  return done;
}
