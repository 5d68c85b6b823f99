import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type Random, supervise } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Alert } from '../../contract/events.ts';
import type { EventKind } from '../../contract/topics.ts';
import type { Archive } from '../archive/archive.ts';
import type { QueueName, Queues } from '../queues/queues.ts';

/** Queues in which other programs of the centre find an event. */
export function queuesOf(kind: EventKind, data: JsonValue): readonly QueueName[] {
  switch (kind) {
    case 'infraction':
      return ['infraction.detection', 'report.generation'];
    case 'alert':
      return (data as unknown as Alert).state === 'critical' ? ['notification.email'] : [];
    case 'audit':
    case 'count':
    case 'telemetry':
      return [];
  }
}

export interface ForwarderOptions {
  readonly archive: Pick<Archive, 'takeForwards' | 'forwarded'>;
  readonly queues: Queues;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: Log;
}

const most = 200;
const leaseMs = 60_000;
const idle = milliseconds(1000);

/** Hands events to the queues of other programs: each at least once, whatever ends in between. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #sent = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  get sent(): number {
    return this.#sent;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, random, log } = this.#options;
    await supervise(
      async (attempt) => {
        while (!attempt.signal.aborted) {
          attempt.beat();
          if (!(await this.#round())) await timer.sleep(idle, attempt.signal);
        }
      },
      {
        ...{ name: 'the forwarder', signal, clock, timer, random },
        backoff: { first: milliseconds(500), most: milliseconds(30_000) },
        deadline: milliseconds(120_000),
        grace: milliseconds(60_000),
        onFault: (error, wait) =>
          log.warn({ part: 'forwarder', error, waitMs: wait }, 'the queues take nothing; what is for them waits'),
      },
    );
  }

  /** True where something was sent. */
  async #round(): Promise<boolean> {
    const { archive, queues } = this.#options;
    const forwards = await archive.takeForwards(most, leaseMs);
    if (forwards.length === 0) return false;
    await Promise.all(
      forwards.map(async ({ queue, message, payload }) => queues.send(queue as QueueName, message, payload)),
    );
    await archive.forwarded(forwards.map(({ id }) => id));
    this.#sent += forwards.length;
    return true;
  }
}
