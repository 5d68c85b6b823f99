import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Queues } from './queues.ts';

/** Where nobody else works with what comes in. Takes nothing: what was said to be sent would be nowhere. */
export class NoQueues implements Queues {
  async send(): Promise<void> {
    throw new AtalayaError('queue-unavailable', 'this centre has no queues', {
      hint: 'Name a broker of queues in the configuration of the bridge.',
    });
  }

  async close(): Promise<void> {}
}
