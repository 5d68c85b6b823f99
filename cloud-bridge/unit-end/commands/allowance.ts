import { type Milliseconds, milliseconds } from '../../../device/kernel/units.ts';

export interface AllowanceLimits {
  /** At once. */
  readonly most: number;
  /** After that, one every so long. */
  readonly every: Milliseconds;
}

/** How often something may be done that costs the disk for good: so many at once, and no faster than that in the long run. */
export class Allowance {
  readonly #limits: AllowanceLimits;
  #left: number;
  #since: Milliseconds;

  constructor(limits: AllowanceLimits, now: Milliseconds) {
    this.#limits = limits;
    this.#left = limits.most;
    this.#since = now;
  }

  /** Whether it may be done now, which counts. `now` is of the monotonic clock. */
  take(now: Milliseconds): boolean {
    const { most, every } = this.#limits;
    const earned = Math.floor((now - this.#since) / every);
    this.#since = milliseconds(this.#since + earned * every);
    this.#left = Math.min(most, this.#left + earned);
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
