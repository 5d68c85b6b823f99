import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Milliseconds } from '../../../device/kernel/units.ts';
import { blockStep, type StreamAnswer } from '../../contract/stream.ts';
import { AskedPieces, type Piece } from './asked-pieces.ts';
import { Bell } from './bell.ts';
import { StepGathering } from './step-gathering.ts';
import type { Arrivals, Line, Taker, Wanted } from './transfer-parts.ts';

/** Blocks of one request. */
const mostBlocks = 64;
/** Bytes that have come and not been taken, beyond which nothing is asked for. */
const mostUntaken = 4 * 1024 * 1024;
/** Milliseconds of the first and the longest pause after a centre that has too much to do. */
const firstPause = 1000;
const longestPause = 60_000;

/**
 * One file, from the first request to the last byte: across lost blocks, lost connections and other brokers.
 *
 * What is not heard of is not asked for again at once: a probe is, which costs no bytes of the file, and what has not come before its
 * answer has come is lost.
 */
export class Transfer implements Arrivals {
  readonly #line: Line;
  readonly #wanted: Wanted;
  readonly #taker: Taker;
  readonly #patience: Milliseconds;
  readonly #pieces: AskedPieces;
  readonly #bell: Bell;
  readonly #gathering = new StepGathering();
  #length: number | undefined;
  #ended = false;
  #absent = false;
  #failure: unknown;
  #untaken = 0;
  #taking: Promise<void> = Promise.resolve();
  /** A probe is due or out. */
  #probing = true;
  #probedAt = Number.NEGATIVE_INFINITY;
  #tries = 0;
  #pauses = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #heardAt: number;
  #progressAt: number;

  constructor(line: Line, wanted: Wanted, taker: Taker, patience: Milliseconds) {
    this.#line = line;
    this.#wanted = wanted;
    this.#taker = taker;
    this.#patience = patience;
    this.#pieces = new AskedPieces((offset) => wanted.wants(offset));
    this.#bell = new Bell(line.timer);
    this.#length = wanted.length;
    this.#heardAt = this.#progressAt = line.clock.monotonic();
  }

