import type { Target } from '../../../ota/contract/target.ts';

export type Picked =
  | { readonly kind: 'picked'; readonly install: readonly string[] }
  /** `lacks`: the unit's hardware, for which no target of a component was named. */
  | { readonly kind: 'refused'; readonly reason: string; readonly lacks?: readonly string[] };

/**
 * Of targets for several units and kinds of hardware those for one unit: of each component exactly one, the program first; the scenes of other
 * units are theirs. `hardware`: as the unit reports it; where it has not, a component that comes for one kind of hardware alone is taken, and
 * the unit judges.
 */
export function pickTargets(
  unit: string,
  wanted: readonly string[],
  published: readonly Target[],
  hardware: readonly string[] | undefined,
): Picked {
  const byName = new Map(published.map((target) => [target.target, target]));
  const targets: Target[] = [];
  for (const name of wanted) {
    const target = byName.get(name);
    if (target === undefined) return refused(`${name} is not published`);
    if (target.description.patchFrom !== undefined) return refused(`${name} is a patch; name the whole target`);
    targets.push(target);
  }
  const own = targets.filter(({ description }) => (description.unit ?? unit) === unit);
  if (own.length === 0 && targets.length > 0) return refused(`none of the targets is for ${unit}`);
  const install: Target[] = [];
  for (const [component, ofOne] of Map.groupBy(own, ({ description: { kind, name } }) => `${kind} ${name}`)) {
    const fit =
      hardware === undefined
        ? ofOne
        : ofOne.filter(({ description }) => description.hardware.some((one) => hardware.includes(one)));
    const [one, other] = fit;
    if (one === undefined) {
      const reason = `none of the targets of ${component} is for ${hardware?.join(' or ')}`;
      return { ...refused(reason), ...(hardware === undefined ? {} : { lacks: hardware }) };
    }
    if (other !== undefined) {
      return refused(
        hardware === undefined
          ? `the unit has not reported its hardware, and there are several targets of ${component}`
          : `${one.target} and ${other.target} are both of ${component} for ${hardware.join(' or ')}`,
      );
    }
    install.push(one);
  }
  const programsFirst = install.toSorted((one, other) => rankOf(one) - rankOf(other));
  return { kind: 'picked', install: programsFirst.map(({ target }) => target) };
}

const rankOf = ({ description: { kind } }: Target): number => (kind === 'program' ? 0 : 1);
const refused = (reason: string) => ({ kind: 'refused', reason }) as const;
