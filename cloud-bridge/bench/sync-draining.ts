import { join } from 'node:path';
import type { Figure } from '../../device/bench/figure.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { type ClientPlace, runJob } from './sync-jobs.ts';
import { Stage } from './sync-stage.ts';

const windows = [32, 64, 256, 1024, 4096];
const trialMs = 2500;
/** Each is done so often, in turns, and the best counts of either. */
const rounds = 3;
const bar = 0.8;

/**
 * Draining queued events to a bridge that archives and acknowledges them, against a bare mqtt.js loop that the broker alone acknowledges,
 * with the window that serves it best; at a broker of its own that lets it have any window. Same machine, same TLS, same way.
 */
export async function benchDraining(
  folder: string,
  events: number,
  roundTrips: readonly number[],
  say: (text: string) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const stage = await Stage.open(join(folder, 'ours'));
  try {
    const bare = await Stage.open(join(folder, 'bare'), 'max_inflight_messages 0\n');
    try {
      await stage.bridge({ name: 'bridge-1' });
      for (const roundTripMs of roundTrips) {
        const name = `at ${roundTripMs} ms`;
        say(
          `# sync: ${events} events ${name}${roundTripMs > 0 ? ', delayed by a TCP relay in a process of its own' : ''}`,
        );
        const barePlace = await bare.place('unit-bare', await portOf(bare, roundTripMs));
        const window = await bestWindow(barePlace, say);
        const port = await portOf(stage, roundTripMs);
        let bareRate = 0;
        let rate = 0;
        let messages = 0;
        let grown = 0;
        for (let round = 1; round <= rounds; round += 1) {
          const one = await runJob({ kind: 'bare', place: barePlace, window, events });
          bareRate = Math.max(bareRate, (one.events / one.ms) * 1000);
          const unit = `unit-${roundTripMs}-${round}`;
          const places = [await stage.place(unit, port)];
          const drained = await runJob({ kind: 'drain', places, folder: join(folder, 'queues'), events });
          say(
            `#   bare ${one.ms.toFixed(0)} ms, drained ${drained.ms.toFixed(0)} ms, sent again ${drained.resentEvents}`,
          );
          const ours = (drained.events / drained.ms) * 1000;
          if (ours > rate) ({ sentMessages: messages, grownBytes: grown } = drained);
          rate = Math.max(rate, ours);
        }
        figures.push(
          { section: 'sync', name: `bare mqtt.js, window ${window}, ${name}`, value: bareRate, unit: 'events/s' },
          {
            ...{ section: 'sync', name: `drained to the archive ${name}`, value: rate, unit: 'events/s' },
            ratio: `${(rate / bareRate).toFixed(2)} of bare, bar ${bar}; ${messages} messages, +${(grown / 1e6).toFixed(0)} MB`,
          },
        );
      }
    } finally {
      await bare.close();
    }
  } finally {
    await stage.close();
  }
  return figures;
}

async function portOf(stage: Stage, roundTripMs: number): Promise<number> {
  return roundTripMs === 0 ? stage.broker.port : stage.relay(roundTripMs);
}

async function bestWindow(place: ClientPlace, say: (text: string) => void): Promise<number> {
  let best = { window: windows[0] as number, rate: 0 };
  for (const window of windows) {
    try {
      const { events, ms } = await runJob({
        kind: 'bare',
        place,
        window,
        events: Number.MAX_SAFE_INTEGER,
        ms: trialMs,
      });
      const rate = (events / ms) * 1000;
      say(`#   bare, window ${window}: ${rate.toFixed(0)} events/s`);
      if (rate > best.rate) best = { window, rate };
    } catch (error) {
      if (!isAtalayaError(error, 'internal')) throw error;
      say(`#   bare, window ${window}: ${error.message}`);
    }
  }
  return best.window;
}
