import type { Link, LinkState } from '../../link/link.ts';

/** What is said last on a connection. */
type LastWords = Parameters<Link['close']>[0];

/**
 * A link that can be closed and opened anew while others hold it: with the credentials of that moment, and the same subscriptions. What
 * was on its way is rejected as when a connection is lost, and offered again by whoever published it.
 */
export class ReopeningLink implements Link {
  readonly #connect: () => Link;
  readonly #filters = new Set<string>();
  #link: Link;
  #reopening: Promise<void> | undefined;
  #closed = false;

  constructor(connect: () => Link, first: Link) {
    this.#connect = connect;
    this.#link = first;
  }

  static open(connect: () => Link): ReopeningLink {
    return new ReopeningLink(connect, connect());
  }

  get state(): LinkState {
    return this.#link.state;
  }

  get inFlight(): number {
    return this.#link.inFlight;
  }

  publish(...message: Parameters<Link['publish']>): Promise<void> {
    return this.#link.publish(...message);
  }

  async subscribe(filters: readonly string[]): Promise<void> {
    await this.#link.subscribe(filters);
    for (const filter of filters) this.#filters.add(filter);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    for (const filter of filters) this.#filters.delete(filter);
    await this.#link.unsubscribe(filters);
  }

  /** Takes leave with `last` and connects anew; asked twice at once, it is done once. Never rejects. */
  reopen(last?: LastWords): Promise<void> {
    this.#reopening ??= this.#exchange(last).finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async close(last?: LastWords): Promise<void> {
    this.#closed = true;
    await this.#reopening;
    await this.#link.close(last);
  }

  async #exchange(last: LastWords): Promise<void> {
    if (this.#closed) return;
    await this.#link.close(last).catch(() => undefined);
    if (this.#closed) return;
    this.#link = this.#connect();
    // Made at the connection; one that the broker refuses was refused before.
    void this.#link.subscribe([...this.#filters]).catch(() => undefined);
  }
}
