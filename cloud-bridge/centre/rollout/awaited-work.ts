import type { Rollout } from '../../contract/rollout.ts';
import { type ConfirmedUnit, qualityDue } from '../updates/quality-figures.ts';

type Group = Rollout['groups'][number];

/** Shares are of whole units: what rounding adds or takes away must not decide. */
export const hair = 1e-9;

/** Every unit of it was released, and enough of them have confirmed. */
export function hasSucceeded({ units }: Pick<Group, 'units'>, share: number): boolean {
  if (units.some(({ state }) => state === 'waiting' || state === 'releasing')) return false;
  return units.filter(({ state }) => state === 'confirmed').length >= share * units.length - hair;
}

/** Those of a group whose work is looked at. */
export function confirmedUnits({ units }: Pick<Group, 'units'>): readonly ConfirmedUnit[] {
  return units.flatMap(({ unit, state, releasedAt, settledAt }) =>
    state === 'confirmed' && releasedAt !== undefined && settledAt !== undefined
      ? [{ unit, releasedAt, settledAt }]
      : [],
  );
}

/** The group, by its place, whose work a running rollout waits for, and when it is looked at: UTC milliseconds. */
export function awaitedWork({
  state,
  update,
  groups,
  successThreshold,
}: Rollout): { readonly group: number; readonly name: string; readonly due: number } | undefined {
  const at = groups.findIndex(({ succeededAt }) => succeededAt === undefined);
  const group = groups[at];
  if (state !== 'running' || update?.quality === undefined || group === undefined || group.quality !== undefined)
    return undefined;
  if (!hasSucceeded(group, successThreshold)) return undefined;
  return { group: at, name: group.name, due: qualityDue(confirmedUnits(group), update.quality) };
}
