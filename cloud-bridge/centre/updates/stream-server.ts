import type { Clock } from '../../../device/kernel/clock.ts';
import type { StreamAnswer, StreamGet } from '../../contract/stream.ts';
import { OpenFiles, type PublishedFiles } from './stream-files.ts';

export type { PublishedFiles } from './stream-files.ts';

export interface StreamServerOptions {
  /** `Director` is one. */
  readonly files: PublishedFiles;
  /** Publishes on streamAnswer. May reject: counted, the unit asks again. */
  readonly answer: (unit: string, answer: StreamAnswer) => Promise<void>;
  /** Publishes on streamData; resolves when the socket has taken it. May reject: counted, the unit asks again. */
  readonly block: (unit: string, id: string, block: number, bytes: Uint8Array) => Promise<void>;
  readonly clock: Clock;
  readonly bounds?: Partial<StreamBounds>;
}

export interface StreamBounds {
  /** Bytes that one unit may have asked for and not been sent. */
  readonly unitBytes: number;
  /** Requests of one unit that may wait. */
  readonly unitRequests: number;
  /** Bytes that all units together may have asked for and not been sent. */
  readonly bytes: number;
  /** Units that are served at once; each has a block in memory, or few. */
  readonly width: number;
  /** Files that are open. */
  readonly openFiles: number;
}

const usualBounds: StreamBounds = {
  unitBytes: 16 * 1024 * 1024,
  unitRequests: 512,
  bytes: 512 * 1024 * 1024,
  width: 16,
  openFiles: 128,
};

export interface StreamFigures {
  readonly gets: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Answers by what they said. */
  readonly absent: number;
  readonly later: number;
  /** Not read, or not taken by the broker. */
  readonly failed: number;
  readonly openFiles: number;
  readonly waitingBytes: number;
}

interface Request {
  readonly get: StreamGet;
  /** The next block, and the one after the last. */
  next: number;
  readonly end: number;
}

interface Waiting {
  readonly requests: Request[];
  bytes: number;
  serving: boolean;
}

/** Milliseconds between two answers `later` to one unit. */
const laterEvery = 500;
/** Units of which it is remembered when they were told. */
const mostTold = 10_000;
/** Blocks of one unit that the broker's socket has not taken. */
const mostUnsent = 4;

