import type { ExecutionContext, SerialFn } from 'ava';
import { fault } from '../../../../device/kernel/testing/fault.ts';
import { type QueueName, type Queues, queueNames } from '../queues.ts';
import type { Sent } from './memory-queues.ts';

export interface OpenedQueues {
  readonly queues: Queues;
  /** What lies in a queue, in order; it is empty afterwards. */
  taken(queue: QueueName): Promise<readonly Sent[]>;
  /** The broker goes, and comes back. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}
export type OpenQueues = (t: ExecutionContext) => Promise<OpenedQueues | undefined>;

/** What all queues hold to. */
export function queuesContract(test: SerialFn, open: OpenQueues): void {
  const holds = (title: string, work: (t: ExecutionContext, opened: OpenedQueues) => Promise<void>) =>
    test(title, async (t) => {
      const opened = await open(t);
      if (opened !== undefined) return work(t, opened);
      t.log('skipped: no broker of queues is installed here');
      t.pass();
    });

  holds('what is sent lies in its queue, with its id, in order', async (t, { queues, taken }) => {
    for (const queue of queueNames) {
      const sent = Array.from({ length: 20 }, (_, i) => ({
        queue,
        id: `unit-1/alert/s/${i}`,
        payload: { i, text: 'ü\u0000"' },
      }));
      await Promise.all(sent.map(({ id, payload }) => queues.send(queue, id, payload)));
      t.deepEqual(await taken(queue), sent);
    }
  });

  holds(
    'what was confirmed survives the broker, and what was not is rejected',
    async (t, { queues, taken, cut, mend }) => {
      const confirmed: string[] = [];
      const sending = (async () => {
        for (let i = 0; ; i += 1) {
          await queues.send('report.generation', `report-${i}`, { i });
          confirmed.push(`report-${i}`);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      while (confirmed.length < 50) await new Promise((resolve) => setTimeout(resolve, 5));
      await cut();
      t.is((await fault(sending)).code, 'queue-unavailable');
      t.is((await fault(queues.send('report.generation', 'x', null))).code, 'queue-unavailable');
      await mend();
      // It comes back by itself.
      const again = async (left: number): Promise<void> => {
        try {
          await queues.send('report.generation', 'last', { last: true });
        } catch (error) {
          if (left === 0) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
          await again(left - 1);
        }
      };
      await again(200);
      const ids = new Set((await taken('report.generation')).map(({ id }) => id));
      t.deepEqual(
        [...confirmed, 'last'].filter((id) => !ids.has(id)),
        [],
      );
    },
  );

  holds('closed queues take nothing', async (t, { queues }) => {
    await queues.close();
    await queues.close();
    t.is((await fault(queues.send('config.updates', 'x', 1))).code, 'queue-unavailable');
  });
}
