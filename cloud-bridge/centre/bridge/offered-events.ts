import type { z } from 'zod';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { eventData } from '../../contract/events.ts';
import type { Message } from '../../contract/message.ts';
import type { Lane } from '../../contract/outbox.ts';
import { faultsOf, readJson } from '../../contract/read-json.ts';
import type { EventKind } from '../../contract/topics.ts';
import type { ArrivedPart, WholeEvent } from '../archive/archive.ts';

/** An event of a unit as its message had it. */
export interface Offered {
  readonly unit: string;
  readonly lane: Lane;
  readonly stream: string;
  readonly sequence: number;
  readonly previous: number;
  readonly kind: EventKind;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  readonly data: JsonValue;
}

export type EventMessageOf = Extract<Message, { readonly name: EventKind }>;

export type OfferedMessage =
  | { readonly kind: 'events'; readonly events: readonly Offered[] }
  | { readonly kind: 'part'; readonly part: ArrivedPart }
  | { readonly kind: 'disorder'; readonly detail: string };

/** The events of a message; each is after the one that it calls previous, and they follow one another. */
export function offeredOf({ unit, name: kind, content }: EventMessageOf): OfferedMessage {
  const { lane, stream } = content;
  if ('part' in content) {
    const { sequence, previous, time, part } = content as PartContent;
    if (previous >= sequence) return disorder(sequence, previous);
    if (part.index >= part.count) return { kind: 'disorder', detail: `piece ${part.index} of ${part.count}` };
    const piece = Buffer.from(content.content as string, 'base64');
    const place = { unit, lane, stream, sequence, previous, kind, time: utcOf(time) };
    return { kind: 'part', part: { ...place, part, content: piece } };
  }
  let last = 0;
  for (const { sequence, previous } of content.events) {
    if (previous >= sequence) return disorder(sequence, previous);
    if (previous < last)
      return { kind: 'disorder', detail: `event ${sequence} follows ${last} and calls ${previous} previous` };
    last = sequence;
  }
  const events = content.events.map(({ sequence, previous, time, data }) => ({
    ...{ unit, lane, stream, sequence, previous, kind, time: utcOf(time) },
    data: data as JsonValue,
  }));
  return { kind: 'events', events };
}

interface PartContent {
  readonly sequence: number;
  readonly previous: number;
  readonly time: string;
  readonly part: { readonly index: number; readonly count: number; readonly sha256: string };
}

function disorder(sequence: number, previous: number): OfferedMessage {
  return { kind: 'disorder', detail: `event ${sequence} calls ${previous} previous` };
}

/** The same instant, in the one spelling by which events are ordered. */
function utcOf(time: string): string {
  return new Date(time).toISOString();
}

/** Bytes of the longest event that travels in pieces. */
export const longestEvent = 8 * 1024 * 1024;

export type ReadEvent =
  | { readonly kind: 'event'; readonly event: Offered }
  | { readonly kind: 'refused'; readonly reason: 'oversized' | 'malformed'; readonly detail: string };

/** What pieces have made, held against the same schema as an event that came as one. */
export function readWhole({ content, ...event }: WholeEvent): ReadEvent {
  if (content.byteLength > longestEvent) {
    return { kind: 'refused', reason: 'oversized', detail: `it has more than ${longestEvent} bytes in all` };
  }
  const json = readJson(content);
  if (json.kind === 'refused') return { kind: 'refused', reason: 'malformed', detail: json.detail };
  const schema: z.ZodType = eventData[event.kind];
  const checked = schema.safeParse(json.value);
  if (!checked.success) return { kind: 'refused', reason: 'malformed', detail: faultsOf(checked.error) };
  return { kind: 'event', event: { ...event, data: json.value } };
}
