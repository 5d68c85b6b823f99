import type { SelfTest, Trouble } from './update-parts.ts';

/** What the unit suffered from before the switch. */
export type Baseline = readonly Pick<Trouble, 'code' | 'degree'>[];

/**
 * So many times as bad as before the switch a trouble may be before it counts as the new program's: what a busy board measures twice
 * differs by less.
 */
const slack = 1.5;

/**
 * Holds a self-test on trial against the one before the switch. `counted` speaks against what is on trial; `asBefore` was there with the
 * version before and is no worse, so that a board that has always been slow can be updated. Each as `code: words`.
 */
export function weighTroubles(
  { troubles }: SelfTest,
  baseline: Baseline,
): { readonly counted: readonly string[]; readonly asBefore: readonly string[] } {
  // A figure that has vanished, or has come, cannot be compared.
  const noWorse = ({ degree }: Trouble, before: Baseline[number]): boolean =>
    degree === undefined || before.degree === undefined ? degree === before.degree : degree <= before.degree * slack;
  const isOld = (trouble: Trouble): boolean =>
    !trouble.vital && baseline.some((one) => one.code === trouble.code && noWorse(trouble, one));
  const words = ({ code, says }: Trouble): string => `${code}: ${says}`;
  return {
    counted: troubles.filter((one) => !isOld(one)).map(words),
    asBefore: troubles.filter(isOld).map(words),
  };
}

/** Of a self-test before a switch: what may be held in favour of the next version. */
export const baselineOf = ({ troubles }: SelfTest): Baseline =>
  troubles
    .filter(({ vital }) => !vital)
    .map(({ code, degree }) => ({ code, ...(degree === undefined ? {} : { degree }) }));

/** What both suffer from, each trouble as little as in the better of them: what was there once was not there before. */
export const commonOf = (first: Baseline, second: Baseline): Baseline =>
  first.flatMap((one) => {
    const other = second.find(({ code }) => code === one.code);
    if (other === undefined || (one.degree === undefined) !== (other.degree === undefined)) return [];
    return [(one.degree ?? 0) <= (other.degree ?? 0) ? one : other];
  });
