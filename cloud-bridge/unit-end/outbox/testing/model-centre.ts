import { sha256 } from '../../../../device/kernel/hash.ts';
import type { Ack } from '../../../contract/events.ts';
import { parseMessage } from '../../../contract/message.ts';
import type { Lane } from '../../../contract/outbox.ts';
import { type EventKind, eventKinds } from '../../../contract/topics.ts';

/** An event as it arrived first. */
export interface ModelEvent {
  readonly lane: Lane;
  readonly stream: string;
  readonly sequence: number;
  /** The lowest one that it ever came with. */
  previous: number;
  readonly kind: EventKind;
  readonly time: string;
  /** JSON text. */
  readonly data: string;
}

export interface ModelCentreOptions {
  /** Why an event is not taken, ever. */
  readonly refuses?: (event: ModelEvent) => string | undefined;
}

interface Numbering {
  readonly events: Map<number, ModelEvent>;
  /** Of these, those above the mark. */
  readonly beyond: Map<number, ModelEvent>;
  readonly refused: Map<number, string>;
  upTo: number;
}

interface Pieces {
  readonly count: number;
  readonly sha256: string;
  readonly pieces: Map<number, Buffer>;
}

/**
 * A centre in a few lines, for tests of the unit's end: keeps each event once, by lane, stream and sequence; says how far each numbering is
 * there without a gap that was not declared; throws where a message is not of the contract or says something else of the same event.
 *
 * The unit may send an event again with a lower `previous`, when what stood before it was dropped or refused meanwhile: the lowest one counts.
 */
export class ModelCentre {
  readonly #unit: string;
  readonly #options: ModelCentreOptions;
  readonly #numberings = new Map<string, Numbering>();
  readonly #pieces = new Map<string, Pieces>();
  /** Every event in the order in which it arrived for the first time. */
  readonly arrivals: ModelEvent[] = [];
  #duplicates = 0;
  #messages = 0;

  constructor(unit: string, options: ModelCentreOptions = {}) {
    this.#unit = unit;
    this.#options = options;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  get messages(): number {
    return this.#messages;
  }

  /** In the order of their sequence; of all streams that the lane had, one after the other. */
  events(lane: Lane): readonly ModelEvent[] {
    return [...this.#numberings].flatMap(([key, { events }]) =>
      key.startsWith(`${lane}/`) ? [...events.values()].sort((a, b) => a.sequence - b.sequence) : [],
    );
  }

  /** Throws where it is not a message of the contract by this unit. Messages that are no events are passed over. */
  take(topic: string, payload: Uint8Array): void {
    const message = parseMessage(topic, payload, 'up');
    if (message.kind === 'refused')
      throw new Error(`the centre refuses ${topic}: ${message.reason}, ${message.detail}`);
    if (message.unit !== this.#unit) throw new Error(`a message of ${message.unit}`);
    const kind = eventKinds.find((one) => one === message.name);
    if (kind === undefined) return;
    this.#messages += 1;
    const content = message.content as EventContent;
    if ('events' in content) {
      for (const { sequence, previous, time, data } of content.events) {
        const { lane, stream } = content;
        this.#keep({ lane, stream, sequence, previous, kind, time, data: JSON.stringify(data) });
      }
    } else {
      this.#piece(content, kind);
    }
  }

  /** What it would acknowledge now; undefined before anything has come. */
  ack(): Ack | undefined {
    const places = [...this.#numberings].map(([key, numbering]) => {
      const [lane, stream] = key.split('/') as [Lane, string];
      return { lane, stream, ...numbering };
    });
    if (places.length === 0) return undefined;
    const refused = places.flatMap(({ lane, stream, refused, upTo }) =>
      [...refused]
        .filter(([sequence]) => sequence > upTo)
        .map(([sequence, reason]) => ({ lane, stream, sequence, reason })),
    );
    return {
      marks: places.map(({ lane, stream, upTo }) => ({ lane, stream, upTo })),
      ...(refused.length === 0 ? {} : { refused: refused.slice(0, 100) }),
    };
  }

  #piece(content: PieceContent, kind: EventKind): void {
    const { lane, stream, sequence, previous, time, part } = content;
    const key = `${lane}/${stream}/${sequence}/${part.count}/${part.sha256}`;
    const kept = this.#pieces.get(key) ?? { count: part.count, sha256: part.sha256, pieces: new Map<number, Buffer>() };
    this.#pieces.set(key, kept);
    kept.pieces.set(part.index, Buffer.from(content.content, 'base64'));
    if (kept.pieces.size < part.count) return;
    this.#pieces.delete(key);
    const text = Buffer.concat(Array.from({ length: part.count }, (_, i) => kept.pieces.get(i) as Buffer));
    if (sha256(text) !== part.sha256) throw new Error(`the pieces of ${key} are not what they say`);
    this.#keep({ lane, stream, sequence, previous, kind, time, data: text.toString() });
  }

  #keep(event: ModelEvent): void {
    const key = `${event.lane}/${event.stream}`;
    const numbering = this.#numberings.get(key) ?? {
      events: new Map(),
      beyond: new Map(),
      refused: new Map(),
      upTo: 0,
    };
    this.#numberings.set(key, numbering);
    const reason = this.#options.refuses?.(event);
    if (reason !== undefined) {
      numbering.refused.set(event.sequence, reason);
      return;
    }
    const before = numbering.events.get(event.sequence);
    if (before === undefined) {
      numbering.events.set(event.sequence, event);
      if (event.sequence > numbering.upTo) numbering.beyond.set(event.sequence, event);
      this.arrivals.push(event);
    } else {
      if (before.data !== event.data || before.time !== event.time || before.kind !== event.kind) {
        throw new Error(`two events are ${key}/${event.sequence}`);
      }
      this.#duplicates += 1;
      before.previous = Math.min(before.previous, event.previous);
    }
    if (event.previous <= numbering.upTo) advance(numbering);
  }
}

/** Goes on as far as the links reach: from the mark to an event that is linked to it, or to something below it. */
function advance(numbering: Numbering): void {
  const { beyond } = numbering;
  for (;;) {
    const next = beyond.get(numbering.upTo + 1) ?? nearest(numbering);
    if (next === undefined) break;
    numbering.upTo = next.sequence;
    beyond.delete(next.sequence);
  }
  for (const sequence of beyond.keys()) if (sequence <= numbering.upTo) beyond.delete(sequence);
}

function nearest({ beyond, upTo }: Numbering): ModelEvent | undefined {
  let first: ModelEvent | undefined;
  for (const event of beyond.values()) {
    if (event.previous > upTo || event.sequence <= upTo) continue;
    if (event.sequence < (first?.sequence ?? Number.POSITIVE_INFINITY)) first = event;
  }
  return first;
}

interface Place {
  readonly lane: Lane;
  readonly stream: string;
}
interface Link {
  readonly sequence: number;
  readonly previous: number;
  readonly time: string;
}
interface PieceContent extends Place, Link {
  readonly part: { readonly index: number; readonly count: number; readonly sha256: string };
  readonly content: string;
}
type EventContent = (Place & { readonly events: readonly (Link & { readonly data: unknown })[] }) | PieceContent;
