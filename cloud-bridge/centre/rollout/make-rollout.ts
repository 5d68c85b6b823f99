import { toIso, type UtcMilliseconds } from '../../../device/kernel/units.ts';
import type { Desired } from '../../contract/acts.ts';
import type { Rollout, RolloutPlan, RolloutUnit } from '../../contract/rollout.ts';
import { counted } from '../../fleet/text.ts';

/** Why a plan is no plan, a line each; none where it is one. */
export function faultsOfPlan(plan: RolloutPlan): readonly string[] {
  const units = plan.groups.flatMap((group) => group.units);
  const documents = byUnit(plan.documents);
  const rollbacks = byUnit(plan.rollbacks);
  const faults: string[] = [
    ...twice(units).map((unit) => `unit ${unit} stands in the groups twice`),
    ...twice(plan.groups.map(({ name }) => name)).map((name) => `two groups are named ${name}`),
    ...twice(plan.documents.map(({ unit }) => unit)).map((unit) => `unit ${unit} has two documents`),
    ...twice(plan.rollbacks.map(({ unit }) => unit)).map((unit) => `unit ${unit} has two rollback documents`),
  ];
  const members = new Set(units);
  for (const unit of members) {
    const document = documents.get(unit);
    const rollback = rollbacks.get(unit);
    if (plan.update !== undefined) continue;
    if (document === undefined) faults.push(`unit ${unit} has no document`);
    else if (document.probationMinutes >= plan.deadlineMinutes)
      faults.push(
        `unit ${unit} may be on trial for ${counted(document.probationMinutes, 'minute')}, its deadline is no later`,
      );
    if (document !== undefined && rollback !== undefined && rollback.version <= document.version)
      faults.push(
        `the rollback document of unit ${unit} is of version ${rollback.version}, not above ${document.version}`,
      );
  }
  for (const unit of new Set([...documents.keys(), ...rollbacks.keys()]))
    if (!members.has(unit)) faults.push(`unit ${unit} has a document and is in no group`);
  return [...faults, ...faultsOfUpdate(plan)];
}

function faultsOfUpdate({ update, deadlineMinutes }: RolloutPlan): readonly string[] {
  if (update === undefined) return [];
  const { spreadSeconds = 0, trial } = update;
  const longest = (spreadSeconds + (trial?.deadlineSeconds ?? usualTrialSeconds)) / 60;
  return longest < deadlineMinutes
    ? []
    : [
        `a unit may wait and be on trial for ${counted(Math.ceil(longest), 'minute')}, its deadline of ${counted(deadlineMinutes, 'minute')} is no later`,
      ];
}

/** Until a trial that has not held is rolled back, unless the job says otherwise. */
const usualTrialSeconds = 3600;

/** A rollout that has released nothing. `jobs`: of an update, how many jobs each unit was given before. */
export function makeRollout(
  plan: RolloutPlan,
  by: string,
  now: UtcMilliseconds,
  jobs: ReadonlyMap<string, number> = new Map(),
): Rollout {
  const documents = byUnit(plan.documents);
  const rollbacks = byUnit(plan.rollbacks);
  const { documents: _, rollbacks: __, groups, mostAtOnce, notBefore, note, update, ...rest } = plan;
  const unitOf = (unit: string): RolloutUnit => {
    const rollback = rollbacks.get(unit)?.version;
    return {
      unit,
      version: documents.get(unit)?.version ?? (jobs.get(unit) ?? 0) + 1,
      state: 'waiting',
      ...(rollback === undefined ? {} : { rollback }),
    };
  };
  return {
    ...rest,
    ...(mostAtOnce === undefined ? {} : { mostAtOnce }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(note === undefined ? {} : { note }),
    ...(update === undefined ? {} : { update }),
    state: 'waiting',
    restoring: false,
    by,
    created: toIso(now),
    changed: toIso(now),
    groups: groups.map(({ name, units }) => ({ name, units: units.map(unitOf) })),
  };
}

export const byUnit = (documents: readonly Desired[]): ReadonlyMap<string, Desired> =>
  new Map(documents.map((document) => [document.unit, document]));

function twice(names: readonly string[]): readonly string[] {
  return [...Map.groupBy(names, (name) => name)].filter(([, { length }]) => length > 1).map(([name]) => name);
}
