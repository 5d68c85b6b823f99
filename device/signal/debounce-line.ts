import type { Clock } from '../kernel/clock.ts';
import type { Timer } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import {
  type DebounceState,
  type DebounceStep,
  debounceDue,
  debounceEdge,
  debounceFrom,
  debounceWait,
  type Settled,
} from './debounce.ts';

/** Debounces one line as time goes by: given its edges, it calls back for each level that has settled, in order and once. */
export class LineDebounce {
  readonly #period: Milliseconds;
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #onSettled: (settled: Settled) => void;
  readonly #stopping = new AbortController();
  #state: DebounceState;
  #waiting: Promise<void> | undefined;

  constructor(level: boolean, period: Milliseconds, clock: Clock, timer: Timer, onSettled: (settled: Settled) => void) {
    this.#period = period;
    this.#clock = clock;
    this.#timer = timer;
    this.#onSettled = onSettled;
    this.#state = debounceFrom(level, clock.monotonic());
  }

  /** The level that counts. */
  get level(): boolean {
    return this.#state.settled;
  }

  /** The level that the wire had last, settled or not. */
  get raw(): boolean {
    return this.#state.raw;
  }

  edge(edge: Settled): void {
    if (this.#stopping.signal.aborted) return;
    this.#take(debounceEdge(this.#state, edge, this.#period));
    // With a period of 0 a level that settled before the edge leaves the edge's own to settle now.
    this.#take(debounceWait(this.#state, this.#clock.monotonic(), this.#period));
    if (debounceDue(this.#state, this.#period) !== undefined) this.#waiting ??= this.#wait();
  }

  /** Nothing is called back any more. */
  stop(): void {
    this.#stopping.abort();
  }

  #take({ state, settled }: DebounceStep): void {
    this.#state = state;
    if (settled !== undefined) this.#onSettled(settled);
  }

  /** One wait at a time, made longer by each edge that comes in it. */
  async #wait(): Promise<void> {
    for (;;) {
      const due = debounceDue(this.#state, this.#period);
      if (due === undefined) break;
      await this.#timer.sleep(milliseconds(Math.max(1, due - this.#clock.monotonic())), this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      this.#take(debounceWait(this.#state, this.#clock.monotonic(), this.#period));
    }
    this.#waiting = undefined;
  }
}
