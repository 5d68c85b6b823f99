import type { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import type { Random } from '../../../../device/kernel/supervise.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';

export interface LineShape {
  /** In each direction; absent: any. */
  readonly rateKbit?: number;
  /** Of a round trip. */
  readonly roundTripMs: number;
  /** Of the segments of TCP: each costs all that follows a further round trip and a little. */
  readonly lossPercent?: number;
  /** Of whole messages, as a broker drops them whose queue is full. */
  readonly dropPercent?: number;
}

const segment = 1448;
/** Bytes of MQTT and TCP around a message of a few segments. */
const overhead = 120;

/**
 * Two ways of a TCP connection in the time of a manual clock: in order, with a rate, a delay and the stalls that lost segments cost; what has
 * not arrived when it is cut never does.
 */
export class ShapedLine {
  readonly #clock: ManualClock;
  readonly #random: Random;
  readonly #shape: LineShape;
  readonly #free = { up: 0, down: 0 };
  readonly #arrived = { up: 0, down: 0 };
  #connection = 0;
  /** Bytes that were given to the way down while it stood. */
  #sent = 0;

  constructor(clock: ManualClock, random: Random, shape: LineShape) {
    this.#clock = clock;
    this.#random = random;
    this.#shape = shape;
  }

  get sent(): number {
    return this.#sent;
  }

  send(way: 'up' | 'down', bytes: number, deliver: () => void): void {
    const { rateKbit, roundTripMs, lossPercent = 0, dropPercent = 0 } = this.#shape;
    if (way === 'down') this.#sent += bytes;
    if (this.#random() * 100 < dropPercent) return;
    const now = this.#clock.monotonic();
    const size = bytes + overhead;
    const left = Math.max(now, this.#free[way]) + (rateKbit === undefined ? 0 : (8 * size) / rateKbit);
    this.#free[way] = left;
    let stall = 0;
    for (let at = 0; at < size; at += segment) if (this.#random() * 100 < lossPercent) stall = 1.2 * roundTripMs;
    const due = Math.max(this.#arrived[way], left + roundTripMs / 2 + stall);
    this.#arrived[way] = due;
    const connection = this.#connection;
    void this.#clock.sleep(milliseconds(due - now)).then(() => {
      if (connection === this.#connection) deliver();
    });
  }

  cut(): void {
    this.#connection += 1;
    for (const way of ['up', 'down'] as const) {
      this.#free[way] = 0;
      this.#arrived[way] = 0;
    }
  }
}
