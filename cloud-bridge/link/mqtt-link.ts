import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { type Attempt, supervise } from '../../device/kernel/supervise.ts';
import { withDeadline } from '../../device/kernel/timer.ts';
import { milliseconds, toMilliseconds } from '../../device/kernel/units.ts';
import { ArrivalQueue, type Source, sourceOf } from './arrival-queue.ts';
import type { Arrival, Link, LinkHandlers, LinkState } from './link.ts';
import { connectFault, type LinkPlace } from './link-faults.ts';
import { type LinkCredentials, type LinkOptions, usualWindow } from './link-options.ts';
import { MqttConnection, type Opening } from './mqtt-connection.ts';
import { type BrokerAddress, openSocket, parseBrokerUrl } from './open-socket.ts';

export type { LinkCredentials, LinkOptions, LinkWill } from './link-options.ts';

/** A connection that stood for so long ends the row of failures: a broker that lets us in and throws us out is not asked ever faster. */
const settled = milliseconds(5000);
/** A broker that answers at all answers a leave-taking within this. */
const usualLeaveDeadline = milliseconds(1000);

/** Returns at once, offline; connects by itself. Throws `config-invalid` for an address that is none. */
export function openMqttLink(options: LinkOptions, handlers: LinkHandlers): Link {
  const link = new MqttLink(options, parseBrokerUrl(options.url), handlers);
  link.start();
  return link;
}

/** Which version the broker speaks is remembered; every so many connections 5 is tried first again, since brokers are renewed. */
const askAgain = 8;

