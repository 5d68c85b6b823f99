import type { Scenario } from '../bench.ts';
import { powerCut, powerCutWithoutSync } from './power-cut.ts';
import { tpmKey } from './tpm-key.ts';
import { watchdogReset } from './watchdog.ts';

/** Every scenario, in the order in which they are played. */
export const scenarios: readonly Scenario[] = [tpmKey, watchdogReset, powerCut, powerCutWithoutSync];
