import { remedyOf } from '../../../device/selftest/remedies.ts';

/** Steps that fit on a screen beside the fault; `atalaya-unit doctor` has all of them. */
const mostSteps = 3;

/** What to do about a finding of a self-test, by its code; undefined where this program knows nothing. */
export function remedyWords(code: string): string | undefined {
  const remedy = remedyOf(code);
  if (remedy === undefined) return undefined;
  const { matters, steps } = remedy;
  return [matters, ...steps.slice(0, mostSteps).map((step, i) => `${i + 1}. ${step}`)].join('\n       ');
}
