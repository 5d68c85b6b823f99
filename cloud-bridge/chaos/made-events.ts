import type { Random } from '../../device/kernel/supervise.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import type { OutboxEvent } from '../contract/outbox.ts';

/** One alert in so many is longer than a packet, and travels in parts. */
const oneLongOf = 40;

/** The `n`th alert of a unit: a few that are raised, become critical and are closed, over and over. */
export function makeAlert(n: number, time: UtcMilliseconds, random: Random): OutboxEvent {
  const state = (['raised', 'critical', 'closed'] as const)[n % 3] ?? 'raised';
  const padding = Math.floor(random() * oneLongOf) === 0 ? 125_000 + Math.floor(random() * 250_000) : 0;
  return {
    kind: 'alert',
    time,
    data: {
      id: `chaos-${String(Math.floor(n / 3) % 50).padStart(6, '0')}`,
      name: 'disk-nearly-full',
      state,
      since: toIso(time),
      detail: `number ${n}`,
      figures: { number: n },
      ...(padding === 0 ? {} : { padding: 'ä€'.repeat(padding / 5) }),
    },
  };
}

/** The `n`th event of the lane of telemetry: mostly counts. */
export function makeTelemetry(n: number, time: UtcMilliseconds, random: Random): OutboxEvent {
  if (n % 5 === 0) {
    return {
      kind: 'telemetry',
      time,
      data: { uptimeS: n, sync: { refused: 0 }, pipeline: { framesPerSecond: random() * 25 } },
    };
  }
  const direction = random() < 0.5 ? 'in' : 'out';
  return { kind: 'count', time, data: { line: `line ${n}`, direction, class: 'car', dated: true } };
}
