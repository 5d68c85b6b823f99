import { join } from 'node:path';
import type { Figure } from '../../device/bench/figure.ts';
import { startPostgres } from '../centre/archive/testing/start-postgres.ts';
import { runJob } from './sync-jobs.ts';
import { type BridgeChoice, Stage, usageOf } from './sync-stage.ts';

const units = 16;
const eventsOfUnit = 6000;

/** Events a second that bridges archive and acknowledge, of many units at once, each with its queue full. */
export async function benchBridges(folder: string, say: (text: string) => void): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const measure = async (name: string, choices: readonly BridgeChoice[], one?: number) => {
    const place = join(folder, name.replaceAll(/[^a-z0-9]+/g, '-'));
    const { rate, cores } = await rateOf(place, choices, say);
    const ratio = `${one === undefined ? '' : `${(rate / one).toFixed(2)} of one, `}${cores.toFixed(2)} cores each`;
    figures.push({ section: 'sync', name: `bridge, ${name}`, value: rate, unit: 'events/s', ratio });
    return rate;
  };
  await measure('1 process, SQLite', [{ name: 'bridge-1' }]);
  const postgres = await startPostgres();
  if (postgres === undefined) {
    say('# sync: PostgreSQL is not installed, so bridges side by side are not measured');
    return figures;
  }
  try {
    const urlOf = async (name: string) => {
      const { host = '', user = '', database = '' } = await postgres.database(name);
      return `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}`;
    };
    const one = await measure('1 process, PostgreSQL', [{ name: 'bridge-1', postgres: await urlOf('one') }]);
    const shared = { postgres: await urlOf('shared'), sharing: { group: 'bridges' } };
    await measure(
      '2 processes, PostgreSQL, $share',
      both(() => shared),
      one,
    );
    const parted = await urlOf('parted');
    const part = (index: number) => ({ postgres: parted, sharing: { partition: { index, of: 2 } } });
    await measure('2 processes, PostgreSQL, each half of the units', both(part), one);
  } finally {
    await postgres.stop();
  }
  return figures;
}

const both = (choice: (index: number) => Omit<BridgeChoice, 'name'>): readonly BridgeChoice[] =>
  [0, 1].map((index) => ({ name: `bridge-${index + 1}`, ...choice(index) }));

async function rateOf(
  folder: string,
  choices: readonly BridgeChoice[],
  say: (text: string) => void,
): Promise<{ readonly rate: number; readonly cores: number }> {
  const stage = await Stage.open(folder);
  try {
    const pids: number[] = [];
    for (const choice of choices) pids.push((await stage.bridge(choice)).pid);
    const spent = async () => {
      const usages = await Promise.all(pids.map(usageOf));
      return usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    };
    const places = await Promise.all(Array.from({ length: units }, (_, i) => stage.place(`unit-${i + 1}`)));
    const before = await spent();
    const done = await runJob({ kind: 'drain', places, folder: join(folder, 'queues'), events: eventsOfUnit });
    const cores = ((await spent()) - before) / done.ms / pids.length;
    say(`# sync: ${done.events} events of ${units} units in ${done.ms.toFixed(0)} ms, sent again ${done.resentEvents}`);
    return { rate: (done.events / done.ms) * 1000, cores };
  } finally {
    await stage.close();
  }
}
