import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../../device/kernel/errors.ts';
import type { QueueName, Queues } from '../queues.ts';

export interface Sent {
  readonly queue: QueueName;
  readonly id: string;
  readonly payload: JsonValue;
}

/** Queues in memory, for tests of whatever uses some. */
export class MemoryQueues implements Queues {
  /** What was confirmed, in order; each as often as it was sent. */
  readonly sent: Sent[] = [];
  /** Nobody answers. */
  down = false;
  #closed = false;

  async send(queue: QueueName, id: string, payload: JsonValue): Promise<void> {
    if (this.down || this.#closed) throw new AtalayaError('queue-unavailable', 'these queues are switched off');
    this.sent.push({ queue, id, payload: JSON.parse(JSON.stringify(payload)) as JsonValue });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
