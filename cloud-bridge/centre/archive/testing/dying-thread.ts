import { parentPort, threadId } from 'node:worker_threads';
import { serveThread } from '../../../../device/kernel/worker-server.ts';

/** A thread that dies of every second question that it is asked, and answers the first with its own number. */
if (parentPort !== null) {
  let asked = 0;
  await serveThread(parentPort, async () => ({
    ready: null,
    answer: async () => {
      asked += 1;
      if (asked === 2) process.exit(1);
      return threadId;
    },
    close: async () => undefined,
  }));
}
