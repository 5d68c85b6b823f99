import { createServer, type Server, type Socket } from 'node:net';
import { AtalayaError } from '../../kernel/errors.ts';
import { systemTimer, type Timer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { Turnstile } from '../turnstile.ts';
import type { AuditedStore } from './audited-store.ts';
import { DeskConnection, type DeskCounter, type DeskLimits } from './desk-connection.ts';
import { formatLine, wireErrorOf } from './desk-protocol.ts';
import { type ListeningSocket, listenAt } from './desk-socket.ts';

export type { DeskLimits } from './desk-connection.ts';
export { deskPath } from './desk-socket.ts';

export interface DeskOptions {
  readonly limits?: Partial<DeskLimits>;
  readonly timer?: Timer;
}

const usualLimits: DeskLimits = {
  connections: 32,
  idle: milliseconds(600_000),
  line: milliseconds(10_000),
  answer: milliseconds(60_000),
  stall: milliseconds(600_000),
  closing: milliseconds(5000),
};

const readsAtOnce = 2;

/**
 * Serves the evidence of a running unit to the local processes of its account (and to root): a Unix socket, mode 0600. Every act goes
 * through the store that is given, which stays its owner's: close the desk first, then the store.
 *
 * The caller holds the lock of the socket's folder. Throws `store-locked` where a live process listens at the path, `store-failed`.
 */
export async function serveDesk(store: AuditedStore, path: string, options: DeskOptions = {}): Promise<Desk> {
  const { timer = systemTimer } = options;
  const limits = { ...usualLimits, ...options.limits };
  const server = createServer({ allowHalfOpen: true });
  const desk = new Desk(server, { store, limits, timer, reads: new Turnstile(readsAtOnce), pieces: new Turnstile(1) });
  server.on('connection', (socket) => desk.receive(socket));
  desk.at(await listenAt(server, path));
  return desk;
}

/** The place where auditors ask a running unit. A client that errs, floods or stands still harms nobody but itself. */
export class Desk {
  readonly #server: Server;
  readonly #counter: DeskCounter;
  readonly #clients = new Map<DeskConnection, Promise<void>>();
  #socket: ListeningSocket | undefined;
  #closing: Promise<void> | undefined;

  constructor(server: Server, counter: DeskCounter) {
    this.#server = server;
    this.#counter = counter;
  }

  /** Clients that are connected now. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Takes over the socket file; called once, by whoever opened it. */
  at(socket: ListeningSocket): void {
    this.#socket = socket;
    // A connection that the system cannot hand over (no descriptor left) is that client's loss; the others go on.
    this.#server.on('error', () => undefined);
  }

  /** Serves a connection. */
  receive(socket: Socket): void {
    const { limits } = this.#counter;
    const refusal =
      this.#closing !== undefined ? closed() : this.#clients.size >= limits.connections ? busy() : undefined;
    if (refusal !== undefined) {
      socket.on('error', () => undefined);
      socket.end(formatLine({ id: null, error: wireErrorOf(refusal) }), () => socket.destroy());
      return;
    }
    const client = new DeskConnection(socket, this.#counter);
    this.#clients.set(
      client,
      client.run().finally(() => this.#clients.delete(client)),
    );
  }

  /** Takes nobody any more, answers what was begun within the time of `limits.closing`, and leaves. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#socket?.remove();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#clients.keys()) client.close();
    await Promise.all(this.#clients.values());
    await closed;
  }
}

const closed = () => new AtalayaError('desk-closed', 'the unit is closing', { hint: 'Try again in a moment.' });

const busy = () =>
  new AtalayaError('desk-busy', 'the unit serves as many clients as it takes', {
    hint: 'Try again when another program that reads the evidence has ended.',
  });
