import type { Clock, ClockState } from './clock.ts';
import type { Timer } from './timer.ts';
import { type Milliseconds, milliseconds, type UtcMilliseconds, utcMilliseconds } from './units.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/**
 * A clock and timer that stand still until they are told to go on, for tests of whatever waits: the same order of events each time,
 * and no test waits for real time.
 */
export class ManualClock implements Clock, Timer {
  #utc: number;
  #monotonic = 0;
  #sleepers: Sleeper[] = [];

  constructor(utc = 1_700_000_000_000) {
    this.#utc = utc;
  }

  utc(): UtcMilliseconds {
    return utcMilliseconds(this.#utc);
  }

  monotonic(): Milliseconds {
    return milliseconds(this.#monotonic);
  }

  state(): ClockState {
    return { source: 'system', synchronised: true, dated: true, intervalError: milliseconds(0) };
  }

  sleep(time: Milliseconds, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper: Sleeper = {
        due: this.#monotonic + Math.max(0, time),
        wake: () => {
          signal?.removeEventListener('abort', sleeper.wake);
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** How many wait now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Sets the date without a step of the monotonic time: somebody has corrected the clock. */
  setUtc(utc: number): void {
    this.#utc = utc;
  }

  /** Lets `time` pass: wakes the sleepers in the order in which they are due, each with all that follows from it. */
  async advance(time: number): Promise<void> {
    const end = this.#monotonic + time;
    await settle();
    for (;;) {
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, other) => (other.due <= end && (first === undefined || other.due < first.due) ? other : first),
        undefined,
      );
      if (next === undefined) break;
      this.#step(Math.max(0, next.due - this.#monotonic));
      next.wake();
      await settle();
    }
    this.#step(end - this.#monotonic);
    await settle();
  }

  #step(time: number): void {
    this.#monotonic += time;
    this.#utc += time;
  }
}

/** Lets everything run that can run without time passing. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
