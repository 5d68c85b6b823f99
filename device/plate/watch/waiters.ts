import type { Timer } from '../../kernel/timer.ts';
import type { Milliseconds } from '../../kernel/units.ts';

/** Somebody who waits for a plate. */
export interface Waiter {
  readonly tracks: readonly number[];
  /** Capture time up to which better frames are waited for, ms. */
  readonly until: number;
}

/** Those who wait for plates. */
export class Waiters {
  readonly #timer: Timer;
  readonly #isDone: (waiter: Waiter) => boolean;
  readonly #all = new Map<() => void, Waiter>();

  constructor(timer: Timer, isDone: (waiter: Waiter) => boolean) {
    this.#timer = timer;
    this.#isDone = isDone;
  }

  /** The tracks that somebody waits for. */
  get tracks(): ReadonlySet<number> {
    return new Set(this.#all.values().flatMap(({ tracks }) => tracks));
  }

  /** Resolves when a look finds that the waiter has what there is, or `deadline` from now on; false where it had it before. */
  async wait(waiter: Waiter, deadline: Milliseconds): Promise<boolean> {
    if (this.#isDone(waiter)) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = new AbortController();
    this.#all.set(resolve, waiter);
    await Promise.race([promise, this.#timer.sleep(deadline, over.signal)]);
    over.abort();
    this.#all.delete(resolve);
    return true;
  }

  /** Something has changed: each looks whether it was that. */
  look(): void {
    for (const [done, waiter] of this.#all) if (this.#isDone(waiter)) done();
  }

  /** From `now` on nobody waits for better frames. */
  hurry(now: number): void {
    for (const [done, waiter] of this.#all) this.#all.set(done, { ...waiter, until: Math.min(waiter.until, now) });
    this.look();
  }
}
