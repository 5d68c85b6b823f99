import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileKeystore } from '../../../device/evidence/keystore/file-keystore.ts';
import { Ledger } from '../../../device/evidence/ledger.ts';
import { LedgerLane } from '../../../device/evidence/ledger-lane.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { SqliteArchive } from '../../centre/archive/sqlite-archive.ts';
import type { LaneSource } from '../../contract/lane-source.ts';
import { lanes } from '../../contract/outbox.ts';
import { Spool } from '../../unit-end/outbox/spool.ts';
import type { FleetIo } from './fleet-io.ts';
import { runFleet } from './program.ts';
import { runSimulation, type SimulationSummary } from './simulate/run-simulation.ts';
import { addSimulate } from './simulate.ts';

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-simulate-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Undefined where there is no Mosquitto to run it with. */
async function simulated(t: ExecutionContext, folder: string, units: number): Promise<SimulationSummary | undefined> {
  try {
    return await runSimulation(
      { units, rate: 600, minutes: 0.05, folder, bridge: true, patience: milliseconds(30_000) },
      {
        clock: systemClock,
        timer: systemTimer,
        random: Math.random,
        traffic: (number) => seededRandom(number),
        signal: new AbortController().signal,
        onCentre: () => undefined,
        onFigures: () => undefined,
        onFault: (unit, fault) => t.fail(`${unit}: ${fault.message}`),
      },
    );
  } catch (error) {
    if (!isAtalayaError(error, 'program-missing')) throw error;
    t.log('passed over: Mosquitto is not installed');
    t.pass();
    return undefined;
  }
}

/** Everything that a queue was ever given and has not removed yet: whole segments, far larger than what happens here. */
async function contentOf(source: LaneSource): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const { sequence, kind, time, data } of source.read(1))
    found.push({ stream: source.stream, sequence, kind, time, data });
  return found;
}

/** What lies in the queues of a unit, by lane. */
async function queuesOf(folder: string, unit: string) {
  const shared = { files: systemFiles, random: Math.random, clock: systemClock };
  const place = (name: string) => join(folder, 'units', unit, name);
  const keystore = await FileKeystore.open(place('keys/signing.pem'));
  const ledger = await Ledger.open(place('evidence'), {
    ...{ unit, files: systemFiles, keystore, segmentBytes: 1e6, witnesses: [], rebuildLog: false, boot: 'test' },
    ...{ timer: systemTimer, checkpoints: { entries: 64, time: milliseconds(60_000) } },
  });
  const alert = await Spool.open(place('outbox/alert'), { ...shared, lane: 'alert' });
  const telemetry = await Spool.open(place('outbox/telemetry'), { ...shared, lane: 'telemetry' });
  try {
    const infraction = await LedgerLane.open(ledger, place('outbox'), systemFiles);
    return {
      alert: await contentOf(alert),
      infraction: await contentOf(infraction),
      telemetry: await contentOf(telemetry),
    };
  } finally {
    await Promise.all([alert.close(), telemetry.close(), ledger.close()]);
    await keystore.close();
  }
}

test('what five units see is acknowledged, and the archive has exactly that, also after a second start', async (t) => {
  await withFolder(async (folder) => {
    const first = await simulated(t, folder, 5);
    if (first === undefined) return;
    const second = await simulated(t, folder, 5);
    let all = 0;
    for (const { settled, offered, acknowledged, refusedEvents, refusedMessages, archived } of [
      first,
      second ?? first,
    ]) {
      t.true(settled);
      t.true(offered > 50, `${offered} events`);
      t.deepEqual([acknowledged, archived], [offered, offered]);
      t.deepEqual([refusedEvents, refusedMessages], [0, 0]);
      all += offered;
    }
    t.true(first.cosigned >= 5, 'the witness has cosigned');
    const archive = await SqliteArchive.open(join(folder, 'centre', 'data', 'archive.sqlite'), { clock: systemClock });
    try {
      let found = 0;
      for (let number = 1; number <= 5; number += 1) {
        const unit = `sim-000${number}`;
        const queues = await queuesOf(folder, unit);
        for (const lane of lanes) {
          const events = await archive.events({ unit, lane, order: 'sequence', limit: 10_000 });
          const here = events.map(({ stream, sequence, kind, time, data }) => ({ stream, sequence, kind, time, data }));
          t.deepEqual(here, queues[lane] as typeof here, `${unit} ${lane}`);
          found += here.length;
        }
      }
      t.is(found, all);
    } finally {
      await archive.close();
    }
  });
});

/** A call of the program as a shell makes it. */
async function call(args: readonly string[]) {
  const said = { out: '', err: '' };
  const sink = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
    },
    terminal: false,
    columns: undefined,
  });
  const io: FleetIo = {
    ...{ out: sink('out'), err: sink('err'), ask: undefined, edit: async () => false, environment: {} },
    ...{ clock: systemClock, timer: systemTimer, newId: () => crypto.randomUUID() },
    signal: new AbortController().signal,
  };
  return { code: await runFleet(args, io, [addSimulate]), ...said };
}

test('the command says how to look at the fleet while it runs, and what came of it', async (t) => {
  const { code, out, err } = await call(['simulate', '--units', '2', '--minutes', '0.03', '--rate', '300', '--json']);
  if (err.includes('Mosquitto is not installed')) {
    t.log('passed over: Mosquitto is not installed');
    t.is(code, 1);
    return;
  }
  t.is(code, 0, err);
  t.regex(err, /^ {2}npx atalaya-fleet status --bridge unix:\/\S+ --key \/\S+$/m);
  const summary = JSON.parse(out) as SimulationSummary;
  t.is(summary.units, 2);
  t.true(summary.offered > 0);
  t.deepEqual([summary.acknowledged, summary.archived], [summary.offered, summary.offered]);
});

test('a call that cannot be meant is refused before anything is started', async (t) => {
  const broker = ['simulate', '--broker', 'mqtt://127.0.0.1:1'];
  for (const [args, says] of [
    [broker, /needs a folder/],
    [['simulate', '--certificates', '/nowhere'], /for a broker that runs/],
    [['simulate', '--units', '0'], /whole number/],
  ] as const) {
    const { code, err } = await call(args);
    t.is(code, 2);
    t.regex(err, says);
  }
});

test('a fleet without a bridge beside it says that it knows nobody', async (t) => {
  await withFolder(async (folder) => {
    const at = ['--broker', 'mqtts://127.0.0.1:1', '--folder', join(folder, 'fleet'), '--certificates', folder];
    const without = await call(['simulate', ...at]);
    t.is(without.code, 2, 'and there are no certificates');
    t.regex(without.err, /^No bridge runs here, so these units know nobody: .*\(no-trust\)\. With --bridge they trust/);
    t.notRegex((await call(['simulate', ...at, '--bridge'])).err, /know nobody/);
  });
});
