import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { AtalayaError } from './errors.ts';
import { systemTimer, withDeadline } from './timer.ts';
import { milliseconds } from './units.ts';
import type { ThreadAnswer, ThreadFault, ThreadRequest } from './worker-messages.ts';

const OPEN_DEADLINE = milliseconds(60_000);
/** A thread that has not finished by then is stopped, whatever it computes. */
const CLOSE_DEADLINE = milliseconds(2_000);

/** What a question allocates in JavaScript is small and dies with it; V8's default would let the young generation grow to 48 MB. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: AtalayaError) => void;
}

export interface WorkerStart<Start> {
  /** What the thread runs: a program that calls `serveThread`. */
  readonly program: URL;
  /** What it is called in messages: `the detector`. */
  readonly name: string;
  /** Its first message. */
  readonly start: Start;
  /** Buffers of the start that are handed over: they are empty here afterwards. */
  readonly handOver: readonly ArrayBuffer[];
  /** Called once where the thread ends without having been closed. */
  readonly onDeath: (fault: AtalayaError) => void;
}

/**
 * A thread that answers questions, one after the other in the order in which they were asked.
 *
 * When the thread dies, every question that waits and every later one rejects with `engine-failed`.
 */
export class WorkerClient<Ready, Question, Answer> {
  /** What the thread said of itself. */
  readonly ready: Ready;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;
  readonly #pending = new Map<number, Pending<Answer>>();
  #nextId = 0;
  #fault: AtalayaError | undefined;

  private constructor(worker: Worker, ready: Ready, name: string, onDeath: (fault: AtalayaError) => void) {
    this.#worker = worker;
    this.#name = name;
    this.ready = ready;
    const died = (fault: AtalayaError) => {
      if (this.fail(fault)) onDeath(fault);
    };
    worker.on('message', (answer: ThreadAnswer<Ready, Answer>) => this.#settle(answer));
    worker.on('error', (cause) =>
      died(new AtalayaError('engine-failed', `${name}'s thread failed: ${cause.message}`, { cause })),
    );
    this.#ended = new Promise((resolve) => {
      worker.on('exit', (code) => {
        died(new AtalayaError('engine-failed', `${name}'s thread has ended`));
        resolve(code);
      });
    });
  }

  /**
   * Starts the thread and waits until it is ready. Throws what the thread refused with, `engine-unavailable` where it does not come up,
   * `deadline-exceeded` where it says nothing for a minute.
   */
  static async open<Start, Ready, Question, Answer>(
    options: WorkerStart<Start>,
  ): Promise<WorkerClient<Ready, Question, Answer>> {
    const { program, name, start, handOver, onDeath } = options;
    const worker = new Worker(program, { resourceLimits });
    try {
      const answered = firstAnswer<Ready, Answer>(worker, name);
      worker.postMessage(start, handOver);
      const first = await withDeadline(answered, OPEN_DEADLINE, `${name}'s start`, systemTimer);
      if (first.kind === 'ready') return new WorkerClient(worker, first.ready, name, onDeath);
      throw first.kind === 'refused'
        ? toError(first.fault)
        : new AtalayaError('internal', `${name} answered out of turn`);
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /** Questions that wait for their answer. */
  get waiting(): number {
    return this.#pending.size;
  }

  ask(question: Question): Promise<Answer> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ kind: 'ask', id, question } satisfies ThreadRequest<Question>);
    });
  }

  /** Rejects what waits and what comes after. False where that was done before: the first reason stays. */
  fail(fault: AtalayaError): boolean {
    if (this.#fault !== undefined) return false;
    this.#fault = fault;
    for (const { reject } of this.#pending.values()) reject(fault);
    this.#pending.clear();
    return true;
  }

  /**
   * Resolves when the thread has ended. It finishes what it was asked before and closes its sessions. To stop it from outside is the last
   * resort: with onnxruntime-node 1.30 that seems able to end the whole process (`device/decisions/0006-*`).
   */
  async close(): Promise<void> {
    this.fail(new AtalayaError('engine-failed', `${this.#name} is closed`));
    this.#worker.postMessage({ kind: 'close' } satisfies ThreadRequest<Question>);
    try {
      await withDeadline(this.#ended, CLOSE_DEADLINE, `the end of ${this.#name}'s thread`, systemTimer);
    } catch {
      await this.#worker.terminate();
    }
  }

  #settle(answer: ThreadAnswer<Ready, Answer>): void {
    if (answer.kind !== 'answered' && answer.kind !== 'failed') return;
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    if (answer.kind === 'answered') pending.resolve(answer.answer);
    else pending.reject(toError(answer.fault));
  }
}

/** What the thread says first; throws where it ends instead. */
async function firstAnswer<Ready, Answer>(worker: Worker, name: string): Promise<ThreadAnswer<Ready, Answer>> {
  const settled = new AbortController();
  const { signal } = settled;
  const fail = (reason: string, details: { readonly cause?: unknown } = {}) =>
    new AtalayaError('engine-unavailable', `${name}'s thread did not start: ${reason}`, details);
  try {
    const [answer] = await Promise.race([
      // `once` rejects with what the thread fails with.
      once(worker, 'message', { signal }) as Promise<[ThreadAnswer<Ready, Answer>]>,
      once(worker, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`it ended with code ${code}`))),
    ]);
    return answer;
  } catch (cause) {
    throw fail(cause instanceof Error ? cause.message : String(cause), { cause });
  } finally {
    settled.abort();
  }
}

function toError({ code, message, hint }: ThreadFault): AtalayaError {
  return new AtalayaError(code, message, hint === undefined ? {} : { hint });
}
