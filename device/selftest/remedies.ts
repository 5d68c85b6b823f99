import { linkRemedies } from './remedies/link.ts';
import { machineRemedies } from './remedies/machine.ts';
import type { Remedy } from './remedies/remedy.ts';
import { sightRemedies } from './remedies/sight.ts';
import { workRemedies } from './remedies/work.ts';

/**
 * What to do about each trouble that a self-test can find: for a technician on a ladder, who may have a phone in one hand. `means` says what
 * is wrong, `matters` what it does to the unit's work, `steps` what to try, the likeliest and cheapest first.
 */

const about = { ...sightRemedies, ...machineRemedies, ...linkRemedies, ...workRemedies };

/** Everything that can be found wrong: each has its remedy. */
export type TroubleCode = keyof typeof about;

export const remedies: Readonly<Record<TroubleCode, Remedy>> = about;
export const troubleCodes = Object.keys(about) as readonly TroubleCode[];

/** Undefined for a code of newer software, and for what is no trouble. */
export function remedyOf(code: string): Remedy | undefined {
  return Object.hasOwn(about, code) ? remedies[code as TroubleCode] : undefined;
}
