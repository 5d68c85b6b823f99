import { Worker } from 'node:worker_threads';
import type { Frame } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { systemTimer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { DetectAnswer, DetectRequest, DetectWorkerStart, ModelIdentity, WorkerFault } from './detect-messages.ts';
import type { Detection } from './detection.ts';
import type { Detector } from './detector.ts';

const OPEN_DEADLINE = milliseconds(60_000);

interface Pending {
  readonly resolve: (detections: readonly Detection[]) => void;
  readonly reject: (error: AtalayaError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Detects on a worker thread. Pictures are read in place, through shared memory.
 *
 * A request that is not answered by the deadline, and every one that waits when the thread dies, rejects (`deadline-exceeded`,
 * `engine-failed`); after that the detector is dead and a new one has to be opened.
 */
export class WorkerDetector implements Detector {
  /** Library, version and precision of the engine. */
  readonly engine: string;
  readonly model: ModelIdentity;
  readonly #worker: Worker;
  readonly #deadline: Milliseconds;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #fault: AtalayaError | undefined;

  private constructor(worker: Worker, engine: string, model: ModelIdentity, deadline: Milliseconds) {
    this.#worker = worker;
    this.engine = engine;
    this.model = model;
    this.#deadline = deadline;
    worker.on('message', (answer: DetectAnswer) => this.#settle(answer));
    worker.on('error', (error) =>
      this.#fail(new AtalayaError('engine-failed', `the detector's thread failed: ${error.message}`, { cause: error })),
    );
    worker.on('exit', () => this.#fail(new AtalayaError('engine-failed', "the detector's thread has ended")));
  }

  /**
   * Starts the thread and waits until the model is loaded and verified. Throws what the bundle or the engine was refused with,
   * `engine-unavailable` where the thread does not come up, `deadline-exceeded` where it says nothing for a minute.
   */
  static async open(start: DetectWorkerStart, deadline: Milliseconds): Promise<WorkerDetector> {
    const worker = new Worker(new URL('./detect-worker.ts', import.meta.url), { workerData: start });
    try {
      const first = await withDeadline(firstAnswer(worker), OPEN_DEADLINE, "the detector's start", systemTimer);
      if (first.kind === 'ready') return new WorkerDetector(worker, first.engine, first.model, deadline);
      throw first.kind === 'refused'
        ? toError(first.fault)
        : new AtalayaError('internal', 'the detector answered out of turn');
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  detect(frame: Frame): Promise<readonly Detection[]> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(new AtalayaError('deadline-exceeded', `no answer from the detector for ${this.#deadline} ms`));
      }, this.#deadline);
      this.#pending.set(id, { resolve, reject, timer });
      this.#worker.postMessage({ id, picture: frame.picture } satisfies DetectRequest);
    });
  }

  async close(): Promise<void> {
    this.#fail(new AtalayaError('engine-failed', 'the detector is closed'));
    await this.#worker.terminate();
  }

  #settle(answer: DetectAnswer): void {
    if (answer.kind !== 'detections' && answer.kind !== 'failed') return;
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    clearTimeout(pending.timer);
    if (answer.kind === 'detections') pending.resolve(answer.detections);
    else pending.reject(toError(answer.fault));
  }

  #fail(error: AtalayaError): void {
    this.#fault ??= error;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#fault);
    }
    this.#pending.clear();
  }
}

/** What the thread says first; throws where it ends instead. */
function firstAnswer(worker: Worker): Promise<DetectAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, details: { readonly cause?: unknown } = {}) =>
      reject(new AtalayaError('engine-unavailable', `the detector's thread did not start: ${reason}`, details));
    worker.once('message', resolve);
    worker.once('error', (cause) => fail(cause.message, { cause }));
    worker.once('exit', (code) => fail(`it ended with code ${code}`));
  });
}

function toError({ code, message, hint }: WorkerFault): AtalayaError {
  return new AtalayaError(code, message, hint === undefined ? {} : { hint });
}
