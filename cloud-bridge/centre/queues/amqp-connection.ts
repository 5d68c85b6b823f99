import { type ChannelModel, type ConfirmChannel, connect, credentials, type SocketOptions } from 'amqplib';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type Timer, withDeadline } from '../../../device/kernel/timer.ts';
import type { Milliseconds } from '../../../device/kernel/units.ts';
import { queueFault } from './amqp-faults.ts';
import { type QueueName, queueNames } from './queues.ts';

export interface AmqpPlace {
  /** `amqp://user:password@host:port/vhost`, or `amqps://`; without a user, the certificate says who we are. */
  readonly url: string;
  /** PEM. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly connectDeadline: Milliseconds;
  readonly confirmDeadline: Milliseconds;
  readonly timer: Timer;
}

/** Seconds after which a silent connection is asked for a sign of life; twice that and it is lost. */
const heartbeat = 20;

/** Host and port of an address, for messages. Throws `config-invalid` for what is none; the message does not repeat it. */
export function placeOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^amqps?:$/.test(parsed.protocol) || parsed.hostname === '')
    throw new AtalayaError('config-invalid', 'the address of the queues is none', {
      hint: 'Write it as amqps://user:password@host:5671/vhost.',
    });
  return parsed.host;
}

/** One connection with one channel on which every message is confirmed. Once it is lost it stays lost. */
export class AmqpConnection {
  /** Resolves with the reason when the connection or its channel has ended. */
  readonly lost: Promise<AtalayaError>;
  readonly #place: AmqpPlace;
  readonly #name: string;
  readonly #model: ChannelModel;
  readonly #channel: ConfirmChannel;
  /** What the broker has given back, for there was no queue of that name. */
  readonly #returned = new Set<string>();

  constructor(place: AmqpPlace, name: string, model: ChannelModel, channel: ConfirmChannel) {
    this.#place = place;
    this.#name = name;
    this.#model = model;
    this.#channel = channel;
    let reason: unknown = new Error('the broker has ended the connection');
    const remember = (error: Error) => {
      reason = error;
    };
    model.on('error', remember);
    channel.on('error', remember);
    channel.on('return', ({ fields, properties }) =>
      this.#returned.add(keyOf(fields.routingKey, properties.messageId)),
    );
    this.lost = new Promise((resolve) => {
      const over = (error?: unknown) => resolve(queueFault(error ?? reason, name));
      model.on('close', over);
      channel.on('close', () => over());
    });
  }

  /** Connects and makes the queues where they are missing. Throws `queue-unavailable`. */
  static async open(place: AmqpPlace): Promise<AmqpConnection> {
    const name = placeOf(place.url);
    let abandoned = false;
    const opening = connectTo(place).then((model) => {
      // A connection that comes after its deadline is nobody's.
      if (abandoned) void model.close().catch(() => undefined);
      return model;
    });
    try {
      const model = await withDeadline(opening, place.connectDeadline, 'the connection', place.timer);
      try {
        return await withDeadline(prepare(place, name, model), place.connectDeadline, 'making the queues', place.timer);
      } catch (error) {
        await leave(model, place);
        throw error;
      }
    } catch (error) {
      abandoned = true;
      throw queueFault(error, name);
    }
  }

  /** Resolves when the broker has confirmed it. Throws `queue-unavailable`. */
  async send(queue: QueueName, id: string, content: Buffer): Promise<void> {
    const confirmed = new Promise<void>((resolve, reject) => {
      const options = { persistent: true, mandatory: true, messageId: id, contentType: 'application/json' };
      this.#channel.sendToQueue(queue, content, options, (error: unknown) => {
        if (error !== null && error !== undefined) reject(error instanceof Error ? error : new Error(String(error)));
        else resolve();
      });
    });
    try {
      const { confirmDeadline, timer } = this.#place;
      await withDeadline(confirmed, confirmDeadline, `the confirmation on ${queue}`, timer);
    } catch (error) {
      throw queueFault(error, this.#name);
    }
    // What has no queue is given back, and confirmed nevertheless.
    if (!this.#returned.delete(keyOf(queue, id))) return;
    await this.close();
    throw new AtalayaError('queue-unavailable', `the queue ${queue} at ${this.#name} is gone`, {
      hint: 'It is made anew with the next connection.',
    });
  }

  close(): Promise<void> {
    return leave(this.#model, this.#place);
  }
}

async function connectTo({ url, ca, cert, key, connectDeadline }: AmqpPlace): Promise<ChannelModel> {
  const address = new URL(url);
  address.searchParams.set('heartbeat', String(heartbeat));
  const options: SocketOptions = {
    noDelay: true,
    keepAlive: true,
    timeout: connectDeadline,
    servername: address.hostname,
    clientProperties: { product: 'atalaya' },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(address.username === '' && cert !== undefined ? { credentials: credentials.external() } : {}),
  };
  const model = await connect(address.href, options);
  model.on('error', () => undefined);
  return model;
}

async function prepare(place: AmqpPlace, name: string, model: ChannelModel): Promise<AmqpConnection> {
  const channel = await model.createConfirmChannel();
  const connection = new AmqpConnection(place, name, model, channel);
  for (const queue of queueNames) await channel.assertQueue(queue, { durable: true });
  return connection;
}

async function leave(model: ChannelModel, { connectDeadline, timer }: AmqpPlace): Promise<void> {
  const closed = Promise.resolve().then(() => model.close());
  await withDeadline(closed, connectDeadline, 'the leave of the broker', timer).catch(() => undefined);
}

const keyOf = (queue: string, id: unknown): string => `${queue} ${String(id)}`;
