/** Milliseconds from handing a message over to the broker's acknowledgement, beyond which too much is on its way. */
const target = 2000;
const least = 16 * 1024;
const first = 128 * 1024;
const most = 4 * 1024 * 1024;

/**
 * How many bytes may be on their way to the broker at once. What is on its way cannot be overtaken: on a poor link an alert would wait for all
 * of it. So it grows as long as acknowledgements come in time, by what was acknowledged, and is halved when one takes longer than two
 * seconds, once for all that was on its way then.
 */
export class Pace {
  #bytes = first;
  #slow = false;
  #halvedAt = Number.NEGATIVE_INFINITY;

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of a message at most: some must fit, or the link stands idle for a round trip after each. */
  get messageBytes(): number {
    return this.#bytes / 4;
  }

  /** A message of so many bytes, handed over at `sent`, was acknowledged at `now`; `full`: no more was allowed meanwhile. */
  acknowledged(bytes: number, sent: number, now: number, full: boolean): void {
    if (now - sent > target) {
      if (sent < this.#halvedAt) return;
      this.#bytes = Math.max(least, this.#bytes / 2);
      this.#halvedAt = now;
      this.#slow = true;
    } else if (full) {
      this.#bytes = Math.min(most, this.#bytes + (this.#slow ? bytes / 8 : bytes));
    }
  }
}
