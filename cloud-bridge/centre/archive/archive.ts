import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Lane } from '../../contract/outbox.ts';
import type { EventKind } from '../../contract/topics.ts';

/** An event as it came in, checked against its schema. */
export interface Arrived {
  readonly unit: string;
  readonly lane: Lane;
  readonly stream: string;
  readonly sequence: number;
  readonly previous: number;
  readonly kind: EventKind;
  /** ISO 8601, UTC: when it happened on the unit. */
  readonly time: string;
  readonly data: JsonValue;
  /** Queues to which it is to be forwarded; none where there are no queues. */
  readonly forwardTo: readonly string[];
}

/** Where an event stands, or is to stand. */
export type Place = Pick<Arrived, 'unit' | 'lane' | 'stream' | 'sequence'>;

/** A piece of an event that is longer than a packet. */
export interface ArrivedPart extends Omit<Arrived, 'data' | 'forwardTo'> {
  readonly part: { readonly index: number; readonly count: number; readonly sha256: string };
  readonly content: Buffer;
}

/** An event all of whose pieces are there, as text: nobody has looked into it yet. */
export interface WholeEvent extends Omit<Arrived, 'data' | 'forwardTo'> {
  /** What the pieces make: it has the SHA-256 that they name, and is JSON only if the unit wrote some. */
  readonly content: Buffer;
}

/**
 * How far a lane is archived without a gap: everything up to `upTo` is durable at the centre. Gaps that the unit declares (`previous`) are
 * none.
 */
export interface Watermark {
  readonly unit: string;
  readonly lane: Lane;
  readonly stream: string;
  readonly upTo: number;
}

export interface Ingested {
  /** Archived now. */
  readonly fresh: number;
  /** Archived before, byte for byte alike. */
  readonly duplicates: number;
  /** Same place, other content: kept out, and told. The first that came stands. */
  readonly conflicts: readonly Place[];
  /** Of every lane that the messages were about. */
  readonly watermarks: readonly Watermark[];
}

/** What a bridge has brought in parts. */
export interface Gathered {
  /**
   * Events all of whose parts are there now, whichever bridge brought the others: to be judged, and then ingested, refused or discarded.
   * Until then each part that comes again brings them again.
   */
  readonly whole: readonly WholeEvent[];
  /** Parts that were there, alike, or whose event is archived. */
  readonly duplicates: number;
  /** Parts of another event than the one that is archived in their place. */
  readonly conflicts: readonly Place[];
  /**
   * Parts that differ from one that is there, and events whose parts do not give what their digest says: those are thrown away, and the
   * event may come again.
   */
  readonly mismatches: readonly Place[];
  /** Events that were thrown away for their unit having too many bytes of such as are not whole; they may come again. */
  readonly crowdedOut: readonly Place[];
  readonly watermarks: readonly Watermark[];
}

/** An event that the centre will not take, ever, with the reason. Its place is taken: the watermark goes on behind it. */
export interface Refusal {
  readonly unit: string;
  readonly lane: Lane;
  readonly stream: string;
  readonly sequence: number;
  readonly previous: number;
  /** For a person; never what the event said. */
  readonly reason: string;
}

export interface ArchivedEvent extends Omit<Arrived, 'forwardTo'> {
  /** Grows in the order of archiving, over all units. */
  readonly position: number;
  /** ISO 8601, UTC: when it was archived. */
  readonly archived: string;
}

export interface EventQuery {
  readonly unit?: string;
  readonly lane?: Lane;
  readonly kinds?: readonly EventKind[];
  /** Of the event; of the order `latest`, of happening. ISO 8601, `from` included, `to` not. */
  readonly from?: string;
  readonly to?: string;
  readonly afterPosition?: number;
  /** Of one numbering. */
  readonly stream?: string;
  readonly afterSequence?: number;
  /** Of the order `latest`: what comes behind this one. */
  readonly before?: Moment;
  /**
   * `sequence`: per unit, lane and stream; `position`: as archived; `newest`: position, backwards; `latest`: infractions and nothing else,
   * by when they happened (`happenedAt`), backwards.
   */
  readonly order: 'sequence' | 'position' | 'newest' | 'latest';
  readonly limit: number;
}

/** Where an infraction stands among others by when they happened; of one instant by when they were archived. */
export interface Moment {
  /** UTC milliseconds. */
  readonly at: number;
  readonly position: number;
}

/** Small JSON documents of the centre, each with a version that grows by one with each change. */
export const documentKinds = [
  'unit',
  'alert',
  /** Alerts that are over, moved there, so that what is read often is what is open. */
  'alert-closed',
  'rollout',
  'layer',
  'config',
  'reported',
  /** What a unit says of its certificate, and the grant that it was given. */
  'certificate',
  /** How it stands with the updates of a unit: the newest job, what the unit says of it, and what it runs. */
  'update',
  /** Jobs before the newest. */
  'update-job',
  'blob',
  'command',
  'trust',
  'leaf-edge',
  /** An act that was used, by its id, so that it serves once. */
  'act',
  /** An event that the archive would not have, kept whole until it does. */
  'set-aside',
  /** What one bridge at a time does for all of them, and which one does it. */
  'duty',
] as const;
export type DocumentKind = (typeof documentKinds)[number];