/**
 * Gives the files of the update repositories away in blocks, as they are asked for. It keeps nothing of a stream: whichever of several bridges
 * hears a request can serve it.
 *
 * Guarantees: units have turns, a block each, whatever one of them asks for; the blocks of a unit are published in the order in which it
 * asked; what is asked beyond the bounds is answered `later`, and memory and open files are bounded.
 */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #bounds: StreamBounds;
  readonly #files: OpenFiles;
  /** Units that wait for a turn, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #toldLater = new Map<string, number>();
  readonly #working = new Set<Promise<void>>();
  readonly #figures = { gets: 0, blocks: 0, bytes: 0, absent: 0, later: 0, failed: 0 };
  #bytes = 0;
  #closed = false;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#bounds = { ...usualBounds, ...options.bounds };
    this.#files = new OpenFiles(options.files, options.clock, this.#bounds.openFiles);
  }

  get figures(): StreamFigures {
    return { ...this.#figures, openFiles: this.#files.open, waitingBytes: this.#bytes };
  }

  /** Returns at once; never throws. What cannot be served is answered with `absent` or `later`. */
  asked(unit: string, get: StreamGet): void {
    if (this.#closed) return;
    this.#figures.gets += 1;
    const { unitBytes, unitRequests, bytes: mostBytes } = this.#bounds;
    const waiting = this.#waiting.get(unit) ?? { requests: [], bytes: 0, serving: false };
    const bytes = get.count * get.size;
    const tooMuch = waiting.requests.length >= unitRequests || waiting.bytes + bytes > unitBytes;
    if (tooMuch || this.#bytes + bytes > mostBytes) {
      this.#later(unit, get.id);
      return;
    }
    waiting.requests.push({ get, next: get.from, end: get.from + get.count });
    waiting.bytes += bytes;
    this.#bytes += bytes;
    this.#waiting.set(unit, waiting);
    this.#work();
  }

  /** Forgets what waits, and closes the files. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    await Promise.all(this.#working);
    await this.#files.close();
  }

  /** Begins the turns of as many units as there is width for. */
  #work(): void {
    for (const [unit, waiting] of this.#waiting) {
      if (this.#closed || this.#working.size >= this.#bounds.width) return;
      if (waiting.serving) continue;
      waiting.serving = true;
      const work = this.#serve(unit, waiting).finally(() => {
        waiting.serving = false;
        this.#working.delete(work);
        this.#work();
      });
      this.#working.add(work);
    }
  }

  /** Serves one unit until nothing of it waits, or others wait for a turn. Never rejects. */
  async #serve(unit: string, waiting: Waiting): Promise<void> {
    const unsent = new Set<Promise<void>>();
    const send = async (publishing: Promise<void>) => {
      const sent = publishing
        .catch(() => {
          this.#figures.failed += 1;
        })
        .finally(() => unsent.delete(sent));
      unsent.add(sent);
      if (unsent.size >= mostUnsent) await Promise.race(unsent);
    };
    for (let request = waiting.requests[0]; request !== undefined; request = waiting.requests[0]) {
      await this.#block(unit, waiting, request, send);
      if (this.#closed || this.#waiting.size > this.#bounds.width) break;
    }
    await Promise.all(unsent);
    // To the end of the row, where anything of it is left.
    this.#waiting.delete(unit);
    if (waiting.requests.length > 0 && !this.#closed) this.#waiting.set(unit, waiting);
  }

  /** Publishes the next block of a request, or what there is to say in its place. Never rejects. */
  async #block(
    unit: string,
    waiting: Waiting,
    request: Request,
    send: (publishing: Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { id, file: path, size } = request.get;
    const { answer, block } = this.#options;
    const over = () => this.#spend(waiting, request, request.end - request.next);
    const lease = await this.#files.take(unit, path).catch(() => 'failed' as const);
    if (lease === 'failed') {
      this.#figures.failed += 1;
      over();
      return this.#later(unit, id);
    }
    if (lease === undefined) {
      over();
      this.#figures.absent += 1;
      return send(answer(unit, { id, refused: 'absent' }));
    }
    try {
      const { length } = lease.file;
      const from = request.next * size;
      if (request.next >= request.end || from >= length) {
        over();
        return await send(answer(unit, { id, length }));
      }
      const bytes = await lease.file.read(from, Math.min(size, length - from));
      const number = request.next;
      this.#spend(waiting, request, 1);
      this.#figures.blocks += 1;
      this.#figures.bytes += bytes.byteLength;
      await send(block(unit, id, number, bytes));
    } catch {
      this.#figures.failed += 1;
      over();
      this.#later(unit, id);
    } finally {
      await lease.release().catch(() => undefined);
    }
  }

  /** So many blocks of the request are done with; where none is left, so is it. */
  #spend(waiting: Waiting, request: Request, blocks: number): void {
    const bytes = blocks * request.get.size;
    request.next += blocks;
    waiting.bytes -= bytes;
    this.#bytes -= bytes;
    if (request.next >= request.end && waiting.requests[0] === request) waiting.requests.shift();
  }

  /** Not more often than it helps: whoever asks without end gets no answer without end. */
  #later(unit: string, id: string): void {
    this.#figures.later += 1;
    const now = this.#options.clock.monotonic();
    if (now - (this.#toldLater.get(unit) ?? Number.NEGATIVE_INFINITY) < laterEvery) return;
    if (this.#toldLater.size >= mostTold) this.#toldLater.clear();
    this.#toldLater.set(unit, now);
    this.#options.answer(unit, { id, refused: 'later' }).catch(() => {
      this.#figures.failed += 1;
    });
  }
}
