import { toIso, utcMilliseconds } from '../../device/kernel/units.ts';
import type { OutboxEvent } from '../contract/outbox.ts';

const begin = Date.UTC(2026, 2, 1, 12);

/** The event that happens most: a vehicle crossed a counting line. */
export function countEvent(number: number): OutboxEvent {
  return {
    kind: 'count',
    time: utcMilliseconds(begin + number * 40),
    data: { line: 'north', direction: number % 2 === 0 ? 'inbound' : 'outbound', class: 'car', dated: true },
  };
}

/** The same as a program would write it into a message of its own. */
export function countText(number: number): string {
  const { time, data } = countEvent(number);
  return JSON.stringify({ sequence: number, time: toIso(time), data });
}
