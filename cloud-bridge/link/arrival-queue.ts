import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Arrival } from './link.ts';

/** Messages of QoS 0 that wait for their handler; what is more is dropped, as QoS 0 may be. */
const mostUnacknowledgeable = 256;
/** Bytes that wait for their handler, at the least. */
const mostBytes = 16 * 1024 * 1024;
/** What a place of the window allows: twice the longest message of the contract, and what is around it. */
const bytesOfPlace = 320 * 1024;
/** What a short message takes in memory besides its bytes. */
const overhead = 1024;

/** Whose arrivals these are: known before the connection is. */
export interface Source {
  /** Ends the connection. */
  readonly drop: (fault: AtalayaError) => void;
  /** Arrivals of QoS 1 that we have not acknowledged. */
  unacknowledged: number;
  /** Bytes of arrivals that wait, or are being handled. */
  bytes: number;
  /** It was ended for sending too much. */
  ended: boolean;
}

interface Waiting {
  readonly source: Source;
  readonly arrival: Arrival;
  readonly acknowledge: (() => void) | undefined;
}

export interface ArrivalQueueOptions {
  /** What it throws ends the connection. */
  readonly handle: (arrival: Arrival) => void | Promise<void>;
  readonly faultOf: (error: unknown) => AtalayaError;
  /** QoS 1 messages that the broker was told to send before one is acknowledged. */
  readonly window: number;
}

export const sourceOf = (drop: (fault: AtalayaError) => void): Source => ({
  drop,
  unacknowledged: 0,
  bytes: 0,
  ended: false,
});

/**
 * What brokers have sent and nobody has handled yet, of all connections, so that one handler is at work at a time.
 *
 * Guarantees: one after the other, in order; none before its connection is heard, none after; what waits is bounded in bytes, beyond which
 * the connection is ended. Not in messages: Mosquitto 2.0.11 was seen with 401 short ones under way where 64 were configured and 200 allowed,
 * and it sends them all again at the next connection.
 */
export class ArrivalQueue {
  readonly #options: ArrivalQueueOptions;
  readonly #waiting: Waiting[] = [];
  #heard: Source | undefined;
  #handling = false;

  constructor(options: ArrivalQueueOptions) {
    this.#options = options;
  }

  /** Whose arrivals are handled from here on. Undefined: nobody's, and what waits is left to the broker, which sends it again. */
  hear(source: Source | undefined): void {
    this.#heard = source;
    if (source === undefined) this.#waiting.length = 0;
    else void this.#handle();
  }

  /** At QoS 1 there is an acknowledgement, at QoS 0 none. */
  add(source: Source, arrival: Arrival, acknowledge: (() => void) | undefined): void {
    if (source.ended) return;
    const bytes = bytesOf(arrival);
    if (acknowledge === undefined) {
      if (this.#waiting.length >= mostUnacknowledgeable || source.bytes + bytes > mostBytes) return;
    } else {
      source.unacknowledged += 1;
    }
    source.bytes += bytes;
    const fault = this.#excess(source);
    if (fault === undefined) {
      this.#waiting.push({ source, arrival, acknowledge });
      void this.#handle();
      return;
    }
    source.ended = true;
    this.#leave(source);
    source.drop(fault);
  }

  #excess({ unacknowledged, bytes }: Source): AtalayaError | undefined {
    const { window } = this.#options;
    if (bytes <= Math.max(mostBytes, window * bytesOfPlace)) return undefined;
    const sent = `the broker sent ${unacknowledged} messages, of ${bytes} bytes, before we acknowledged one`;
    const hint = `Set the messages that the broker sends unacknowledged to ${window} at most.`;
    return new AtalayaError('link-down', sent, { hint });
  }

  /** Forgets what a connection has brought. */
  #leave(source: Source): void {
    this.#waiting.splice(0, Infinity, ...this.#waiting.filter((one) => one.source !== source));
  }

  async #handle(): Promise<void> {
    if (this.#handling) return;
    this.#handling = true;
    while (this.#heard !== undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const { source, arrival, acknowledge } = next;
      if (source !== this.#heard) continue;
      try {
        await this.#options.handle(arrival);
        if (source === this.#heard) acknowledge?.();
      } catch (error) {
        source.drop(this.#options.faultOf(error));
      }
      if (acknowledge !== undefined) source.unacknowledged -= 1;
      source.bytes -= bytesOf(arrival);
    }
    this.#handling = false;
  }
}

const bytesOf = ({ topic, payload }: Arrival): number => overhead + topic.length + payload.byteLength;
