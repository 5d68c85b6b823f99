import { join } from 'node:path';
import type { Section } from '../../device/bench/figure.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { benchBridges } from './sync-bridges.ts';
import { benchDraining } from './sync-draining.ts';
import { benchFleet } from './sync-fleet.ts';

const events = 100_000;
const roundTrips = [0, 50];

/** How fast what is queued comes into the archive, what a unit costs, and what a bridge takes. Nothing where Mosquitto is not installed. */
export const benchSync: Section = async ({ scratch, units, say }) => {
  // What was started ends with this process, and a signal alone would not tell it.
  const leave = () => process.exit(1);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, leave);
  try {
    return [
      ...(await benchDraining(join(scratch, 'draining'), events, roundTrips, say)),
      ...(await benchBridges(join(scratch, 'bridges'), say)),
      ...(await benchFleet(join(scratch, 'fleet'), units, say)),
    ];
  } catch (error) {
    if (!isAtalayaError(error, 'program-missing')) throw error;
    say(`# sync: passed over, ${error.message}`);
    return [];
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeListener(name, leave);
  }
};
