import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import type { UtcMilliseconds } from '../../device/kernel/units.ts';
import type { EventKind } from './topics.ts';

/**
 * What leaves the unit goes through here, after it was sealed and signalled.
 *
 * Guarantees: when `offer` has resolved, the event survives a power cut and is delivered at least once, as often as it takes; events of
 * one lane leave in the order of their offers; an offer never waits for the network. Rejects with `store-full` where the disk takes no
 * more. What the evidence store sealed needs no offer: its journal is the lane of infractions.
 */
export interface Outbox {
  offer(event: OutboxEvent): Promise<void>;
  /** What was offered stays for the next start. */
  close(): Promise<void>;
}

export interface OutboxEvent {
  readonly kind: EventKind;
  /** When it happened. */
  readonly time: UtcMilliseconds;
  /** As the kind's schema has it. */
  readonly data: JsonValue;
}

/** What goes first over a poor link, in this order. Only of telemetry may anything be dropped, by a stated bound. */
export const lanes = ['alert', 'infraction', 'telemetry'] as const;
export type Lane = (typeof lanes)[number];

/** The lane of each kind. */
export const laneOf = {
  infraction: 'infraction',
  audit: 'infraction',
  alert: 'alert',
  count: 'telemetry',
  telemetry: 'telemetry',
} as const satisfies Record<EventKind, Lane>;
