import { toIso, type UtcMilliseconds } from '../../../device/kernel/units.ts';
import type { QualityVerdict, RestoreState, Rollout, RolloutUnit, RolloutUnitState } from '../../contract/rollout.ts';

/** A step that changes nothing but the rollout's own document. */
export type Note =
  | { readonly kind: 'begin' }
  /** The unit is to be released: durable before it is. */
  | { readonly kind: 'intend'; readonly unit: string }
  /** It was not released, and is not to be now. */
  | { readonly kind: 'withdraw'; readonly unit: string; readonly to: 'waiting' | 'skipped' }
  | { readonly kind: 'released'; readonly unit: string }
  | {
      readonly kind: 'settle';
      readonly unit: string;
      readonly state: RolloutUnitState;
      readonly reasons: readonly string[];
    }
  | { readonly kind: 'succeed'; readonly group: number }
  | { readonly kind: 'judged'; readonly group: number; readonly quality: QualityVerdict }
  | { readonly kind: 'restoring'; readonly unit: string; readonly state: RestoreState; readonly reason?: string }
  | { readonly kind: 'end'; readonly state: 'done' | 'failed'; readonly reason: string };

/** A step that reaches a unit. */
export type Effect =
  | { readonly kind: 'release'; readonly unit: string }
  | { readonly kind: 'restore'; readonly unit: string }
  /** The work of a group's units is held against what it was. */
  | { readonly kind: 'judge'; readonly group: number };

export type RolloutStep = Note | Effect;

const effectKinds: ReadonlySet<RolloutStep['kind']> = new Set(['release', 'restore', 'judge']);
export const isEffect = (step: RolloutStep): step is Effect => effectKinds.has(step.kind);

/** The rollout after some notes, in their order. */
export function applyNotes(rollout: Rollout, notes: readonly Note[], now: UtcMilliseconds): Rollout {
  if (notes.length === 0) return rollout;
  const at = toIso(now);
  const ofUnits = Map.groupBy(
    notes.filter((note) => 'unit' in note),
    ({ unit }) => unit,
  );
  const groups = rollout.groups.map((group, i) => ({
    ...group,
    ...(notes.some((note) => note.kind === 'succeed' && note.group === i) ? { succeededAt: at } : {}),
    ...qualityIn(notes, i),
    units: group.units.map((one) => (ofUnits.get(one.unit) ?? []).reduce((unit, note) => noted(unit, note, at), one)),
  }));
  const changed = notes.reduce((all, note) => stateAfter(all, note), rollout);
  return { ...changed, groups, changed: at };
}

function qualityIn(notes: readonly Note[], group: number): { readonly quality?: QualityVerdict } {
  const judged = notes.find((note) => note.kind === 'judged' && note.group === group);
  return judged?.kind === 'judged' ? { quality: judged.quality } : {};
}

type UnitNote = Extract<Note, { unit: string }>;
type Noted<N extends UnitNote> = (unit: RolloutUnit, note: N, at: string) => RolloutUnit;

const noted = <N extends UnitNote>(unit: RolloutUnit, note: N, at: string): RolloutUnit =>
  (unitNotes[note.kind] as unknown as Noted<N>)(unit, note, at);

const unitNotes: { readonly [K in UnitNote['kind']]: Noted<Extract<UnitNote, { kind: K }>> } = {
  intend: (unit) => ({ ...unit, state: 'releasing' }),
  withdraw: (unit, { to }) => ({ ...unit, state: to }),
  released: (unit, _, at) => ({ ...unit, state: 'released', releasedAt: unit.releasedAt ?? at }),
  settle: ({ reasons: _, ...unit }, { state, reasons }, at) => ({
    ...unit,
    state,
    settledAt: at,
    ...(reasons.length > 0 ? { reasons: [...reasons] } : {}),
  }),
  restoring: (unit, { state, reason }, at) => ({
    ...unit,
    restore: {
      ...unit.restore,
      state,
      ...(state === 'released' ? { releasedAt: at } : {}),
      ...(reason === undefined ? {} : { reason }),
    },
  }),
};

/** What failed may not go on where it has begun: units that have not switched to an update are not to. */
function stateAfter(rollout: Rollout, note: Note): Rollout {
  if (note.kind === 'begin') return { ...rollout, state: 'running' };
  if (note.kind !== 'end') return rollout;
  const restoring = rollout.restoring || (note.state === 'failed' && rollout.update !== undefined);
  return { ...rollout, state: note.state, reason: note.reason, restoring };
}
