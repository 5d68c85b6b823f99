import type { QualityBars } from './quality.ts';
import type { Rollout } from './rollout.ts';

/** What a rollout of an update waits for: reckoned alike by the centre, and by whoever tells of it. */

type Group = Rollout['groups'][number];

/** A unit of a group that has confirmed. */
export interface ConfirmedUnit {
  readonly unit: string;
  readonly releasedAt: string;
  readonly settledAt: string;
}

/** Shares are of whole units: what rounding adds or takes away must not decide. */
export const hair = 1e-9;
/** Telemetry comes late: so long after the last unit's time is over it is looked at. */
const qualityLag = 120_000;

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

/** When the last unit of a group has worked for so long, and its telemetry is here; UTC milliseconds. */
export function qualityDue(
  units: readonly { readonly settledAt: string }[],
  { minutes }: Pick<QualityBars, 'minutes'>,
): number {
  return Math.max(...units.map(({ settledAt }) => Date.parse(settledAt))) + minutes * 60_000 + qualityLag;
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
