import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { utcMilliseconds } from '../../../../device/kernel/units.ts';
import type { OutboxEvent } from '../../../contract/outbox.ts';

/** Events for tests, each told from the others by its number. */

const time = (number: number) => utcMilliseconds(1_772_366_400_000 + number * 1000);

export const countEvent = (number: number, padding = 0): OutboxEvent => ({
  kind: 'count',
  time: time(number),
  data: { line: `line ${number}`, direction: 'ünder "it"', class: 'car', dated: true, ...padded(padding) },
});

export const telemetryEvent = (number: number, padding = 0): OutboxEvent => ({
  kind: 'telemetry',
  time: time(number),
  data: { uptimeS: number, ...padded(padding) },
});

export const alertEvent = (number: number, padding = 0): OutboxEvent => ({
  kind: 'alert',
  time: time(number),
  data: {
    id: `alert-${String(number).padStart(8, '0')}`,
    name: 'disk-nearly-full',
    state: 'raised',
    since: '2026-03-01T12:00:00.000Z',
    detail: `number ${number}`,
    ...padded(padding),
  },
});

export const infractionEvent = (number: number, padding = 0): OutboxEvent => ({
  kind: number % 3 === 0 ? 'audit' : 'infraction',
  time: time(number),
  data: {
    record: { schema: 'atalaya/infraction/1', unit: 'unit-7', sequence: number, ...padded(padding) },
    signature: 'c2lnbmF0dXJl',
  },
});

const padded = (padding: number): Record<string, JsonValue> => (padding === 0 ? {} : { note: 'x'.repeat(padding) });
