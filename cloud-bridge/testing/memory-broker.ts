import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Arrival, Link, LinkHandlers, LinkSession } from '../link/link.ts';
import type { LinkWill } from '../link/link-options.ts';
import { filterMatches, parseFilter } from '../link/topic-filter.ts';
import { MemoryLink } from './memory-link.ts';

/** What a link to the broker is made with. */
export interface MemoryLinkOptions {
  readonly clientId: string;
  readonly will?: LinkWill;
  /** The broker keeps subscriptions and unacknowledged messages while we are away. False where absent. */
  readonly sessionKept?: boolean;
}

export interface MemoryBrokerOptions {
  /** What each session is told; the rest is that of a broker of MQTT 5 without bounds. */
  readonly session?: Partial<Omit<LinkSession, 'resumed'>>;
  /** Words where the broker refuses a message for good. */
  readonly refuses?: (topic: string, clientId: string) => string | undefined;
}

export interface Published {
  readonly clientId: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

interface Waiting extends Arrival {
  readonly qos: 0 | 1;
}

interface Session {
  readonly filters: Map<string, { readonly group: string | undefined; readonly filter: string }>;
  /** Not acknowledged; the first may be with the client. */
  readonly queue: { message: Waiting; sent: boolean }[];
  kept: boolean;
  connection: Connection | undefined;
}

/** The broker's side of one connection, as the link sees it. */
export interface Connection {
  readonly session: LinkSession;
  /** Resolves when acknowledged; rejects when the connection is lost or the message refused. */
  publish(topic: string, payload: Buffer, qos: 0 | 1, retain: boolean): Promise<void>;
  subscribe(filters: readonly string[]): void;
  unsubscribe(filters: readonly string[]): void;
  /** The next message, marked as sent. Undefined: there is none now. */
  next(): { readonly arrival: Arrival; readonly acknowledge: () => void } | undefined;
  /** Takes leave: no will. */
  leave(): void;
  /** Ends without a leave-taking. */
  drop(fault: AtalayaError): void;
}

/** How a connection reaches its link. */
export interface ConnectionEnds {
  /** There may be a `next`. */
  wake(): void;
  lost(fault: AtalayaError | undefined): void;
}

/**
 * A broker in this process, for tests of whoever speaks through a `Link`: retained messages, `+`, `#` and `$share` filters, wills, sessions
 * that are kept, the takeover of a client id, and the mishaps that a test orders: cut connections, a broker that is gone, acknowledgements
 * that do not come. Time does not pass in it; everything happens in microtasks, reconnecting in the next turn of the loop.
 */
export class MemoryBroker {
  /** Everything that the broker took, in order. */
  readonly published: Published[] = [];
  readonly retained = new Map<string, Buffer>();
  readonly #options: MemoryBrokerOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #links = new Set<MemoryLink>();
  readonly #turns = new Map<string, number>();
  readonly #held: (() => void)[] = [];
  #up = true;
  #holding = false;
  #loseNext = false;

  constructor(options: MemoryBrokerOptions = {}) {
    this.#options = options;
  }

