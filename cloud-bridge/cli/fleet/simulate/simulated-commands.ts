import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../../device/kernel/clock.ts';
import { milliseconds, toIso, utcMilliseconds } from '../../../../device/kernel/units.ts';
import type { UnitBody } from '../../../simulate/obedience.ts';
import type { CommandExecutors } from '../../../unit-end/commands/command-types.ts';
import type { Grants } from '../../../unit-end/evidence/grants.ts';

export interface SimulatedCommandParts {
  readonly unit: string;
  readonly body: Pick<UnitBody, 'restart' | 'diagnose'>;
  readonly clock: Clock;
  readonly grants: () => Promise<Grants>;
}

const hour = 3_600_000;

/** What a unit without a camera does when it is told to. */
export function simulatedCommands({ unit, body, clock, grants }: SimulatedCommandParts): CommandExecutors {
  return {
    'self-test': async () => ({ outcome: 'done', result: { report: selfTest(unit, toIso(clock.utc())) } }),
    snapshot: async () => ({ outcome: 'failed', reason: 'no-camera: a simulated unit has no camera' }),
    reboot: async () => ({ outcome: 'done', result: { restarts: 'program' }, after: () => body.restart() }),
    'log-level': async ({ level, minutes }) => ({
      outcome: 'done',
      result: { level, minutes, log: 'a simulated unit keeps none' },
    }),
    'evidence-pull': async ({ evidence, files, hours }) => {
      const until = utcMilliseconds(clock.utc() + hours * hour);
      const open = await grants();
      for (const id of evidence) await open.grant(id, files === undefined ? 'all' : [...new Set(files)], until);
      return { outcome: 'done', result: { evidence, until: toIso(until) } };
    },
    diagnostics: async ({ minutes, everyS }) => {
      body.diagnose(milliseconds(minutes * 60_000), milliseconds(everyS * 1000));
      return { outcome: 'done', result: { minutes, everyS } };
    },
  };
}

/** In the form of a health report. That the broker is reached is shown by the answer. */
function selfTest(unit: string, at: string): JsonValue {
  const good = { state: 'good', detail: 'simulated' };
  return {
    ...{ status: 'good', at, unit, software: 'simulated', problems: [] },
    probes: { camera: good, clock: good, disk: good, memory: good, broker: { state: 'good', detail: 'connected' } },
  };
}
