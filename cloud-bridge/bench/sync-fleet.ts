import { join } from 'node:path';
import type { Figure } from '../../device/bench/figure.ts';
import { unitName } from '../simulate/simulated-fleet.ts';
import { runJob } from './sync-jobs.ts';
import { Stage, usageOf } from './sync-stage.ts';

/** Events a unit and minute, and for how long. */
const rate = 6;
const minutes = 1;

/** A fleet of simulated units in one process, with real sessions and queues, at one broker and one bridge. */
export async function benchFleet(
  folder: string,
  units: number,
  say: (text: string) => void,
): Promise<readonly Figure[]> {
  const stage = await Stage.open(join(folder, 'fleet'));
  try {
    const bridge = await stage.bridge({ name: 'bridge-1' });
    const names = Array.from({ length: units }, (_, i) => unitName(i + 1));
    const certificates = await stage.certificates(names);
    const others = { broker: stage.broker.pid, bridge: bridge.pid };
    const before = { broker: await usageOf(others.broker), bridge: await usageOf(others.bridge) };
    say(`# sync: ${units} units, ${rate} events each a minute, for ${minutes} minutes`);
    const begun = performance.now();
    const units1 = await runJob({
      ...{ kind: 'fleet', url: stage.broker.url, certificates, folder: join(folder, 'units') },
      ...{ units, rate, minutes },
    });
    const took = performance.now() - begun;
    const figure = (name: string, value: number, unit: string, ratio?: string): Figure => ({
      ...{ section: 'sync', name: `${units} units: ${name}`, value, unit },
      ...(ratio === undefined ? {} : { ratio }),
    });
    const { offered, acknowledged, settled, resentEvents, reconnects } = units1;
    const figures = [
      figure(
        'events acknowledged',
        acknowledged,
        'events',
        `of ${offered} offered${settled ? '' : ', NOT all'}; ${resentEvents} again, ${reconnects} reconnects`,
      ),
      figure('memory', units1.bytesPerUnit / 1e6, 'MB a unit'),
      figure('processor', units1.cpuPerUnit * 100, '% of a core a unit'),
    ];
    for (const name of ['broker', 'bridge'] as const) {
      const after = await usageOf(others[name]);
      const cpu = (after.cpuMs - before[name].cpuMs) / took;
      figures.push(
        figure(`memory of the ${name}`, (after.bytes - before[name].bytes) / units / 1e6, 'MB a unit'),
        figure(
          `processor of the ${name}`,
          (cpu / units) * 100,
          '% of a core a unit',
          'from the first connection to the last',
        ),
      );
    }
    return figures;
  } finally {
    await stage.close();
  }
}
