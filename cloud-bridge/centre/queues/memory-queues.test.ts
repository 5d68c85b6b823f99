import test from 'ava';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { NoQueues } from './no-queues.ts';
import { MemoryQueues } from './testing/memory-queues.ts';
import { queuesContract } from './testing/queues-contract.ts';

queuesContract(test.serial, async () => {
  const queues = new MemoryQueues();
  return {
    queues,
    taken: async (queue) => queues.sent.filter((sent) => sent.queue === queue),
    cut: async () => {
      queues.down = true;
    },
    mend: async () => {
      queues.down = false;
    },
  };
});

test('no queues take nothing', async (t) => {
  t.is((await fault(new NoQueues().send())).code, 'queue-unavailable');
});
