import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Link, LinkHandlers, LinkState } from '../link/link.ts';
import type { Connection, MemoryBroker, MemoryLinkOptions } from './memory-broker.ts';

const closed = () => new AtalayaError('link-down', 'the link was closed');

/** The client's side of `MemoryBroker`; made by its `link`. */
export class MemoryLink implements Link {
  readonly #broker: MemoryBroker;
  readonly #handlers: LinkHandlers;
  readonly #options: MemoryLinkOptions;
  readonly #forget: () => void;
  readonly #filters = new Set<string>();
  #connection: Connection | undefined;
  #fault: AtalayaError | undefined;
  #inFlight = 0;
  #closed = false;
  #delivering = false;

  constructor(broker: MemoryBroker, handlers: LinkHandlers, options: MemoryLinkOptions, forget: () => void) {
    this.#broker = broker;
    this.#handlers = handlers;
    this.#options = options;
    this.#forget = forget;
  }

  get state(): LinkState {
    return this.#connection === undefined
      ? { kind: 'offline', fault: this.#fault }
      : { kind: 'online', session: this.#connection.session };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Connects in the next turn of the loop where the broker is up. */
  reconnect(): void {
    setImmediate(() => {
      if (this.#closed || this.#connection !== undefined) return;
      const connection: Connection | undefined = this.#broker.connect(this.#options, {
        wake: () => this.#deliver(),
        lost: (fault) => this.#lost(connection, fault),
      });
      if (connection === undefined) return;
      this.#connection = connection;
      connection.subscribe([...this.#filters]);
      void this.#announce(connection);
    });
  }

  async #announce(connection: Connection): Promise<void> {
    try {
      const done = this.#handlers.online(connection.session);
      this.#deliver();
      await done;
    } catch (error) {
      connection.drop(new AtalayaError('link-down', String(error), { cause: error }));
    }
  }

  #lost(connection: Connection | undefined, fault: AtalayaError | undefined): void {
    if (connection === undefined || this.#connection !== connection) return;
    this.#connection = undefined;
    this.#fault = fault;
    this.#handlers.offline(fault);
    if (!this.#closed) this.reconnect();
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    queueMicrotask(async () => {
      for (;;) {
        const connection = this.#connection;
        const next = connection?.next();
        if (next === undefined) break;
        try {
          await this.#handlers.arrived(next.arrival);
          next.acknowledge();
        } catch (error) {
          connection?.drop(new AtalayaError('link-down', String(error), { cause: error }));
        }
      }
      this.#delivering = false;
    });
  }

  async publish(
    topic: string,
    payload: Buffer | string,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
  ): Promise<void> {
    if (this.#closed) throw closed();
    const connection = this.#connection;
    if (connection === undefined) throw this.#fault ?? new AtalayaError('link-down', 'not connected yet');
    this.#inFlight += 1;
    try {
      await connection.publish(topic, Buffer.from(payload), options.qos, options.retain ?? false);
    } finally {
      this.#inFlight -= 1;
    }
  }

  async subscribe(filters: readonly string[]): Promise<void> {
    for (const filter of filters) this.#filters.add(filter);
    this.#connection?.subscribe(filters);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    for (const filter of filters) this.#filters.delete(filter);
    this.#connection?.unsubscribe(filters);
  }

  async close(last?: { readonly topic: string; readonly payload: string; readonly retain: boolean }): Promise<void> {
    if (this.#closed) return;
    const leaving = last && this.#connection?.publish(last.topic, Buffer.from(last.payload), 1, last.retain);
    this.#closed = true;
    this.#forget();
    await leaving?.catch(() => undefined);
    this.#connection?.leave();
  }
}
