import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../../device/kernel/errors.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import { systemTimer } from '../../../../device/kernel/timer.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import { runFleet } from '../program.ts';
import type { OwnCentre } from '../simulate/own-centre.ts';
import { runSimulation, type SimulationSummary } from '../simulate/run-simulation.ts';

export interface RunningSimulation {
  /** A call of the program at the centre of the simulation. */
  call(line: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  /** The same, of one that has to do what it is told: what it prints. */
  done(line: string): Promise<string>;
  stop(): Promise<SimulationSummary>;
}

/** A simulation that goes on until it is stopped, at the latest with the test; undefined, and the test passed over, where Mosquitto is not installed. */
export async function simulation(
  t: ExecutionContext,
  folder: string,
  units: number,
  stubborn: number,
): Promise<RunningSimulation | undefined> {
  const running = await start(folder, units, stubborn);
  if (running === undefined) {
    t.log('passed over: Mosquitto is not installed');
    t.pass();
    return undefined;
  }
  t.teardown(() => running.stop().catch(() => undefined));
  const done = async (line: string): Promise<string> => {
    const { code, out, err } = await running.call(line);
    t.is(code, 0, `${line}\n${out}${err}`);
    return out;
  };
  return { ...running, done };
}

async function start(
  folder: string,
  units: number,
  stubborn: number,
): Promise<Omit<RunningSimulation, 'done'> | undefined> {
  const stop = new AbortController();
  const centre = Promise.withResolvers<OwnCentre>();
  const faults: string[] = [];
  const running = runSimulation(
    { units, stubborn, rate: 60, folder, bridge: true, patience: milliseconds(30_000) },
    {
      ...{ clock: systemClock, timer: systemTimer, random: Math.random, traffic: seededRandom, signal: stop.signal },
      onCentre: centre.resolve,
      onFigures: () => undefined,
      onFault: (unit, fault) => faults.push(`${unit}: ${fault.message}`),
    },
  );
  running.catch(centre.reject);
  try {
    const { address, key } = await centre.promise;
    return {
      call: async (line) => {
        const [out, err]: [string[], string[]] = [[], []];
        const code = await runFleet(line.split(' '), {
          out: { write: (text) => void out.push(text), terminal: false, columns: undefined },
          err: { write: (text) => void err.push(text), terminal: false, columns: undefined },
          ...{ ask: undefined, edit: async () => false, clock: systemClock, timer: systemTimer, newId: randomUUID },
          environment: { ATALAYA_BRIDGE: address, ATALAYA_KEY: key },
          signal: new AbortController().signal,
        });
        return { code, out: out.join(''), err: err.join('') };
      },
      stop: async () => {
        stop.abort();
        const summary = await running;
        if (faults.length > 0) throw new Error(faults.join('\n'));
        return summary;
      },
    };
  } catch (error) {
    if (!isAtalayaError(error, 'program-missing')) throw error;
    return undefined;
  }
}

/** Until it holds, at most half a minute. */
export async function until(look: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 120; i += 1) {
    if (await look()) return true;
    await systemTimer.sleep(milliseconds(250));
  }
  return false;
}
