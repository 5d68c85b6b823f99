import { systemClock } from '../../device/kernel/clock.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { runSimulation } from '../cli/fleet/simulate/run-simulation.ts';
import type { Job, JobResults } from './sync-jobs.ts';

/** A simulated fleet, and nothing else, in this process. */
export async function runFleetJob(job: Extract<Job, { kind: 'fleet' }>): Promise<JobResults['fleet']> {
  const { url, certificates, folder, units, rate, minutes } = job;
  return runSimulation(
    { units, rate, minutes, folder, broker: { url, certificates }, bridge: false, patience: milliseconds(120_000) },
    {
      ...{ clock: systemClock, timer: systemTimer, random: Math.random },
      traffic: seededRandom,
      signal: new AbortController().signal,
      onCentre: () => undefined,
      onFigures: () => undefined,
      onFault: (unit, fault) => process.stderr.write(`${unit}: ${fault.message}\n`),
    },
  );
}
