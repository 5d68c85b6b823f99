import type { Socket } from 'node:net';
import { type IConnackPacket, type IPublishPacket, MqttClient, Store } from 'mqtt';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Arrival, LinkSession } from './link.ts';
import {
  connackFault,
  connectFault,
  disconnectFault,
  type LinkPlace,
  lossFault,
  pubackFault,
  silenceFault,
} from './link-faults.ts';
import { type LinkOptions, usualWindow } from './link-options.ts';
import { guardPackets, longestPacket } from './packet-guard.ts';

/** PUBLISH without its payload: fixed header, topic's length, packet identifier, property length. */
const publishOverhead = 16;
const disconnectPacket = Buffer.from([0xe0, 0]);

/** What mqtt.js tells of an error beside its words. */
interface CodedError {
  readonly code?: unknown;
}

/** mqtt.js keeps a copy of each message for its own way of sending again; we have a journal for that. */
class NoStore extends Store {
  override put(_packet: unknown, done: () => void): this {
    done();
    return this;
  }

  override del(_packet: unknown, done: () => void): this {
    done();
    return this;
  }
}

export interface ConnectionEnds {
  /** At QoS 1 the broker waits for `acknowledge`; it may be called late, in the order of arrival. */
  arrived(arrival: Arrival, acknowledge: (() => void) | undefined): void;
}

export type Opening =
  | { readonly kind: 'open'; readonly connection: MqttConnection }
  /** The broker does not speak this version: it said so, or hung up on it without a word, as RabbitMQ 3.10 does. */
  | { readonly kind: 'version-refused'; readonly fault: AtalayaError }
  | { readonly kind: 'failed'; readonly fault: AtalayaError };

/**
 * One connection to a broker, from CONNECT to its end; never used again. mqtt.js frames, numbers and matches the packets; connecting
 * again, sending again and the window are done elsewhere.
 */
export class MqttConnection {
  readonly session: LinkSession;
  /** Resolves when the connection has ended, after what was in flight was rejected. Undefined: we took leave. */
  readonly lost: Promise<AtalayaError | undefined>;
  readonly #client: MqttClient;
  readonly #socket: Socket;
  readonly #outstanding = new Set<(fault: AtalayaError) => void>();
  #end: AtalayaError | undefined;
  #leaving = false;

  private constructor(client: MqttClient, socket: Socket, session: LinkSession, firstError: () => unknown) {
    this.#client = client;
    this.#socket = socket;
    this.session = session;
    this.lost = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end ??= lossFault(firstError());
        for (const reject of this.#outstanding) reject(this.#end);
        this.#outstanding.clear();
        resolve(this.#leaving ? undefined : this.#end);
      });
    });
    client.on('disconnect', ({ reasonCode }) => this.drop(disconnectFault(reasonCode ?? 0)));
    client.on('error', (error) => {
      this.drop(
        error.message === 'Keepalive timeout' ? silenceFault(client.keepalive * 1.5) : lossFault(firstError() ?? error),
      );
    });
  }

  /** Speaks MQTT on a connected socket. Never rejects; the socket is destroyed unless the outcome is `open`. */
  static open(
    socket: Socket,
    protocol: '5' | '3.1.1',
    options: LinkOptions,
    place: LinkPlace,
    ends: ConnectionEnds,
    signal: AbortSignal,
  ): Promise<Opening> {
    guardPackets(socket);
    const client = new MqttClient(() => socket, clientOptions(protocol, options));
    let firstError: unknown;
    socket.once('error', (error) => {
      firstError = error;
    });
    // An error in place of the acknowledgement lets mqtt.js go on with the next packet without having sent one: otherwise a handler that
    // publishes would wait for an acknowledgement that lies behind the message it handles.
    const later = new Error('acknowledged later');
    client.handleMessage = (packet, next) => {
      ends.arrived(arrivalOf(packet), packet.qos === 0 ? undefined : () => acknowledge(socket, packet.messageId ?? 0));
      next(packet.qos === 0 ? undefined : later);
    };
    return new Promise((resolve) => {
      const settle = (opening: Opening) => {
        client.off('connect', connected);
        client.off('error', failed);
        socket.off('close', closed);
        signal.removeEventListener('abort', stopped);
        if (opening.kind !== 'open') {
          client.on('error', () => undefined);
          socket.destroy();
        }
        resolve(opening);
      };
      const connected = (packet: IConnackPacket) => {
        const session = sessionOf(packet, protocol);
        settle({ kind: 'open', connection: new MqttConnection(client, socket, session, () => firstError) });
      };
      const failed = (error: Error & CodedError) => {
        if (typeof error.code === 'number') {
          const kind = error.code === 1 || error.code === 132 ? 'version-refused' : 'failed';
          settle({ kind, fault: connackFault(error.code) });
        } else if (typeof error.code === 'string') settle({ kind: 'failed', fault: connectFault(error, place) });
        // No CONNACK of this version could be read.
        else settle({ kind: 'version-refused', fault: connectFault(firstError ?? error, place) });
      };
      const closed = () => {
        const fault = connectFault(firstError, place);
        settle({ kind: firstError === undefined ? 'version-refused' : 'failed', fault });
      };
      const stopped = () =>
        settle({ kind: 'failed', fault: new AtalayaError('link-down', `${place.at} did not let us in in time`) });
      client.on('connect', connected);
      client.on('error', failed);
      socket.once('close', closed);
      signal.addEventListener('abort', stopped, { once: true });
      if (signal.aborted) stopped();
      else if (socket.destroyed) closed();
    });
  }

  get inFlight(): number {
    return this.#outstanding.size;
  }

  publish(topic: string, payload: Buffer | string, qos: 0 | 1, retain: boolean): Promise<void> {
    const most = this.session.maximumPacketSize;
    const size = Buffer.byteLength(topic) + Buffer.byteLength(payload) + publishOverhead;
    if (most !== undefined && size > most)
      return Promise.reject(
        new AtalayaError('link-refused', `${topic}: ${size} bytes, and the broker takes packets of ${most}`),
      );
    return this.#answered((done) => {
      this.#client.publish(topic, payload, { qos, retain }, (error) =>
        done(error && answerFault(error, (code) => pubackFault(topic, code))),
      );
    });
  }

  /** Rejects with `link-refused` where the broker refuses one of them, as far as it says so. */
  subscribe(filters: readonly string[]): Promise<void> {
    return this.#answered((done) => {
      this.#client.subscribe([...filters], { qos: 1 }, (error) => {
        const refused = () => new AtalayaError('link-refused', `the broker refuses to send us ${filters.join(', ')}`);
        done(error && answerFault(error, refused));
      });
    });
  }

  unsubscribe(filters: readonly string[]): Promise<void> {
    return this.#answered((done) => {
      this.#client.unsubscribe([...filters], (error) => done(error && answerFault(error, () => lossFault(error))));
    });
  }

  /** Takes leave, so that the broker forgets the will. */
  leave(): void {
    this.#leaving = true;
    this.#end ??= new AtalayaError('link-down', 'the link was closed');
    this.#socket.end(disconnectPacket);
  }

  /** Breaks off; the broker publishes the will. */
  drop(fault: AtalayaError): void {
    this.#end ??= fault;
    this.#socket.destroy();
  }

  #answered(ask: (done: (fault: AtalayaError | 'ended' | null | undefined) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined || this.#socket.destroyed)
        return reject(this.#end ?? new AtalayaError('link-down', 'the connection was lost'));
      this.#outstanding.add(reject);
      ask((fault) => {
        // mqtt.js calls back before it tells the reason of an end; after it everything is rejected with that.
        if (fault === 'ended' || !this.#outstanding.delete(reject)) return;
        if (fault) reject(fault);
        else resolve();
      });
    });
  }
}

