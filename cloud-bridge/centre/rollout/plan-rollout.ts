import type { UtcMilliseconds } from '../../../device/kernel/units.ts';
import { awaitedWork, hair, hasSucceeded } from '../../contract/awaited-work.ts';
import type { Rollout, RolloutUnit, RolloutUnitState } from '../../contract/rollout.ts';
import type { Reported } from '../../contract/state.ts';
import { counted } from '../../fleet/text.ts';
import { applyNotes, type Note, type RolloutStep } from './rollout-steps.ts';

/** What is known of a unit, held against its documents, or jobs, in the rollout. */
export interface UnitView {
  /** The newest that is durable for it: one from before, the rollout's, the one that gives back, or somebody else's since. */
  readonly newest: 'before' | 'document' | 'restore' | 'other';
  /** What the unit says of the rollout's document, and of the one that gives back; undefined while it says nothing of it. */
  readonly document?: Said;
  readonly restore?: Said;
  /** It runs what it was given, on trial: what would be taken back comes too late. */
  readonly switched?: boolean;
}

export interface Said {
  readonly outcome: Reported['outcome'] | 'failed' | 'canceled';
  readonly reasons: readonly string[];
}

/** Every state but these is an end, and all ends but `confirmed` are errors. */
const open: ReadonlySet<RolloutUnitState> = new Set(['waiting', 'releasing', 'released', 'skipped', 'confirmed']);
export const isError = ({ state }: RolloutUnit): boolean => !open.has(state);
export const onTrial = ({ state, restore }: RolloutUnit): boolean =>
  restore === undefined && (state === 'releasing' || state === 'released');
const isOver = ({ state }: Rollout): boolean => state === 'aborted' || state === 'done' || state === 'failed';

/** True while there is anything left to do or to watch. */
export function isActive(rollout: Rollout): boolean {
  if (!isOver(rollout)) return true;
  return unitsOf(rollout).some(
    (one) =>
      onTrial(one) || isRestoring(one) || (rollout.restoring && mayRestore(rollout, one) && one.restore === undefined),
  );
}

/** The units whose view the planner asks for. */
export function watchedUnits(rollout: Rollout): readonly RolloutUnit[] {
  return unitsOf(rollout).filter((one) => onTrial(one) || one.state === 'silent' || isRestoring(one));
}

export const unitsOf = ({ groups }: Rollout): readonly RolloutUnit[] => groups.flatMap(({ units }) => units);

/**
 * What is to be done next: either notes, to be made durable before anything else is planned, or effects, or nothing.
 *
 * Guarantees, whatever the units say and whenever it is asked: no unit is released that was not `releasing` in `rollout`; a unit whose
 * document is durable for it is never released again; together no more units are on trial than `mostAtOnce`, and without it all of a
 * group are released when its turn has come; nothing of a group is released before each group before it has its share of confirmed units; nothing is released in any
 * state but `running`, and none of more than the share of errors that is borne.
 */
export function planRollout(
  rollout: Rollout,
  units: ReadonlyMap<string, UnitView>,
  now: UtcMilliseconds,
): readonly RolloutStep[] {
  const notes: Note[] = [];
  let current = rollout;
  const note = (steps: readonly Note[]) => {
    notes.push(...steps);
    current = applyNotes(current, steps, now);
  };
  note(watchedUnits(rollout).flatMap((one) => observed(rollout, one, units, now)));
  if (current.state === 'waiting' && now >= timeOf(current.notBefore, 0)) note([{ kind: 'begin' }]);
  const failure = failureOf(current);
  if (failure !== undefined) note([{ kind: 'end', state: 'failed', reason: failure }]);
  if (isOver(current)) note(wound(current, units));
  if (current.state === 'running') note(advanced(current, now));
  return notes.length > 0 ? notes : [...effects(current, units), ...judgements(current, now)];
}

/** The group whose units have worked with the update for as long as their work is to be looked at. */
function judgements(rollout: Rollout, now: UtcMilliseconds): readonly RolloutStep[] {
  const awaited = awaitedWork(rollout);
  return awaited !== undefined && now >= awaited.due ? [{ kind: 'judge', group: awaited.group }] : [];
}