  /**
   * Resolves when all is taken, the file has another length, or it was stopped. Throws `document-refused` where there is no such file,
   * `link-down` where nothing has come for as long as its patience lasts, and what the taker throws. To be called once.
   */
  async run(signal?: AbortSignal): Promise<void> {
    const ring = () => this.#bell.ring();
    signal?.addEventListener('abort', ring, { once: true });
    try {
      while (signal?.aborted !== true && !this.#over()) await this.#bell.wait(this.#step(this.#line.clock.monotonic()));
    } finally {
      signal?.removeEventListener('abort', ring);
      this.#ended = true;
      this.#line.credit.dropped(this.#pieces.giveUp(Number.POSITIVE_INFINITY).bytes);
      for (const token of this.#pieces.tokens) this.#line.forget(token);
      await this.#taking;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The centre has said that there is no such file. */
  get absent(): boolean {
    return this.#absent;
  }

  online(): void {
    // It may be another centre, of another release: its answer tells anew how long the file is.
    this.#probing = true;
    this.#probedAt = Number.NEGATIVE_INFINITY;
    this.#tries = 0;
    this.#bell.ring();
  }

  offline(): void {
    this.#pieces.newEpoch();
    this.#giveUp(this.#pieces.epoch);
  }

  answered(token: string, answer: StreamAnswer): void {
    const stream = this.#pieces.stream(token);
    if (stream === undefined || this.#ended) return;
    this.#heard(stream.epoch);
    if (answer.refused === 'later') {
      this.#pause();
      return;
    }
    if (stream.epoch === this.#pieces.epoch) this.#probing = false;
    if (answer.refused === 'absent') {
      this.#absent = true;
      this.#fail(new AtalayaError('document-refused', `the centre has no ${this.#wanted.path}`));
    } else if (answer.length !== undefined) this.#told(answer.length);
  }

  came(token: string, block: number, bytes: Uint8Array): void {
    const { figures, credit, clock } = this.#line;
    const stream = this.#pieces.stream(token);
    const offset = block * (stream?.size ?? 0);
    const length = Math.min(stream?.size ?? 0, (this.#length ?? 0) - offset);
    if (stream === undefined || this.#ended || length <= 0 || bytes.byteLength !== length) {
      figures.nonsense += bytes.byteLength;
      // A last piece that has more than the rest of the file says that the file has.
      const last = length > 0 && length < (stream?.size ?? 0);
      if (stream !== undefined && !this.#ended && last && bytes.byteLength > length)
        this.#told(offset + bytes.byteLength);
      return;
    }
    this.#heard(stream.epoch);
    const piece = this.#pieces.came(offset, stream);
    if (piece.kind === 'twice') figures.receivedTwice += bytes.byteLength;
    if (piece.kind === 'never') figures.nonsense += bytes.byteLength;
    if (piece.kind === 'twice' || piece.kind === 'never') return;
    if (piece.kind === 'asked') {
      if (piece.at === undefined) credit.dropped(piece.bytes);
      else credit.came(piece.bytes, clock.monotonic() - piece.at);
    }
    figures.received += bytes.byteLength;
    this.#taker.came?.(bytes.byteLength);
    this.#progressAt = clock.monotonic();
    this.#pauses = 0;
    const whole = this.#gathering.add(offset, bytes, this.#length ?? 0);
    if (whole !== undefined) this.#take(whole.offset, whole.bytes);
  }

  /** How long the file is. */
  #told(length: number): void {
    try {
      this.#taker.lengthIs(length);
      this.#length ??= length;
      if (this.#length === length && length > 0) return;
      this.#ended = true;
      this.#bell.ring();
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(offset: number, bytes: Uint8Array): void {
    this.#untaken += bytes.byteLength;
    this.#taking = this.#taking
      .then(() => (this.#failure === undefined ? this.#taker.take(offset, bytes) : undefined))
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#untaken -= bytes.byteLength;
        if (this.#untaken === 0 || this.#untaken < mostUntaken / 2) this.#bell.ring();
      });
  }

  #over(): boolean {
    if (this.#ended) return true;
    return this.#untaken === 0 && this.#length !== undefined && this.#pieces.over(this.#length);
  }

  /** Does what is due; says how many milliseconds later to look again. */
  #step(now: number): number {
    const { isOnline, pace } = this.#line;
    const left = this.#progressAt + this.#patience - now;
    if (left <= 0) {
      const why = isOnline() ? 'the centre does not answer' : 'there is no connection';
      this.#fail(new AtalayaError('link-down', `${why}: ${this.#wanted.path} does not come`));
      return 0;
    }
    if (!isOnline()) return left;
    if (now < this.#pausedUntil) return Math.min(left, this.#pausedUntil - now);
    if (this.#silence(now) <= 0) this.#probe(now);
    this.#fill(now);
    const paced = pace.wait(now, this.#wanted.rate());
    // Whoever is not let take anything is not waiting for the centre.
    if (paced > 0 && this.#pieces.asked === 0) this.#progressAt = now;
    return Math.max(1, Math.min(left, this.#silence(now), paced > 0 ? paced : left));
  }

  /** Milliseconds of silence that are left before a probe is due. */
  #silence(now: number): number {
    const { asked, oldest = now } = this.#pieces;
    if (this.#probing && this.#probedAt === Number.NEGATIVE_INFINITY) return 0;
    if (!this.#probing && asked === 0) return Number.POSITIVE_INFINITY;
    const since = Math.max(this.#heardAt, this.#probing ? this.#probedAt : oldest);
    return since + this.#line.credit.timeout(this.#tries) - now;
  }

  #probe(now: number): void {
    if (!this.#probing) this.#pieces.newEpoch();
    if (this.#probedAt !== Number.NEGATIVE_INFINITY) this.#tries += 1;
    this.#probing = true;
    this.#probedAt = now;
    this.#line.figures.probes += 1;
    this.#get({ offset: 0, size: blockStep }, 0);
  }

  /** Asks for as much as credit and pace allow. */
  #fill(now: number): void {
    const { credit, pace } = this.#line;
    // One piece of each transfer may always be on its way: no other one keeps it from going on.
    if (this.#pieces.asked > 0 && !credit.worthAsking) return;
    const rate = this.#wanted.rate();
    let first: Piece | undefined;
    let count = 0;
    const send = () => {
      if (first !== undefined) this.#get(first, count);
      first = undefined;
      count = 0;
    };
    while (this.#untaken < mostUntaken && pace.wait(now, rate) === 0) {
      const piece = this.#peek();
      if (piece === undefined) break;
      const bytes = Math.min(piece.size, (this.#length ?? blockStep) - piece.offset);
      if (this.#pieces.asked > 0 && !credit.allows(bytes)) break;
      const follows = first?.size === piece.size && piece.offset === first.offset + count * piece.size;
      if (!follows || count === mostBlocks) send();
      first ??= piece;
      count += 1;
      credit.asked(bytes);
      pace.spend(now, bytes, rate);
      this.#pieces.ask(piece, bytes, now);
    }
    send();
  }

  /** Of a file whose length nobody knows yet the first piece is asked for together with the length. */
  #peek(): Piece | undefined {
    if (this.#length !== undefined) return this.#pieces.peek(this.#length, this.#line.credit.pieceBytes);
    return this.#pieces.asked === 0 ? this.#pieces.peek(blockStep, blockStep) : undefined;
  }

  #get({ offset, size }: Piece, count: number): void {
    const { draw, forget, get, figures } = this.#line;
    const id = this.#pieces.token(size, () => draw(this), forget);
    figures.requests += 1;
    get({ id, file: this.#wanted.path, size, from: offset / size, count });
  }

  /** Something of this epoch has come: what is missing of those before it does not come any more. */
  #heard(epoch: number): void {
    this.#heardAt = this.#line.clock.monotonic();
    this.#tries = 0;
    if (this.#giveUp(epoch) > 0) this.#line.credit.lost(this.#heardAt);
    this.#bell.ring();
  }

  #giveUp(epoch: number): number {
    const { pieces, bytes } = this.#pieces.giveUp(epoch);
    this.#line.credit.dropped(bytes);
    this.#line.figures.lost += pieces;
    return pieces;
  }

  /** The centre has too much to do: what was asked for may come or not, and a probe tells after the pause. */
  #pause(): void {
    const { random, credit, clock } = this.#line;
    const now = clock.monotonic();
    if (now < this.#pausedUntil) return;
    credit.lost(now);
    this.#pausedUntil = now + Math.min(longestPause, firstPause * 2 ** this.#pauses) * (0.5 + 0.5 * random());
    this.#pauses = Math.min(10, this.#pauses + 1);
    this.#pieces.newEpoch();
    this.#probing = true;
    this.#probedAt = Number.NEGATIVE_INFINITY;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#ended = true;
    this.#bell.ring();
  }
}
