import { blockBytes } from '../../contract/block-bytes.ts';
import { blockStep, smallestBlock } from '../../contract/stream.ts';

/** Milliseconds that our bytes may wait in the queues of the way: TARGET of LEDBAT (RFC 6817, 2.4.2) is its most. */
const target = 50;
/** Samples of which the shortest counts: CURRENT_FILTER of RFC 6817, 2.4.2. A retransmission of TCP is no queue. */
const filtered = 12;
/** Of the way to the right window, how much is gone in a round trip: gamma of FAST TCP. */
const gain = 0.5;
/** Bytes at the beginning; TCP begins with about as many (RFC 6928). */
const initial = 4 * blockStep;
/** Of what comes in a session, how much may be lost with its end. */
const lossShare = 0.02;
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
  /** How long connections last that are cut; undefined while none was. */
  #session: number | undefined;
  #beganAt = 0;
  #cameAt = 0;

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
  came(bytes: number, roundTrip: number, now: number): void {
    this.#cameAt = now;
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
    const right = this.#window * Math.min(2, queued, this.#allowed / (this.#smooth ?? roundTrip));
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

  /** The connection is lost. To be called before what is outstanding is dropped. */
  cut(): void {
    if (this.#outstanding === 0) return;
    const length = Math.max(0, this.#cameAt - this.#beganAt);
    this.#session = this.#session === undefined ? length : (this.#session + length) / 2;
  }

  /** Another connection, perhaps another way: what was measured of the old one says nothing of its queues. */
  reconnected(now: number): void {
    this.#beganAt = now;
    this.#cameAt = now;
    this.#base = Number.POSITIVE_INFINITY;
    this.#recent = [];
  }

  /**
   * Round trip, beyond which cuts would cost too much: what a cut takes is what was sent in about a round trip less the way of the request,
   * and that is to be a small share of what came in a session, whatever the rate.
   */
  get #allowed(): number {
    if (this.#session === undefined) return Number.POSITIVE_INFINITY;
    const session = Math.max(this.#session, this.#cameAt - this.#beganAt);
    return Math.max(this.#base, this.#base / 2 + lossShare * session);
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
