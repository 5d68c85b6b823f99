import { AtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { LaneEvent } from '../../contract/lane-source.ts';
import type { Lane } from '../../contract/outbox.ts';
import { longestPayload } from '../../contract/topics.ts';

/** An event and the link it is sent with. */
export interface Linked {
  readonly event: LaneEvent;
  readonly previous: number;
}

const mostEvents = 1000;
const mostParts = 1000;
/** Bytes of topic and packet around a payload. */
const packetBytes = 256;
/** Bytes of lane and stream, and of a piece's own fields, at most. */
const envelopeBytes = 512;

/** Bytes of the longest payload for a broker that takes packets of so many bytes. */
export function longestFor(maximumPacketSize: number | undefined): number {
  return Math.min(longestPayload, Math.max(1024, (maximumPacketSize ?? Number.POSITIVE_INFINITY) - packetBytes));
}

/** Bytes that an event takes in a message. */
export function eventBytes({ event, previous }: Linked): number {
  return jsonOf(event).byteLength + head({ event, previous }).length + tail.length + 1;
}

/** Whether an event of so many bytes fits a message at all. */
export const fitsMessage = (bytes: number, longest: number): boolean => envelopeBytes + bytes <= longest;

/** Collects events that follow one another as long as they would fit one message. */
export class Stretch {
  readonly #longest: number;
  readonly #events: Linked[] = [];
  #bytes = envelopeBytes;

  constructor(longest: number) {
    this.#longest = longest;
  }

  get events(): readonly Linked[] {
    return this.#events;
  }

  /** False where it fits no more; the first one always fits. */
  add(linked: Linked): boolean {
    const bytes = eventBytes(linked);
    const fits = this.#bytes + bytes <= this.#longest && this.#events.length < mostEvents;
    if (this.#events.length > 0 && !fits) return false;
    this.#events.push(linked);
    this.#bytes += bytes;
    return true;
  }

  /** A message for each kind, since each has its topic; the links between them stay. */
  byKind(): readonly (readonly Linked[])[] {
    return [...Map.groupBy(this.#events, ({ event }) => event.kind).values()];
  }
}

/** The payload of a message; the JSON of the data goes in as it lies on the disk. */
export function messageOf(lane: Lane, stream: string, events: readonly Linked[]): Buffer {
  const begin = '{"events":[';
  const end = `],"lane":"${lane}","stream":"${stream}"}`;
  const parts = events.map((linked) => ({ head: head(linked), json: jsonOf(linked.event) }));
  const bytes = parts.reduce((sum, part) => sum + part.head.length + part.json.byteLength + tail.length + 1, -1);
  const payload = Buffer.allocUnsafe(begin.length + bytes + end.length);
  let at = payload.write(begin, 0, 'latin1');
  for (const [i, part] of parts.entries()) {
    if (i > 0) at += payload.write(',', at, 'latin1');
    at += payload.write(part.head, at, 'latin1');
    at += part.json.copy(payload, at);
    at += payload.write(tail, at, 'latin1');
  }
  payload.write(end, at, 'latin1');
  return payload;
}

/**
 * The pieces of an event that fits no message, in order, each a payload. Throws `link-refused` where the broker's packets are too short for
 * the most pieces that an event may have.
 */
export function piecesOf(lane: Lane, stream: string, { event, previous }: Linked, longest: number): readonly Buffer[] {
  const text = jsonOf(event);
  const fitting = Math.floor(((longest - envelopeBytes) * 3) / 4);
  const count = Math.max(2, Math.ceil(text.byteLength / fitting));
  if (count > mostParts) {
    throw new AtalayaError(
      'link-refused',
      `event ${event.sequence} of the lane ${lane} has ${text.byteLength} bytes, and the broker takes packets of ${longest}`,
      {
        hint: 'Let the broker take packets of 128 KiB.',
      },
    );
  }
  const length = Math.ceil(text.byteLength / count);
  const digest = sha256(text);
  const { sequence, time } = event;
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(
      JSON.stringify({
        content: text.subarray(index * length, (index + 1) * length).toString('base64'),
        lane,
        part: { count, index, sha256: digest },
        previous,
        sequence,
        stream,
        time,
      }),
    ),
  );
}

const head = ({ event, previous }: Linked) =>
  `{"previous":${previous},"sequence":${event.sequence},"time":"${event.time}","data":`;
const tail = '}';

const jsonOf = (event: LaneEvent): Buffer => event.json ?? Buffer.from(JSON.stringify(event.data));