export interface Document {
  readonly kind: DocumentKind;
  readonly key: string;
  readonly version: number;
  readonly value: JsonValue;
}

/** Keys are ordered by their UTF-8 bytes. */
export interface DocumentRange {
  readonly prefix?: string;
  readonly before?: string;
  readonly limit: number;
}

/** An act of a person, or of the centre itself, in a chain: each entry's hash is over its canonical JSON and the hash before it. */
export interface ActEntry {
  readonly number: number;
  readonly time: string;
  /** The signed act as it was sent, or what the centre did by itself. */
  readonly act: JsonValue;
  readonly outcome: string;
  /** What the act is about, of what its body says: one line. */
  readonly about?: string;
  readonly previous: string;
  readonly hash: string;
}

export interface Forward {
  readonly id: number;
  readonly queue: string;
  /** Idempotency key for whoever consumes: `unit/lane/stream/sequence`. */
  readonly message: string;
  readonly payload: JsonValue;
}

/**
 * What the centre keeps. One schema, two engines: SQLite for one machine, PostgreSQL where several bridges share it.
 *
 * Guarantees: when `ingest` has resolved, all that it was given is durable, in one transaction, and each event is there once, whoever else
 * ingests it at the same time; a watermark never passes an event that is not durable; `putDocument` changes what it was based on or
 * nothing. Throws `archive-unavailable` (retry) where the engine cannot be reached or is busy, `store-full`, `store-failed`; after any of
 * them the archive may be asked again, and answers when the cause is gone. A call that was rejected may have been done nevertheless where
 * the connection was lost: everything but `appendAct` may simply be repeated.
 */
export interface Archive {
  /** Whole events, which were judged. */
  ingest(events: readonly Arrived[]): Promise<Ingested>;
  /**
   * Keeps parts, durably, and gives out the events that are whole. Of one unit, events that are not whole take at most `mostBytes`, each
   * part counted with `partCost` more: what has waited longest for its next part is thrown away.
   */
  gather(parts: readonly ArrivedPart[], mostBytes: number): Promise<Gathered>;
  /** Throws the parts of events away. */
  discard(places: readonly Place[]): Promise<void>;
  /**
   * Notes durably that events are refused, so that those behind them can be acknowledged. What is archived already stays. An event that is
   * good and comes to such a place later is archived.
   */
  refuse(refusals: readonly Refusal[]): Promise<readonly Watermark[]>;
  refusals(unit: string): Promise<readonly Refusal[]>;
  /** Of a unit's current streams, of each lane the one in which something was archived last; of all that it ever had, where `all`. */
  watermarks(unit: string, which?: 'current' | 'all'): Promise<readonly Watermark[]>;
  events(query: EventQuery): Promise<readonly ArchivedEvent[]>;
  /**
   * Telemetry (the kind, not the counts that share its lane) that happened before this instant and is acknowledged is removed; nothing else
   * ever is. Resolves with how many.
   */
  forgetTelemetry(before: string): Promise<number>;
  document(kind: DocumentKind, key: string): Promise<Document | undefined>;
  /** Keys begin with `prefix`; in the order of keys. */
  documents(kind: DocumentKind, prefix?: string): Promise<readonly Document[]>;
  /** The last ones of those whose keys begin with `prefix` and come before `before`, backwards: the last one first. */
  lastDocuments(kind: DocumentKind, range: DocumentRange): Promise<readonly Document[]>;
  /** `based`: the version that is replaced, 0 for none. False where it has changed meanwhile. */
  putDocument(kind: DocumentKind, key: string, value: JsonValue, based: number): Promise<boolean>;
  removeDocument(kind: DocumentKind, key: string, based: number): Promise<boolean>;
  appendAct(act: JsonValue, outcome: string, about?: string): Promise<ActEntry>;
  /** From a number on, in the order of the chain. */
  acts(from: number, limit: number): Promise<readonly ActEntry[]>;
  /** The last ones, or the last before a number: the last one first. */
  lastActs(before: number | undefined, limit: number): Promise<readonly ActEntry[]>;
  /** What is to be sent to a queue without being an event; nothing where the same message waits for the same queue already. */
  forward(queue: string, message: string, payload: JsonValue): Promise<void>;
  /** Oldest first; of an event the payload is what `forwardedEvent` makes of it. Another bridge does not get the same ones within `leaseMs`. */
  takeForwards(limit: number, leaseMs: number): Promise<readonly Forward[]>;
  forwarded(ids: readonly number[]): Promise<void>;
  close(): Promise<void>;
}
