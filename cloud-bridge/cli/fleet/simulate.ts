import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { safeJson } from '../../fleet/text.ts';
import type { FleetFigures } from '../../simulate/simulated-fleet.ts';
import { type AddCommands, exit } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { say } from './session.ts';
import { memoryWords } from './simulate/memory-words.ts';
import type { OwnCentre } from './simulate/own-centre.ts';
import { runSimulation, type SimulationSummary } from './simulate/run-simulation.ts';
import { numberOf } from './words.ts';

interface SimulateFlags {
  readonly units: number;
  readonly minutes?: number;
  readonly rate: number;
  readonly folder?: string;
  readonly broker?: string;
  readonly certificates?: string;
  readonly bridge?: boolean;
  readonly stubborn: number;
  readonly seed: number;
  readonly json?: boolean;
}

const patience = milliseconds(60_000);
/** Where nobody watches, a line so often. */
const linesApart = 10;

/** Adds `simulate`: a fleet on one desk. */
export const addSimulate: AddCommands = (root, io, leave) => {
  root
    .command('simulate')
    .description('a fleet on one desk: units with real sessions and queues that see made-up traffic')
    .option('--units <number>', 'so many units', numberOf(1, 10_000, true), 20)
    .option('--minutes <number>', 'for so long; until Ctrl-C unless said otherwise', numberOf(0.01, 100_000))
    .option('--rate <number>', 'events a unit and minute', numberOf(0.01, 60_000), 12)
    .option('--folder <folder>', 'keep everything there, and go on from it; a folder that is removed unless said')
    .option('--broker <url>', 'a broker that runs; a Mosquitto of its own unless said otherwise')
    .option('--certificates <folder>', 'for --broker mqtts://...: ca.pem, and NAME.pem with NAME.key of every unit')
    .option('--bridge', 'run a bridge too; so it is unless --broker is given')
    .option('--no-bridge', 'run none')
    .option('--stubborn <number>', 'so many units fail the trial of every configuration', numberOf(0, 10_000, true), 0)
    .option('--seed <number>', 'the same seed gives the same traffic', numberOf(0, 2 ** 32 - 1, true), 1)
    .option('--json', 'the summary as JSON')
    .action(async (flags: SimulateFlags) => {
      const settled = await simulate(flags, io);
      leave(settled ? exit.done : exit.failed);
    });
};

async function simulate(flags: SimulateFlags, io: FleetIo): Promise<boolean> {
  const { units, rate, minutes, broker, certificates, bridge = broker === undefined, stubborn, seed } = flags;
  if (certificates !== undefined && broker === undefined) {
    throw new AtalayaError('usage-invalid', '--certificates are for a broker that runs', {
      hint: 'Name it: --broker.',
    });
  }
  if (broker !== undefined && flags.folder === undefined) {
    throw new AtalayaError('usage-invalid', 'a fleet at another broker needs a folder', {
      hint: 'Name it with --folder: the centre remembers the keys of its units, and units that lost theirs are strangers.',
    });
  }
  if (!bridge) {
    const why =
      'No bridge runs here, so these units know nobody: they refuse every configuration and command (no-trust).';
    say(io.err, io, `${why} With --bridge they trust its supervisor.`);
  }
  const kept = flags.folder !== undefined;
  const folder = flags.folder === undefined ? await mkdtemp(join(tmpdir(), 'atalaya-fleet-')) : resolve(flags.folder);
  const line = new LiveLine(io);
  const faults = new Map<string, number>();
  try {
    const named = certificates === undefined ? {} : { certificates: resolve(certificates) };
    const summary = await runSimulation(
      {
        ...{ units, rate, folder, bridge, stubborn, patience },
        ...(minutes === undefined ? {} : { minutes }),
        ...(broker === undefined ? {} : { broker: { url: broker, ...named } }),
      },
      {
        clock: io.clock,
        timer: io.timer,
        signal: io.signal,
        random: Math.random,
        traffic: (number) => seededRandom(seed + number * 7919),
        onCentre: (centre) => sayCentre(io, centre),
        onFigures: (figures) => line.show(figures),
        onFault: (_, { code }) => faults.set(code, (faults.get(code) ?? 0) + 1),
      },
    );
    line.end();
    if (flags.json === true) io.out.write(`${safeJson({ ...summary, faults: Object.fromEntries(faults) })}\n`);
    else sayCounts(io, summary, faults);
    if (!summary.settled) say(io.err, io, 'Not everything was acknowledged in the time that it was given.', 'red');
    return summary.settled;
  } finally {
    line.end();
    if (!kept) await rm(folder, { recursive: true, force: true });
  }
}

function sayCentre(io: FleetIo, { address, key }: OwnCentre): void {
  say(io.err, io, 'A bridge is there. In another terminal:');
  // Whole, to be copied.
  io.err.write(`  ${fleetProgram} status --bridge ${address} --key ${key}\n`);
}

function sayCounts(io: FleetIo, summary: SimulationSummary, faults: ReadonlyMap<string, number>): void {
  const { units, lastedMs, offered, acknowledged, refusedEvents, resentEvents, reconnects, archived } = summary;
  const { sentMessages, sentBytes, cosigned, bytesPerUnit, cpuPerUnit, withBridge } = summary;
  const rows: readonly (readonly [string, string])[] = [
    ['units', `${units}, for ${(lastedMs / 1000).toFixed(0)} s`],
    ['events offered', `${offered}`],
    ['acknowledged', `${acknowledged}${refusedEvents === 0 ? '' : `, of these refused ${refusedEvents}`}`],
    ...(archived === undefined ? [] : [['archived', `${archived}`] as const]),
    ['sent again', `${resentEvents}`],
    ['messages', `${sentMessages}, ${(sentBytes / 1e6).toFixed(2)} MB`],
    ['reconnects', `${reconnects}`],
    ['cosigned', `${cosigned} checkpoints`],
    ['memory', memoryWords(bytesPerUnit, withBridge)],
    ['processor', `${(cpuPerUnit * 100).toFixed(3)} % of a core a unit${withBridge ? ', bridge included' : ''}`],
    ...[...faults].map(([code, count]) => [code, `${count} times`] as const),
  ];
  for (const [name, value] of rows) say(io.out, io, `${name.padEnd(16)}${value}`);
}

/** Where the fleet is: one line that is written over on a terminal, a line now and then elsewhere. */
class LiveLine {
  readonly #io: FleetIo;
  #shown = 0;
  #open = false;

  constructor(io: FleetIo) {
    this.#io = io;
  }

  show({ units, online, offered, acknowledged, resentEvents, reconnects }: FleetFigures): void {
    const { err } = this.#io;
    const text = `${online}/${units} online  ${offered} offered  ${acknowledged} acknowledged  ${resentEvents} again  ${reconnects} reconnects`;
    if (err.terminal) err.write(`\r\u001b[K${text.slice(0, Math.max(20, (err.columns ?? 80) - 1))}`);
    else if (this.#shown % linesApart === 0) err.write(`${text}\n`);
    this.#open = err.terminal;
    this.#shown += 1;
  }

  end(): void {
    if (this.#open) this.#io.err.write('\n');
    this.#open = false;
  }
}
