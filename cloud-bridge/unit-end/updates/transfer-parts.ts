import type { Clock } from '../../../device/kernel/clock.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import type { StreamAnswer, StreamGet } from '../../contract/stream.ts';
import type { Credit } from './credit.ts';
import type { Pace } from './pace.ts';

/** Takes what comes under the name of a stream. */
export interface Arrivals {
  answered(token: string, answer: StreamAnswer): void;
  came(token: string, block: number, bytes: Uint8Array): void;
}

/** What all transfers of a unit share. */
export interface Line {
  readonly credit: Credit;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly figures: Record<keyof StreamClientFigures, number>;
  readonly isOnline: () => boolean;
  /** Never throws: what does not get through is asked for again. */
  readonly get: (get: StreamGet) => void;
  /** A new name of a stream, known to lead there. */
  readonly draw: (to: Arrivals) => string;
  readonly forget: (token: string) => void;
}

export interface StreamClientFigures {
  /** Bytes that were asked for and taken. */
  readonly received: number;
  /** Bytes that had come before. */
  readonly receivedTwice: number;
  /** Bytes that nobody had asked for, or that are not the piece that was. */
  readonly nonsense: number;
  readonly requests: number;
  /** Requests for no bytes, to learn whether what is missing is still to come. */
  readonly probes: number;
  /** Pieces that did not come, or had not when the connection ended. */
  readonly lost: number;
}

export interface Wanted {
  readonly path: string;
  /** Undefined: it has to be learned. */
  readonly length: number | undefined;
  wants(offset: number): boolean;
  rate(): number | undefined;
}

/** Where it goes. */
export interface Taker {
  lengthIs(bytes: number): void;
  take(offset: number, bytes: Uint8Array): Promise<void>;
  /** Bytes that have come, before what they are part of is whole. */
  came?(bytes: number): void;
}
