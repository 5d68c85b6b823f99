import { once } from 'node:events';
import type { Socket } from 'node:net';
import { AtalayaError } from '../../kernel/errors.ts';
import { type Timer, withDeadline } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { Turnstile } from '../turnstile.ts';
import { answerOf, type Reply } from './answer-request.ts';
import type { AuditedStore } from './audited-store.ts';
import {
  type Answer,
  deskVersion,
  formatLine,
  type Greeting,
  longestRequest,
  parseRequest,
  type Request,
  requestsAtOnce,
  wireErrorOf,
} from './desk-protocol.ts';
import { LineReader } from './line-reader.ts';

export interface DeskLimits {
  /** Connections at the same time; further ones are told `desk-busy`. Default 32. */
  readonly connections: number;
  /** Longest silence of a client that waits for nothing; default 10 minutes. */
  readonly idle: Milliseconds;
  /** Longest time from the first byte of a request to its last; default 10 s. */
  readonly line: Milliseconds;
  /** Longest time until a request is answered, or a stream goes on; default 60 s. */
  readonly answer: Milliseconds;
  /** Longest time in which a client takes nothing of what was sent to it; default 10 minutes. */
  readonly stall: Milliseconds;
  /** Longest time in which a desk that closes answers what it has begun; default 5 s. */
  readonly closing: Milliseconds;
}

/** What the connections of one desk have in common. */
export interface DeskCounter {
  readonly store: AuditedStore;
  readonly limits: DeskLimits;
  readonly timer: Timer;
  /** So few reads at the same time, whatever the clients ask for, that sealing has the disk and the threads. */
  readonly reads: Turnstile;
  /** One piece at a time is made into a line and sent, whatever the number of streams. */
  readonly pieces: Turnstile;
}

/**
 * After each piece of all streams together, so that the thread, which sealing needs too, is free most of the time: without, a write that
 * the system takes at once and a line that is in memory would not even let the event loop turn. 64 MB/s of age files at most.
 */
const betweenPieces = milliseconds(4);

/**
 * One client at the desk.
 *
 * Guarantees: what a client does or leaves undone ends at most its own connection; of an answer no more than the socket's buffer and one
 * piece is in memory; all streams together leave the thread to others most of the time.
 */
export class DeskConnection {
  readonly #socket: Socket;
  readonly #counter: DeskCounter;
  readonly #places = new Turnstile(requestsAtOnce);
  readonly #working = new Set<Promise<void>>();
  /** Aborted when the client is gone. */
  readonly #gone = new AbortController();
  /** Aborted when the desk closes. */
  readonly #closing = new AbortController();
  /** Either of the two. */
  readonly #over = AbortSignal.any([this.#gone.signal, this.#closing.signal]);
  /** Aborted when nothing is waited for any more. */
  readonly #ended = new AbortController();
  readonly #timer: Timer;

  constructor(socket: Socket, counter: DeskCounter) {
    this.#timer = endingWith(counter.timer, this.#ended.signal);
    this.#socket = socket;
    this.#counter = counter;
  }

