import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { isAtalayaError } from './errors.ts';
import type { ThreadAnswer, ThreadFault, ThreadRequest } from './worker-messages.ts';

/** What a thread does once it is started. */
export interface Service<Ready, Question, Answer> {
  /** What it says of itself. */
  readonly ready: Ready;
  /** One question at a time, in the order in which they were asked. */
  answer(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * Serves a `WorkerClient` from inside its thread: opens with the first message, answers questions one after the other, and lets the
 * thread end when it is asked to. What a question throws is that question's answer; nothing else depends on it.
 */
export async function serveThread<Start, Ready, Question, Answer>(
  port: MessagePort,
  open: (start: Start) => Promise<Service<Ready, Question, Answer>>,
): Promise<void> {
  const say = (message: ThreadAnswer<Ready, Answer>) => port.postMessage(message);
  let service: Service<Ready, Question, Answer>;
  try {
    const [start] = (await once(port, 'message')) as [Start];
    service = await open(start);
  } catch (error) {
    say({ kind: 'refused', fault: faultOf(error) });
    return;
  }
  say({ kind: 'ready', ready: service.ready });
  let turn: Promise<void> = Promise.resolve();
  port.on('message', (request: ThreadRequest<Question>) => {
    turn = turn.then(async () => {
      if (request.kind === 'close') {
        await service.close();
        // Nothing else holds the thread: it ends by itself.
        port.close();
        return;
      }
      const { id, question } = request;
      try {
        say({ kind: 'answered', id, answer: await service.answer(question) });
      } catch (error) {
        say({ kind: 'failed', id, fault: faultOf(error) });
      }
    });
  });
}

function faultOf(error: unknown): ThreadFault {
  if (isAtalayaError(error)) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'engine-failed', message: error instanceof Error ? error.message : String(error), hint: undefined };
}
