import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Lane } from '../../contract/outbox.ts';
import type { ArchivedEvent, Place } from './archive.ts';

/** One numbering of one lane of one unit. */
export interface LaneName {
  readonly unit: string;
  readonly lane: Lane;
  readonly stream: string;
}

export function nameOf({ unit, lane, stream }: LaneName): LaneName {
  return { unit, lane, stream };
}

export function placeOf({ unit, lane, stream, sequence }: Place): Place {
  return { unit, lane, stream, sequence };
}

export function laneKey({ unit, lane, stream }: LaneName): string {
  return `${unit}/${lane}/${stream}`;
}

/** The idempotency key of what is forwarded. */
export function messageOf(event: LaneName & { readonly sequence: number }): string {
  return `${laneKey(event)}/${event.sequence}`;
}

/** What consumers of the queues get of an event. */
export function forwardedEvent(event: Omit<ArchivedEvent, 'position' | 'archived' | 'previous'>): JsonValue {
  const { unit, lane, stream, sequence, kind, time, data } = event;
  return { unit, lane, stream, sequence, kind, time, data };
}

/** Lanes, each once, in the one order in which everybody locks them. */
export function lanesOf(events: readonly LaneName[]): LaneName[] {
  const byKey = new Map(events.map((event) => [laneKey(event), event]));
  return [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, event]) => nameOf(event));
}

/** What comes after every key that begins so, by the order of UTF-8 bytes: no key has this last character. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
