/** Milliseconds of a rate that may be used at once. */
const burst = 250;
/** A rate of zero is looked at again after so many milliseconds. */
const closed = 1000;

/**
 * Spaces bytes out at a rate that may change at any time (GCRA: ITU-T I.371, annex A). Times in milliseconds of one monotonic clock.
 */
export class Pace {
  #paidUntil = Number.NEGATIVE_INFINITY;

  /** Milliseconds to wait before the next bytes; 0: none. `rate`: bytes a second, undefined where there is no bound. */
  wait(now: number, rate: number | undefined): number {
    if (rate === undefined) return 0;
    return rate > 0 ? Math.max(0, this.#paidUntil - burst - now) : closed;
  }

  /** They are asked for. */
  spend(now: number, bytes: number, rate: number | undefined): void {
    if (rate === undefined || rate <= 0) return;
    this.#paidUntil = Math.max(this.#paidUntil, now) + (1000 * bytes) / rate;
  }
}
