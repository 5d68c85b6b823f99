import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type Attempt, type Backoff, type Random, supervise } from '../../../device/kernel/supervise.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { AmqpConnection, type AmqpPlace, placeOf } from './amqp-connection.ts';
import { queueFault } from './amqp-faults.ts';
import type { QueueName, Queues } from './queues.ts';

export interface AmqpOptions extends AmqpPlace {
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff: Backoff;
  /** Told of each lost or failed connection, and of the wait before the next. */
  readonly onFault?: (fault: AtalayaError, wait: number) => void;
}

/** A live connection gives a sign of life so often; the first one ends the row of failures. */
const beatEvery = milliseconds(5_000);

/**
 * Queues on an AMQP 0-9-1 broker, durable, every message persistent and confirmed.
 *
 * The connection is kept up: lost, it is made again after a wait that grows and is drawn at random, until closed. Nothing is kept here:
 * what is not confirmed is rejected, and whoever sent it has it still.
 */
export class AmqpQueues implements Queues {
  readonly #options: AmqpOptions;
  readonly #name: string;
  readonly #stop = new AbortController();
  #connection: AmqpConnection | undefined;
  #fault: AtalayaError | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: AmqpOptions, name: string) {
    this.#options = options;
    this.#name = name;
  }

  /** Returns at once and connects by itself. Throws `config-invalid` for an address that is none. */
  static open(options: AmqpOptions): AmqpQueues {
    const queues = new AmqpQueues(options, placeOf(options.url));
    queues.#running = queues.#run();
    return queues;
  }

  /** Why nothing can be sent; undefined while it can. */
  get fault(): AtalayaError | undefined {
    return this.#connection === undefined ? (this.#fault ?? this.#unavailable('are not connected yet')) : undefined;
  }

  async send(queue: QueueName, id: string, payload: JsonValue): Promise<void> {
    const content = Buffer.from(JSON.stringify(payload));
    if (this.#connection === undefined) throw this.fault ?? this.#unavailable('are not connected');
    await this.#connection.send(queue, id, content);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, timer, random, backoff, connectDeadline, onFault } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        await supervise((attempt) => this.#attempt(attempt), {
          ...{ name: `the queues at ${this.#name}`, signal: this.#stop.signal, clock, timer, random, backoff },
          // To connect, to make the queues, to leave when that failed; then the beats.
          deadline: milliseconds(4 * connectDeadline + 2 * beatEvery),
          grace: milliseconds(4 * connectDeadline),
          onFault: (fault, wait) => {
            this.#fault = queueFault(fault, this.#name);
            onFault?.(this.#fault, wait);
          },
        });
      } catch (error) {
        // Not to be expected; but there is no other way to the queues.
        this.#fault = queueFault(error, this.#name);
        onFault?.(this.#fault, backoff.most);
        await timer.sleep(backoff.most, this.#stop.signal);
      }
    }
    this.#fault = this.#unavailable('were closed');
  }

  async #attempt({ signal, beat }: Attempt): Promise<void> {
    const connection = await AmqpConnection.open(this.#options);
    try {
      if (signal.aborted) return;
      this.#connection = connection;
      for (;;) {
        const rest = new AbortController();
        const wake = AbortSignal.any([signal, rest.signal]);
        const lost = await Promise.race([connection.lost, this.#options.timer.sleep(beatEvery, wake)]);
        rest.abort();
        if (signal.aborted) return;
        if (lost !== undefined) throw lost;
        beat();
      }
    } finally {
      this.#connection = undefined;
      await connection.close();
    }
  }

  #unavailable(why: string): AtalayaError {
    return new AtalayaError('queue-unavailable', `the queues at ${this.#name} ${why}`);
  }
}