/** What a unit's view says that the rollout does not know yet. */
function observed(
  rollout: Rollout,
  one: RolloutUnit,
  views: ReadonlyMap<string, UnitView>,
  now: UtcMilliseconds,
): readonly Note[] {
  const view = views.get(one.unit);
  if (view === undefined) return [];
  const late = (since: string | undefined) => now >= timeOf(since, now) + rollout.deadlineMinutes * 60_000;
  const settle = (state: RolloutUnitState, reasons: readonly string[]): Note[] => [
    { kind: 'settle', unit: one.unit, state, reasons },
  ];
  if (one.restore !== undefined) {
    if (!isRestoring(one)) return [];
    // An update that was over before it could be taken back.
    const done = rollout.update !== undefined && one.state === 'released' ? view.document?.outcome : undefined;
    const end = isOutcome(done) ? settle(done, view.document?.reasons ?? []) : [];
    return [...end, ...restored(one, one.restore, view, late)];
  }
  if (one.state === 'releasing') {
    if (view.newest === 'document' || view.newest === 'restore') return [{ kind: 'released', unit: one.unit }];
    return view.newest === 'other' ? settle('superseded', [superseded]) : [];
  }
  if (one.state !== 'released' && one.state !== 'silent') return [];
  const said = view.document;
  if (said?.outcome === 'confirmed') return settle('confirmed', []);
  if (isOutcome(said?.outcome)) return settle(said.outcome, said.reasons);
  if (one.state === 'silent') return [];
  if (view.newest === 'other') return settle('superseded', [superseded]);
  return late(one.releasedAt)
    ? settle('silent', [
        `deadline: no outcome within ${counted(rollout.deadlineMinutes, 'minute')} of its release`,
        ...(said?.reasons ?? []),
      ])
    : [];
}

type Outcome = Said['outcome'];
const outcomes: ReadonlySet<Outcome> = new Set(['confirmed', 'rejected', 'rolled-back', 'failed', 'canceled']);
const isOutcome = (one: Outcome | undefined): one is Exclude<Outcome, 'none' | 'accepted' | 'trial'> =>
  one !== undefined && outcomes.has(one);

const superseded = 'superseded: another document was given to this unit meanwhile';

function restored(
  { unit }: RolloutUnit,
  restore: NonNullable<RolloutUnit['restore']>,
  view: UnitView,
  late: (since: string | undefined) => boolean,
): readonly Note[] {
  if (view.newest === 'other') return [{ kind: 'restoring', unit, state: 'failed', reason: superseded }];
  if (restore.state === 'releasing')
    return view.newest === 'restore' ? [{ kind: 'restoring', unit, state: 'released' }] : [];
  const said = view.restore;
  if (said?.outcome === 'confirmed') return [{ kind: 'restoring', unit, state: 'restored' }];
  if (isOutcome(said?.outcome))
    return [{ kind: 'restoring', unit, state: 'failed', reason: said.reasons[0] ?? said.outcome }];
  return late(restore.releasedAt)
    ? [{ kind: 'restoring', unit, state: 'failed', reason: 'deadline: the unit said nothing of it' }]
    : [];
}

/** Why the rollout may not go on; undefined where it may. */
function failureOf(rollout: Rollout): string | undefined {
  if (rollout.state !== 'running' && rollout.state !== 'paused') return undefined;
  for (const { name, units, quality } of rollout.groups) {
    if (quality?.verdict === 'dropped') {
      const words = quality.measures.filter(({ verdict }) => verdict === 'dropped').map((one) => one.words);
      return `${counted(quality.units, 'unit')} of group ${name} did worse than before: ${words.join('; ')}`;
    }
    const errors = units.filter(isError).length;
    const failed = `${errors} of ${counted(units.length, 'unit')} of group ${name} failed`;
    if (errors > rollout.errorThreshold * units.length + hair)
      return `${failed}; ${percent(rollout.errorThreshold)} are borne`;
    if (units.length - errors < rollout.successThreshold * units.length - hair)
      return `${failed}; ${percent(rollout.successThreshold)} cannot confirm any more`;
  }
  return undefined;
}

