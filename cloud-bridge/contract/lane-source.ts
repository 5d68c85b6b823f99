import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import type { EventKind } from './topics.ts';

/** One event of a lane as it lies on the unit's disk. */
export interface LaneEvent {
  readonly sequence: number;
  /** Sequence of the event before it that the lane still has or had; what lies between was dropped by the bound. 0 before the first. */
  readonly previous: number;
  readonly kind: EventKind;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  /** May be parsed only when it is asked for. */
  readonly data: JsonValue;
  /** The data as JSON text in UTF-8, where the queue has it: it goes into messages as it is. */
  readonly json?: Buffer;
  /** Bytes of it on the disk: what the window is reckoned with. */
  readonly bytes: number;
}

/**
 * A queue on the disk that the outbox drains.
 *
 * Guarantees: what is read is durable; sequences grow, one of a `stream` never means two events; `forget` is a hint, after which a read
 * from before it may find less, never other, events.
 */
export interface LaneSource {
  /** Names this numbering: another one after the queue was lost or begun anew. Undefined while there is nothing in it. */
  readonly stream: string | undefined;
  /** The newest durable sequence; 0 where there is none. */
  readonly last: number;
  /** Events from a sequence number on, in order, up to what was durable when it was asked. Throws `store-damaged`, `store-failed`. */
  read(from: number): AsyncGenerator<LaneEvent>;
  /** Resolves when `last` is above `sequence`, or the signal is aborted. */
  grown(sequence: number, signal: AbortSignal): Promise<void>;
  /** The centre has everything up to here. Resolves when that is remembered well enough: a crash may forget it, and then some is sent twice. */
  forget(upTo: number): Promise<void>;
  /** What an earlier run was told to forget; 0 where nothing. */
  readonly forgotten: number;
}