function clientOptions(protocol: '5' | '3.1.1', options: LinkOptions) {
  const { clientId, keepAlive, sessionExpiry, will, receiveMaximum = usualWindow } = options;
  const properties = { sessionExpiryInterval: sessionExpiry, receiveMaximum, maximumPacketSize: longestPacket };
  return {
    protocolId: 'MQTT' as const,
    protocolVersion: protocol === '5' ? (5 as const) : (4 as const),
    clientId,
    clean: sessionExpiry === 0,
    keepalive: Math.max(1, Math.round(keepAlive)),
    reconnectPeriod: 0,
    // Ours comes first: this one is there because it cannot be left out.
    connectTimeout: 2 * options.connectDeadline,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: 'native' as const,
    outgoingStore: new NoStore(),
    ...(protocol === '5' ? { properties } : {}),
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1 as const, retain: will.retain } }),
  };
}

function sessionOf(packet: IConnackPacket, protocol: '5' | '3.1.1'): LinkSession {
  const { properties, sessionPresent } = packet;
  return {
    protocol,
    receiveMaximum: properties?.receiveMaximum ?? 65_535,
    maximumPacketSize: properties?.maximumPacketSize,
    // Of a broker of MQTT 5 that says nothing it is true (3.2.2.3.13).
    sharedSubscriptions: protocol === '5' ? (properties?.sharedSubscriptionAvailable ?? true) : undefined,
    resumed: sessionPresent,
  };
}

function arrivalOf({ topic, payload, retain, dup }: IPublishPacket): Arrival {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return { topic, payload: bytes, retained: retain, duplicate: dup };
}

/** PUBACK: four bytes that are the same in both versions, where all is well (MQTT 5, 3.4.2.1). */
function acknowledge(socket: Socket, messageId: number): void {
  if (!socket.destroyed) socket.write(Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff]));
}

/** What mqtt.js calls back with: a refusal that has a code, the end of the connection, or a mistake of ours. */
function answerFault(error: Error & CodedError, refused: (code: number) => AtalayaError): AtalayaError | 'ended' {
  if (error.message === 'Connection closed') return 'ended';
  const suback = 'packet' in error; // A refused subscription carries the answer in place of a code.
  if (typeof error.code === 'number' || suback) return refused(typeof error.code === 'number' ? error.code : 128);
  return lossFault(error);
}
