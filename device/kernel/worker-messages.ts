import type { AtalayaError, ErrorCode } from './errors.ts';

/** What passes between a thread that answers questions and whoever asks: `worker-client.ts` and `worker-server.ts`. */

/** A fault as plain data. */
export interface ThreadFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: AtalayaError['hint'];
}

/** After the start, which is the first message of all: questions, each answered once, and in the end the request to finish. */
export type ThreadRequest<Question> =
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'close' };

/** First of all `ready` with what the thread says of itself, or `refused`. */
export type ThreadAnswer<Ready, Answer> =
  | { readonly kind: 'ready'; readonly ready: Ready }
  | { readonly kind: 'refused'; readonly fault: ThreadFault }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: ThreadFault };