/** What is left open when the rollout is over: nothing more is released, and what is to be given back is. */
function wound(rollout: Rollout, views: ReadonlyMap<string, UnitView>): readonly Note[] {
  return unitsOf(rollout).flatMap((one): readonly Note[] => {
    if (one.state === 'waiting') return [{ kind: 'withdraw', unit: one.unit, to: 'skipped' }];
    if (!rollout.restoring || one.restore !== undefined || !mayRestore(rollout, one)) return [];
    if (rollout.update !== undefined) {
      const view = views.get(one.unit);
      if (view === undefined) return [];
      const late = view.newest === 'other' ? superseded : view.switched ? 'late: it had switched before' : undefined;
      // One on trial comes to its own end.
      if (late !== undefined) return one.state === 'silent' ? [over(one.unit, late)] : [];
    }
    return [{ kind: 'restoring', unit: one.unit, state: 'releasing' }];
  });
}

const over = (unit: string, reason: string): Note => ({ kind: 'restoring', unit, state: 'failed', reason });

/** Units that have, or may yet take, the rollout's document. An update is taken back from those that have not switched to it, and from no other. */
function mayRestore({ update }: Rollout, { state, rollback }: RolloutUnit): boolean {
  if (update !== undefined) return state === 'released' || state === 'silent';
  return rollback !== undefined && (state === 'released' || state === 'confirmed' || state === 'silent');
}

const isRestoring = ({ restore }: RolloutUnit): boolean =>
  restore?.state === 'releasing' || restore?.state === 'released';

/** How a running rollout goes on. */
function advanced(rollout: Rollout, now: UtcMilliseconds): readonly Note[] {
  const at = rollout.groups.findIndex(({ succeededAt }) => succeededAt === undefined);
  const group = rollout.groups[at];
  if (group === undefined) {
    if (unitsOf(rollout).some(onTrial)) return [];
    const { length } = unitsOf(rollout).filter(({ state }) => state === 'confirmed');
    return [
      { kind: 'end', state: 'done', reason: `${length} of ${counted(unitsOf(rollout).length, 'unit')} confirmed` },
    ];
  }
  if (hasSucceeded(group, rollout.successThreshold) && (rollout.update?.quality === undefined || group.quality))
    return [{ kind: 'succeed', group: at }];
  const rested = timeOf(rollout.groups[at - 1]?.succeededAt, 0) + rollout.restMinutes * 60_000;
  if (at > 0 && now < rested) return [];
  // Stragglers of a group before count against a bound that somebody has set, and take no place from this group without one.
  const { mostAtOnce } = rollout;
  const room = mostAtOnce === undefined ? group.units.length : mostAtOnce - unitsOf(rollout).filter(onTrial).length;
  return group.units
    .filter(({ state }) => state === 'waiting')
    .slice(0, Math.max(0, room))
    .map(({ unit }): Note => ({ kind: 'intend', unit }));
}

/** Releases that are intended and have not taken place. */
function effects(rollout: Rollout, views: ReadonlyMap<string, UnitView>): readonly RolloutStep[] {
  return unitsOf(rollout).flatMap((one): readonly RolloutStep[] => {
    const view = views.get(one.unit);
    if (view === undefined) return [];
    if (one.restore?.state === 'releasing') return [{ kind: 'restore', unit: one.unit }];
    if (one.state !== 'releasing' || view.newest !== 'before') return [];
    if (rollout.state === 'running') return [{ kind: 'release', unit: one.unit }];
    const to = rollout.state === 'paused' ? 'waiting' : 'skipped';
    return [{ kind: 'withdraw', unit: one.unit, to }];
  });
}

const timeOf = (instant: string | undefined, otherwise: number): number =>
  instant === undefined ? otherwise : Date.parse(instant);

const percent = (part: number): string => `${Number((part * 100).toFixed(1))} %`;