  /** Connects in the next turn of the loop, and again whenever the connection is lost while the broker is up. */
  link(handlers: LinkHandlers, options: MemoryLinkOptions): Link {
    const link = new MemoryLink(this, handlers, options, () => this.#links.delete(link));
    this.#links.add(link);
    link.reconnect();
    return link;
  }

  get up(): boolean {
    return this.#up;
  }

  /** Clients that are connected. */
  get connected(): readonly string[] {
    return [...this.#sessions].filter(([, session]) => session.connection !== undefined).map(([id]) => id);
  }

  /** Breaks one connection, or all: wills are published, what is not acknowledged is rejected at its publisher. */
  cut(clientId?: string): void {
    for (const [id, session] of this.#sessions) {
      if (clientId === undefined || id === clientId)
        session.connection?.drop(new AtalayaError('link-down', 'the connection was cut'));
    }
  }

  /** The broker is gone until `start`; what it retains and keeps stays. */
  stop(): void {
    this.#up = false;
    this.cut();
  }

  start(): void {
    this.#up = true;
    for (const link of this.#links) link.reconnect();
  }

  /** Acknowledges nothing more until `release`; messages are taken all the same. */
  hold(): void {
    this.#holding = true;
  }

  release(): void {
    this.#holding = false;
    for (const acknowledge of this.#held.splice(0)) acknowledge();
  }

  /** The next message is lost on its way, and its connection with it. */
  loseNext(): void {
    this.#loseNext = true;
  }

  /** A message from nobody in particular. */
  publish(topic: string, payload: Buffer | string, options: { readonly qos?: 0 | 1; readonly retain?: boolean } = {}) {
    this.#take('', topic, Buffer.from(payload), options.qos ?? 1, options.retain ?? false);
  }

  /** For `MemoryLink`. Undefined while the broker is gone. */
  connect(options: MemoryLinkOptions, ends: ConnectionEnds): Connection | undefined {
    if (!this.#up) return undefined;
    const { clientId, will, sessionKept = false } = options;
    const before = this.#sessions.get(clientId);
    before?.connection?.drop(new AtalayaError('link-down', 'another session with our client id took this one over'));
    const resumed = sessionKept && before?.kept === true && this.#sessions.has(clientId);
    const session: Session =
      resumed && before !== undefined
        ? before
        : { filters: new Map(), queue: [], kept: sessionKept, connection: undefined };
    session.kept = sessionKept;
    this.#sessions.set(clientId, session);
    const outstanding = new Set<(fault: AtalayaError) => void>();
    let open = true;
    const end = (fault: AtalayaError | undefined) => {
      open = false;
      session.connection = undefined;
      for (const entry of session.queue) if (entry.sent) entry.message = { ...entry.message, duplicate: true };
      for (const entry of session.queue) entry.sent = false;
      if (!session.kept && this.#sessions.get(clientId) === session) this.#sessions.delete(clientId);
      for (const reject of outstanding) reject(fault ?? new AtalayaError('link-down', 'the link was closed'));
      ends.lost(fault);
    };
    const connection: Connection = {
      session: {
        protocol: '5',
        receiveMaximum: 65_535,
        maximumPacketSize: undefined,
        sharedSubscriptions: true,
        ...this.#options.session,
        resumed,
      },
      publish: (topic, payload, qos, retain) =>
        new Promise((resolve, reject) => {
          if (this.#loseNext) {
            this.#loseNext = false;
            outstanding.add(reject);
            return connection.drop(new AtalayaError('link-down', 'the connection was cut'));
          }
          const words = this.#options.refuses?.(topic, clientId);
          if (words !== undefined) return reject(new AtalayaError('link-refused', words));
          outstanding.add(reject);
          const acknowledge = () => {
            outstanding.delete(reject);
            resolve();
          };
          this.#take(clientId, topic, payload, qos, retain);
          if (this.#holding && qos === 1) this.#held.push(acknowledge);
          else acknowledge();
        }),
      subscribe: (filters) => {
        for (const text of filters) {
          const filter = parseFilter(text);
          session.filters.set(text, filter);
          if (filter.group !== undefined) continue;
          for (const [topic, payload] of this.retained)
            if (filterMatches(filter.filter, topic))
              this.#queue(session, { topic, payload, retained: true, duplicate: false, qos: 1 });
        }
      },
      unsubscribe: (filters) => {
        for (const text of filters) session.filters.delete(text);
      },
      next: () => {
        const entry = session.queue[0];
        if (!open || entry === undefined || entry.sent) return undefined;
        entry.sent = true;
        const { qos, ...arrival } = entry.message;
        if (qos === 0) session.queue.shift();
        return {
          arrival,
          acknowledge: () => {
            if (open && session.queue[0] === entry) session.queue.shift();
          },
        };
      },
      leave: () => {
        if (open) end(undefined);
      },
      drop: (fault) => {
        if (!open) return;
        end(fault);
        if (will !== undefined) this.#take(clientId, will.topic, Buffer.from(will.payload), 1, will.retain);
      },
    };
    session.connection = connection;
    this.#wakes.set(connection, ends.wake);
    return connection;
  }

  readonly #wakes = new WeakMap<Connection, () => void>();

  #take(clientId: string, topic: string, payload: Buffer, qos: 0 | 1, retain: boolean): void {
    this.published.push({ clientId, topic, payload, qos, retain });
    if (retain && payload.byteLength > 0) this.retained.set(topic, payload);
    if (retain && payload.byteLength === 0) this.retained.delete(topic);
    const message: Waiting = { topic, payload, retained: false, duplicate: false, qos };
    const groups = new Map<string, Session[]>();
    for (const session of this.#sessions.values()) {
      const matching = [...session.filters].filter(([, { filter }]) => filterMatches(filter, topic));
      if (matching.some(([, { group }]) => group === undefined)) this.#queue(session, message);
      for (const [text, { group }] of matching)
        if (group !== undefined) groups.set(text, [...(groups.get(text) ?? []), session]);
    }
    for (const [text, members] of groups) {
      const present = members.filter((member) => member.connection !== undefined);
      const among = present.length > 0 ? present : members;
      const turn = this.#turns.get(text) ?? 0;
      this.#turns.set(text, turn + 1);
      const chosen = among[turn % among.length];
      if (chosen !== undefined) this.#queue(chosen, message);
    }
  }

  #queue(session: Session, message: Waiting): void {
    if (session.connection === undefined && message.qos === 0) return;
    session.queue.push({ message, sent: false });
    if (session.connection !== undefined) this.#wakes.get(session.connection)?.();
  }
}
