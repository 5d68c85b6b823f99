import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Rollout } from '../../contract/rollout.ts';
import { runFleet } from './program.ts';
import type { OwnCentre } from './simulate/own-centre.ts';
import { runSimulation, type SimulationSummary } from './simulate/run-simulation.ts';

/** Of a unit, as far as it is looked at. */
interface Told {
  readonly state?: {
    readonly configuration?: { readonly version: number };
    readonly flags?: { readonly announceCounts?: boolean };
  };
}

interface Running {
  /** A call of the program at the centre of the simulation. */
  call(line: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  stop(): Promise<SimulationSummary>;
}

/** A simulation that goes on until it is stopped; undefined where there is no Mosquitto to run it with. */
async function simulation(folder: string, units: number, stubborn: number): Promise<Running | undefined> {
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
async function until(look: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 120; i += 1) {
    if (await look()) return true;
    await systemTimer.sleep(milliseconds(250));
  }
  return false;
}

test('six units obey: a push, a restart, a rollout of which the stubborn one is seen, commands; also after a second start', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-obeying-'));
  let running: Running | undefined;
  t.teardown(async () => {
    await running?.stop().catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });
  const first = await simulation(folder, 6, 1);
  if (first === undefined) {
    t.log('passed over: Mosquitto is not installed');
    t.pass();
    return;
  }
  running = first;
  const done = async (line: string): Promise<string> => {
    const { code, out, err } = await (running ?? first).call(line);
    t.is(code, 0, `${line}\n${out}${err}`);
    return out;
  };
  const settings = async (text: string) => {
    await writeFile(join(folder, 'settings.yaml'), text);
    return `--settings ${join(folder, 'settings.yaml')} --yes`;
  };
  t.true(await until(async () => (await done('status')).includes('6 units, 0 offline')));

  // Live; nobody else has opened anything for it.
  const counts = 'flags: {announceCounts: false}\n';
  t.regex(await done(`config push sim-0001 ${await settings(counts)} --wait 20`), /version 1 confirmed/);
  const told = async () => JSON.parse(await done('status --json')).units as readonly Told[];
  t.deepEqual(
    (await told()).map(({ state }) => state?.flags?.announceCounts),
    [false, true, true, true, true, true],
  );
  t.true((await readdir(join(folder, 'units', 'sim-0001'))).includes('config'));
  t.false((await readdir(join(folder, 'units', 'sim-0002'))).includes('config'));

  // Something that no running unit takes: it leaves, starts with it, and comes back.
  const threads = 'detector: {threads: 3}\n';
  t.regex(await done(`config push sim-0002 ${await settings(threads)} --wait 30`), /version 1 confirmed/);
  const refused = await (running ?? first).call(
    `config push sim-0003 ${await settings('detector: {threads: 64}\n')} --wait 20`,
  );
  t.is(refused.code, 1);
  t.regex(refused.out, /version 1 rejected\n +threads-beyond-cores/);

  // One canary, then the others, of which one fails.
  const rest = await settings('log: {level: debug}\n');
  const groups = '--group canary=sim-0001 --group all=rest';
  const { id } = JSON.parse(
    await done(`rollout start ${groups} ${rest} --probation 0.12 --deadline 0.4 --errors 0.1 --json`),
  ) as Rollout;
  const look = async () => JSON.parse(await done(`rollout show ${id} --json`)) as Rollout;
  t.true(await until(async () => (await look()).state === 'failed'));
  const [canary, all] = (await look()).groups;
  t.is(canary?.units[0]?.state, 'confirmed');
  t.not(canary?.succeededAt, undefined);
  const stubborn = all?.units.find(({ unit }) => unit === 'sim-0006');
  t.is(stubborn?.state, 'rolled-back');
  t.regex(stubborn?.reasons?.join() ?? '', /^broker-not-reached/);
  t.deepEqual(
    all?.units.filter(({ unit }) => unit !== 'sim-0006').map(({ unit, state }) => [unit, state]),
    ['sim-0002', 'sim-0003', 'sim-0004', 'sim-0005'].map((unit) => [unit, 'confirmed']),
  );

  const tested = await done('command self-test sim-0003 sim-0004 sim-0005 --wait 20');
  for (const unit of ['sim-0003', 'sim-0004', 'sim-0005']) t.regex(tested, new RegExp(`${unit} {2}done`));
  await done('command diagnostics sim-0003 --minutes 1 --every 1 --wait 20');
  const picture = await (running ?? first).call(`command snapshot sim-0004 --out ${folder} --wait 20`);
  t.is(picture.code, 1);
  t.regex(picture.out, /a simulated unit has no camera/);
  await done('command reboot sim-0005 --reason look --yes --wait 20');
  t.true(await until(async () => (await done('status')).includes('1 offline')));
  t.true(await until(async () => (await done('status')).includes('6 units, 0 offline')));

  const summary = await first.stop();
  t.true(summary.settled);
  // Acts are entries of the ledger, and in the archive as everything else.
  t.is(summary.archived, summary.offered);
  // sim-0002 has started with what it was given, and again without it; sim-0005 was told to.
  t.is(summary.reconnects, 3);

  const second = await simulation(folder, 6, 0);
  if (second === undefined) return t.fail('Mosquitto was there before');
  running = second;
  t.true(await until(async () => (await done('status')).includes('6 units, 0 offline')));
  const left = (await told()).map(({ state }) => state?.configuration?.version);
  t.deepEqual(left, [2, 2, 2, 1, 1, 0]);
  t.true((await second.stop()).settled);
});
