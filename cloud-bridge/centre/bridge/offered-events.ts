import { createHash, type Hash } from 'node:crypto';
import type { z } from 'zod';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { eventData } from '../../contract/events.ts';
import type { Message } from '../../contract/message.ts';
import type { Lane } from '../../contract/outbox.ts';
import { faultsOf, readJson } from '../../contract/read-json.ts';
import type { EventKind } from '../../contract/topics.ts';
import type { ArrivedPart } from '../archive/archive.ts';

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

export type OfferedPart = Omit<ArrivedPart, 'forwardTo'>;

export type EventMessageOf = Extract<Message, { readonly name: EventKind }>;

export type OfferedMessage =
  | { readonly kind: 'events'; readonly events: readonly Offered[] }
  | { readonly kind: 'part'; readonly part: OfferedPart }
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
/** Bytes of pieces that wait for the rest, of all units. */
const mostBytes = 64 * 1024 * 1024;

interface Assembly {
  readonly of: OfferedPart;
  readonly pieces: Map<number, Buffer>;
  bytes: number;
}

export type Assembled =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'whole'; readonly event: Offered }
  | { readonly kind: 'refused'; readonly reason: 'part-mismatch' | 'oversized' | 'malformed'; readonly detail: string };

/**
 * Puts events together that travel in pieces. Pieces are kept in memory: a unit that has no acknowledgement sends all of them again, so
 * nothing is lost with them. One event of a lane of a unit at a time; another one in the same lane takes its place.
 */
export class EventAssembly {
  readonly #assemblies = new Map<string, Assembly>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  take(part: OfferedPart): Assembled {
    const key = `${part.unit}/${part.lane}`;
    const assembly = this.#for(key, part);
    if (!assembly.pieces.has(part.part.index)) {
      assembly.pieces.set(part.part.index, part.content);
      assembly.bytes += part.content.byteLength;
      this.#bytes += part.content.byteLength;
    }
    if (assembly.bytes > longestEvent) {
      this.#drop(key);
      return { kind: 'refused', reason: 'oversized', detail: `it has more than ${longestEvent} bytes in all` };
    }
    if (assembly.pieces.size < part.part.count) {
      this.#makeRoom(key);
      return { kind: 'waiting' };
    }
    this.#drop(key);
    return wholeOf(assembly);
  }

  #for(key: string, part: OfferedPart): Assembly {
    const known = this.#assemblies.get(key);
    if (known !== undefined && isSame(known.of, part)) {
      // The oldest is the first to go: what grows is young again.
      this.#assemblies.delete(key);
      this.#assemblies.set(key, known);
      return known;
    }
    this.#drop(key);
    const begun = { of: part, pieces: new Map<number, Buffer>(), bytes: 0 };
    this.#assemblies.set(key, begun);
    return begun;
  }

  #makeRoom(besides: string): void {
    for (const key of this.#assemblies.keys()) {
      if (this.#bytes <= mostBytes) return;
      if (key !== besides) this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#assemblies.get(key)?.bytes ?? 0;
    this.#assemblies.delete(key);
  }
}

function isSame(one: OfferedPart, other: OfferedPart): boolean {
  return (
    one.stream === other.stream &&
    one.sequence === other.sequence &&
    one.kind === other.kind &&
    one.part.sha256 === other.part.sha256 &&
    one.part.count === other.part.count
  );
}

function wholeOf({ of, pieces }: Assembly): Assembled {
  const parts = [...pieces].sort(([one], [other]) => one - other).map(([, piece]) => piece);
  const hash: Hash = createHash('sha256');
  for (const piece of parts) hash.update(piece);
  if (hash.digest('hex') !== of.part.sha256) {
    return { kind: 'refused', reason: 'part-mismatch', detail: 'the pieces do not have the SHA-256 that they name' };
  }
  const json = readJson(Buffer.concat(parts));
  if (json.kind === 'refused') return { kind: 'refused', reason: 'malformed', detail: json.detail };
  const schema: z.ZodType = eventData[of.kind];
  const checked = schema.safeParse(json.value);
  if (!checked.success) return { kind: 'refused', reason: 'malformed', detail: faultsOf(checked.error) };
  const { unit, lane, stream, sequence, previous, kind, time } = of;
  return { kind: 'whole', event: { unit, lane, stream, sequence, previous, kind, time, data: json.value } };
}
