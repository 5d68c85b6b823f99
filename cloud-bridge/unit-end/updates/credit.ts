import { blockBytes } from '../../contract/block-bytes.ts';
import { blockStep, smallestBlock } from '../../contract/stream.ts';

/** Milliseconds that our bytes may wait in the queues of the way: TARGET of LEDBAT (RFC 6817, 2.4.2) is its most. */
const target = 50;
/** Samples of which the shortest counts: CURRENT_FILTER of RFC 6817, 2.4.2. A retransmission of TCP is no queue. */
const filtered = 4;
/** Of the way to the right window, how much is gone in a round trip: gamma of FAST TCP. */
const gain = 0.5;
/** Bytes at the beginning; TCP begins with about as many (RFC 6928). */
const initial = 4 * blockStep;
/** Of one request, where the window is wide. */
const piecesAtOnce = 8;
/** Milliseconds that a piece may take to pass. */
const pieceTime = 100;
/** Milliseconds. */
const shortestTimeout = 1000;
const longestTimeout = 30_000;

/**
 * How many bytes may be asked for and not have come, and how long to wait for them, by the delay of whole round trips: the law of FAST TCP
 * (Wei, Jin, Low, Hegde, IEEE/ACM Transactions on Networking 14(6), 2006, equation 3) with the target of LEDBAT and the slow start of TCP.
 * What is asked for fills the way and queues no longer than `target`: a cut of the line then loses little, and whatever else the unit has to
 * say gets through.
 *
 * All times in milliseconds of one monotonic clock.
 */
export class Credit {
  readonly #most: number;
  #window = initial;
  #slowStart = true;
  #outstanding = 0;
  #base = Number.POSITIVE_INFINITY;
  #recent: number[] = [];
  #smooth: number | undefined;
  #variation = 0;
  #cutAt = Number.NEGATIVE_INFINITY;

  /** `most`: bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes. */
  get window(): number {
    return this.#window;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** Smoothed (RFC 6298); undefined before the first. */
  get roundTrip(): number | undefined {
    return this.#smooth;
  }

  /** Bytes of the pieces to ask for: what passes in `pieceTime`, a power of two. */
  get pieceBytes(): number {
    const rate = this.#window / Math.max(1, this.#smooth ?? 1000);
    const fits = Math.min(rate * pieceTime, this.#window / 4, blockBytes);
    let size = smallestBlock;
    while (size * 2 <= fits) size *= 2;
    return size;
  }

  /** Whether there is room for so many pieces at once that a request is worth its own bytes. */
  get worthAsking(): boolean {
    const room = this.#window - this.#outstanding;
    return room >= Math.min(this.#window / 3, piecesAtOnce * this.pieceBytes);
  }

  /** Whether a piece of so many bytes may be asked for besides those that are outstanding. */
  allows(bytes: number): boolean {
    return this.#outstanding + bytes <= this.#window;
  }

  /** After so much silence what is outstanding is looked after (RFC 6298, 2.3 and 5.5). `tries`: how often it has been before. */
  timeout(tries: number): number {
    const once = this.#smooth === undefined ? 3 * shortestTimeout : this.#smooth + 4 * this.#variation;
    return Math.min(longestTimeout, Math.max(shortestTimeout, once) * 2 ** Math.min(tries, 10));
  }

  asked(bytes: number): void {
    this.#outstanding += bytes;
  }

  /** Nothing is to be expected of them any more. */
  dropped(bytes: number): void {
    this.#outstanding -= bytes;
  }

  /** They have come, so long after they were asked for. */
  came(bytes: number, roundTrip: number): void {
    // A window that is not used says nothing of what the way takes (RFC 7661).
    const used = this.#outstanding + this.pieceBytes > this.#window / 2;
    this.#outstanding -= bytes;
    this.#measure(roundTrip);
    const share = Math.min(1, bytes / this.#window);
    if (this.#slowStart && roundTrip - this.#base <= 0.75 * target) {
      if (used) this.#resize(this.#window + bytes);
      return;
    }
    const queued = (this.#base + target) / Math.min(...this.#recent, roundTrip);
    const right = this.#window * Math.min(2, queued);
    if (this.#slowStart) this.#resize((this.#window * (this.#base + target)) / roundTrip);
    else if (used || right < this.#window) this.#resize(this.#window + gain * share * (right - this.#window));
    this.#slowStart = false;
  }

  /** Pieces were lost though the line held: half as much, once a round trip. */
  lost(now: number): void {
    if (now - this.#cutAt < (this.#smooth ?? 0)) return;
    this.#cutAt = now;
    this.#slowStart = false;
    this.#resize(this.#window / 2);
  }

  /** Another connection, perhaps another way: what was measured of the old one says nothing of its queues. */
  reconnected(): void {
    this.#base = Number.POSITIVE_INFINITY;
    this.#recent = [];
  }

  #measure(roundTrip: number): void {
    this.#base = Math.min(this.#base, roundTrip);
    this.#recent = [...this.#recent, roundTrip].slice(-filtered);
    if (this.#smooth === undefined) {
      this.#smooth = roundTrip;
      this.#variation = roundTrip / 2;
      return;
    }
    this.#variation += (Math.abs(roundTrip - this.#smooth) - this.#variation) / 4;
    this.#smooth += (roundTrip - this.#smooth) / 8;
  }

  #resize(bytes: number): void {
    this.#window = Math.min(this.#most, Math.max(smallestBlock, bytes));
  }
}