class MqttLink implements Link {
  readonly #options: LinkOptions;
  readonly #address: BrokerAddress;
  readonly #handlers: LinkHandlers;
  readonly #filters = new Set<string>();
  readonly #stop = new AbortController();
  readonly #arrivals: ArrivalQueue;
  readonly #sources = new WeakMap<MqttConnection, Source>();
  #protocol: '5' | '3.1.1';
  #connections = 0;
  /** Set from when its subscriptions are made. */
  #online: MqttConnection | undefined;
  #fault: AtalayaError | undefined;
  #closing: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions, address: BrokerAddress, handlers: LinkHandlers) {
    this.#options = options;
    this.#address = address;
    this.#handlers = handlers;
    this.#arrivals = new ArrivalQueue({
      handle: (arrival) => handlers.arrived(arrival),
      faultOf: (error) => connectFault(error, this.#place(undefined)),
      window: options.receiveMaximum ?? usualWindow,
    });
    this.#protocol = options.protocol === '3.1.1' ? '3.1.1' : '5';
  }

  get state(): LinkState {
    return this.#online === undefined
      ? { kind: 'offline', fault: this.#fault }
      : { kind: 'online', session: this.#online.session };
  }

  get inFlight(): number {
    return this.#online?.inFlight ?? 0;
  }

  start(): void {
    this.#running = this.#run();
  }

  async publish(
    topic: string,
    payload: Buffer | string,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
  ): Promise<void> {
    if (this.#closing !== undefined) throw new AtalayaError('link-down', 'the link was closed');
    if (this.#online === undefined) throw this.#fault ?? new AtalayaError('link-down', 'not connected yet');
    await this.#online.publish(topic, payload, options.qos, options.retain ?? false);
  }

  async subscribe(filters: readonly string[]): Promise<void> {
    for (const filter of filters) this.#filters.add(filter);
    try {
      if (this.#online !== undefined && filters.length > 0) await this.#answer(this.#online.subscribe(filters));
    } catch (error) {
      if (!isAtalayaError(error, 'link-refused')) return; // Made at the next connection.
      for (const filter of filters) this.#filters.delete(filter);
      throw error;
    }
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    for (const filter of filters) this.#filters.delete(filter);
    if (this.#online !== undefined && filters.length > 0)
      await this.#answer(this.#online.unsubscribe(filters)).catch(() => undefined);
  }

  close(last?: { readonly topic: string; readonly payload: string; readonly retain: boolean }): Promise<void> {
    this.#closing ??= this.#leave(last);
    return this.#closing;
  }

  async #leave(last?: { readonly topic: string; readonly payload: string; readonly retain: boolean }): Promise<void> {
    const connection = this.#online;
    if (connection !== undefined) {
      const { leaveDeadline = usualLeaveDeadline } = this.#options;
      if (last !== undefined)
        await this.#answer(connection.publish(last.topic, last.payload, 1, last.retain), leaveDeadline).catch(
          () => undefined,
        );
      connection.leave();
      await this.#answer(connection.lost, leaveDeadline).catch(() => undefined);
    }
    this.#stop.abort();
    await this.#running;
  }

  /** No answer of the broker takes longer than a connection may. */
  #answer<T>(work: Promise<T>, deadline = this.#options.connectDeadline): Promise<T> {
    return withDeadline(work, deadline, 'the answer of the broker', this.#options.timer);
  }

  async #run(): Promise<void> {
    const { clock, timer, random, backoff, connectDeadline, keepAlive } = this.#options;
    // Supervision also ends with a leave-taking, shortly before it is stopped.
    while (!this.#stop.signal.aborted && this.#closing === undefined) {
      try {
        await supervise((attempt) => this.#attempt(attempt), {
          name: `the link to ${this.#address.host}`,
          signal: this.#stop.signal,
          clock,
          timer,
          random,
          backoff,
          // Reading credentials, two ways to connect, subscriptions: each has the deadline of one. Then the beats of a live session.
          deadline: milliseconds(4 * connectDeadline + 4 * toMilliseconds(keepAlive) + settled),
          grace: connectDeadline,
        });
      } catch (error) {
        // Not to be expected; but a unit at the roadside has no other link.
        this.#lost(connectFault(error, this.#place(undefined)));
        await timer.sleep(backoff.most, this.#stop.signal);
      }
    }
  }

  /** One connection from its beginning to its end, which is its fault. */
  async #attempt({ signal, beat }: Attempt): Promise<void> {
    const over = new AbortController();
    let connection: MqttConnection | undefined;
    try {
      connection = await this.#connect(signal);
      const open = connection;
      const aborted = () => open.drop(new AtalayaError('link-down', 'the link was stopped'));
      signal.addEventListener('abort', aborted, { once: true });
      if (signal.aborted) aborted();
      try {
        await this.#subscribeAll(open);
        void this.#beats(beat, AbortSignal.any([signal, over.signal]));
        void this.#announce(open);
        const fault = await open.lost;
        if (fault !== undefined) throw fault;
      } finally {
        signal.removeEventListener('abort', aborted);
      }
      this.#lost(undefined);
    } catch (error) {
      const fault = connectFault(error, this.#place(undefined));
      connection?.drop(fault);
      this.#lost(fault);
      if (!signal.aborted) throw fault;
    } finally {
      over.abort();
    }
  }

  async #connect(signal: AbortSignal): Promise<MqttConnection> {
    const { protocol, credentials } = this.#options;
    const given: LinkCredentials =
      credentials === undefined ? this.#options : await this.#answer(Promise.resolve().then(credentials));
    this.#connections += 1;
    if (protocol === 'auto' && this.#connections % askAgain === 0) this.#protocol = '5';
    const first = await this.#open(this.#protocol, given, signal);
    if (first.kind === 'open') return first.connection;
    if (protocol !== 'auto' || first.kind === 'failed') throw first.fault;
    const other = this.#protocol === '5' ? '3.1.1' : '5';
    const second = await this.#open(other, given, signal);
    if (second.kind !== 'open') throw second.kind === 'failed' ? second.fault : first.fault;
    this.#protocol = other;
    return second.connection;
  }

  async #open(protocol: '5' | '3.1.1', credentials: LinkCredentials, signal: AbortSignal): Promise<Opening> {
    const { timer, connectDeadline, serverName } = this.#options;
    const place = this.#place(credentials.cert);
    const done = new AbortController();
    const late = new AbortController();
    void timer.sleep(connectDeadline, done.signal).then(() => {
      if (!done.signal.aborted) late.abort();
    });
    const limit = AbortSignal.any([signal, late.signal]);
    try {
      const socket = await openSocket(this.#address, credentials, serverName, limit);
      const source = sourceOf((fault) => socket.destroy(fault));
      const arrived = (arrival: Arrival, acknowledge: (() => void) | undefined) =>
        this.#arrivals.add(source, arrival, acknowledge);
      const opening = await MqttConnection.open(socket, protocol, this.#options, place, { arrived }, limit);
      if (opening.kind === 'open') this.#sources.set(opening.connection, source);
      return opening;
    } catch (error) {
      const fault = late.signal.aborted
        ? new AtalayaError('link-down', `${place.at} did not answer within ${connectDeadline} ms`, { cause: error })
        : connectFault(error, place);
      return { kind: 'failed', fault };
    } finally {
      done.abort();
    }
  }

  async #subscribeAll(connection: MqttConnection): Promise<void> {
    const made = new Set<string>();
    for (;;) {
      const missing = [...this.#filters].filter((filter) => !made.has(filter));
      if (missing.length === 0) return;
      await this.#answer(connection.subscribe(missing));
      for (const filter of missing) made.add(filter);
    }
  }

  async #beats(beat: () => void, signal: AbortSignal): Promise<void> {
    const { timer, keepAlive } = this.#options;
    await timer.sleep(settled, signal);
    while (!signal.aborted) {
      beat();
      await timer.sleep(toMilliseconds(keepAlive), signal);
    }
  }

  async #announce(connection: MqttConnection): Promise<void> {
    this.#online = connection;
    this.#fault = undefined;
    try {
      const done = this.#handlers.online(connection.session);
      this.#arrivals.hear(this.#sources.get(connection));
      await done;
    } catch (error) {
      connection.drop(connectFault(error, this.#place(undefined)));
    }
  }

  /** Tells of the end of a session, and of each new reason for there being none. */
  #lost(fault: AtalayaError | undefined): void {
    const news = this.#online !== undefined || fault?.message !== this.#fault?.message;
    this.#online = undefined;
    this.#arrivals.hear(undefined);
    this.#fault = fault;
    if (news) this.#handlers.offline(fault);
  }

  #place(cert: Buffer | undefined): LinkPlace {
    return { at: `${this.#address.host}:${this.#address.port}`, cert, now: this.#options.clock.utc() };
  }
}