  /** Serves until the client leaves, errs or is silent too long, or until `close`; never rejects. */
  async run(): Promise<void> {
    const socket = this.#socket;
    const { limits } = this.#counter;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#gone.abort());
    try {
      await Promise.race([this.#converse(), once(this.#closing.signal, 'abort')]);
    } catch (error) {
      if (!socket.destroyed) socket.write(formatLine({ id: null, error: wireErrorOf(error) }));
      this.close();
    }
    await this.#finish();
    if (!socket.destroyed) {
      socket.end();
      await this.#within(once(socket, 'finish', { signal: this.#gone.signal }), limits.closing);
      socket.destroy();
    }
    this.#ended.abort();
  }

  /** Takes no further request; what was begun is answered, streams end with `desk-closed`. */
  close(): void {
    this.#closing.abort();
  }

  async #converse(): Promise<void> {
    const { store, limits } = this.#counter;
    const { pem, vkey, algorithm } = store.publicKey;
    await this.#write({ desk: deskVersion, unit: store.unit, key: { pem, vkey, algorithm } });
    const requests = new LineReader(this.#socket.iterator({ destroyOnReturn: false }), longestRequest);
    while (await this.#nextBegins(requests)) {
      const line = await withDeadline(requests.line(), limits.line, 'the request', this.#timer);
      if (line === undefined) return;
      const request = parseRequest(line);
      const leave = await this.#places.enter();
      if (this.#closing.signal.aborted || this.#socket.destroyed) return;
      const work = this.#serve(request).finally(() => {
        leave();
        this.#working.delete(work);
      });
      this.#working.add(work);
    }
  }

  /** Waits for what was begun, each with a deadline of its own, whether or not the client is still there; less long when closing. */
  async #finish(): Promise<void> {
    const finished = Promise.all(this.#working);
    const { signal } = this.#closing;
    const told = signal.aborted ? Promise.resolve() : once(signal, 'abort');
    await Promise.race([finished, told.then(() => this.#within(finished, this.#counter.limits.closing))]);
  }

  async #nextBegins(requests: LineReader): Promise<boolean> {
    const { limits } = this.#counter;
    for (;;) {
      try {
        return await withDeadline(requests.begun(), limits.idle, 'the silence of the client', this.#timer);
      } catch (error) {
        if (this.#working.size === 0) throw error;
      }
    }
  }

  async #serve(request: Request): Promise<void> {
    const { id } = request;
    try {
      const { store, limits } = this.#counter;
      const reply = answerOf(store, request);
      if (reply.kind === 'stream') await this.#stream(id, reply.items);
      else {
        const answered = reply.kind === 'act' ? reply.make() : this.#read(reply.make);
        await this.#write({ id, ok: await withDeadline(answered, limits.answer, 'the answer', this.#timer) });
      }
    } catch (error) {
      await this.#write({ id, error: wireErrorOf(error) }).catch(() => undefined);
    }
  }

  async #stream(id: number, items: Extract<Reply, { kind: 'stream' }>['items']): Promise<void> {
    const { limits } = this.#counter;
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const reading = this.#read(() => iterator.next());
        const next = await withDeadline(reading, limits.answer, 'the next piece', this.#timer);
        if (next.done === true) break;
        await this.#sendPiece({ id, item: next.value });
        if (this.#gone.signal.aborted) return;
        if (this.#closing.signal.aborted)
          throw new AtalayaError('desk-closed', 'the desk has ended the connection', { hint: tryAgain });
      }
      await this.#write({ id, ok: null });
    } finally {
      // A piece that is late must not be waited for here: the iterator ends after it.
      iterator.return?.().catch(() => undefined);
    }
  }

  async #sendPiece(piece: Answer): Promise<void> {
    const leave = await this.#counter.pieces.enter();
    const sent = this.#write(piece);
    sent.catch(() => undefined);
    await this.#timer.sleep(betweenPieces);
    leave();
    await sent;
  }

  async #read<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#counter.reads.enter();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Resolves when the client has taken so much that more may be sent. Throws where it has gone or takes nothing. */
  async #write(message: Answer | Greeting): Promise<void> {
    const socket = this.#socket;
    if (!socket.writable) throw new AtalayaError('desk-closed', 'the client is gone');
    if (socket.write(formatLine(message))) return;
    const { limits } = this.#counter;
    try {
      await withDeadline(
        once(socket, 'drain', { signal: this.#over }),
        limits.stall,
        'the reading of the client',
        this.#timer,
      );
    } catch (error) {
      // The end of a closing desk's connection waits for what is written, for a while.
      if (this.#closing.signal.aborted && !this.#gone.signal.aborted) return;
      socket.destroy();
      throw error;
    }
  }

  #within(work: Promise<unknown>, time: Milliseconds): Promise<unknown> {
    return withDeadline(work, time, 'the end of the connection', this.#timer).catch(() => undefined);
  }
}

export const tryAgain = 'Try again in a moment: the evidence is served again when the unit is back.';

/** A timer whose sleepers all wake when the signal is aborted. */
function endingWith(timer: Timer, end: AbortSignal): Timer {
  return {
    sleep: async (time, signal) => {
      const either = new AbortController();
      const wake = () => either.abort();
      for (const one of [end, signal]) {
        if (one?.aborted === true) wake();
        one?.addEventListener('abort', wake, { once: true });
      }
      await timer.sleep(time, either.signal);
      for (const one of [end, signal]) one?.removeEventListener('abort', wake);
    },
  };
}
