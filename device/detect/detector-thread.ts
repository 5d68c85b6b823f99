import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Picture } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { systemTimer, withDeadline } from '../kernel/timer.ts';
import { milliseconds } from '../kernel/units.ts';
import type { DetectAnswer, DetectRequest, DetectThreadStart, ThreadFault } from './detect-messages.ts';
import type { RegionDetections } from './merge-regions.ts';
import type { RegionView } from './region-view.ts';
import type { Region } from './sample.ts';

const OPEN_DEADLINE = milliseconds(60_000);
/** A thread that has not finished by then is stopped, whatever it computes. */
const CLOSE_DEADLINE = milliseconds(2_000);

/** What a region allocates in JavaScript is small and dies with it; V8's default would let the young generation grow to 48 MB. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

interface Pending {
  readonly resolve: (seen: RegionDetections) => void;
  readonly reject: (error: AtalayaError) => void;
}

/**
 * A thread that looks at regions, one after the other in the order in which they were asked for. Pictures are read in place, through
 * shared memory.
 *
 * When the thread dies, every region that waits and every later one rejects with `engine-failed`.
 */
export class DetectorThread implements RegionView {
  /** Library, version and precision of the engine. */
  readonly engine: string;
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #fault: AtalayaError | undefined;

  private constructor(worker: Worker, engine: string, onDeath: (fault: AtalayaError) => void) {
    this.#worker = worker;
    this.engine = engine;
    const died = (fault: AtalayaError) => {
      if (this.fail(fault)) onDeath(fault);
    };
    worker.on('message', (answer: DetectAnswer) => this.#settle(answer));
    worker.on('error', (cause) =>
      died(new AtalayaError('engine-failed', `the detector's thread failed: ${cause.message}`, { cause })),
    );
    this.#ended = new Promise((resolve) => {
      worker.on('exit', (code) => {
        died(new AtalayaError('engine-failed', "the detector's thread has ended"));
        resolve(code);
      });
    });
  }

  /**
   * Starts the thread and waits until the model is loaded. Throws what the engine was refused with, `engine-unavailable` where the thread
   * does not come up, `deadline-exceeded` where it says nothing for a minute. The bundle's files are handed over: they are empty here
   * afterwards. `onDeath` is called once where the thread ends without having been closed. `program` is what the thread runs.
   */
  static async open(
    start: DetectThreadStart,
    onDeath: (fault: AtalayaError) => void,
    program: URL = new URL('./detect-worker.ts', import.meta.url),
  ): Promise<DetectorThread> {
    const worker = new Worker(program, { resourceLimits });
    try {
      const answered = firstAnswer(worker);
      worker.postMessage(
        start,
        [...start.bundle.files.values()].map(({ buffer }) => buffer),
      );
      const first = await withDeadline(answered, OPEN_DEADLINE, "the detector's start", systemTimer);
      if (first.kind === 'ready') return new DetectorThread(worker, first.engine, onDeath);
      throw first.kind === 'refused'
        ? toError(first.fault)
        : new AtalayaError('internal', 'the detector answered out of turn');
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /** Regions that wait for their answer here. */
  get waiting(): number {
    return this.#pending.size;
  }

  view(picture: Picture, region: Region): Promise<RegionDetections> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ kind: 'view', id, picture, region } satisfies DetectRequest);
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
   * Resolves when the thread has ended. It finishes what it was asked before and closes its session. To stop it from outside is the last
   * resort: with onnxruntime-node 1.30 that seems able to end the whole process (`device/decisions/0006-*`).
   */
  async close(): Promise<void> {
    this.fail(new AtalayaError('engine-failed', 'the detector is closed'));
    this.#worker.postMessage({ kind: 'close' } satisfies DetectRequest);
    try {
      await withDeadline(this.#ended, CLOSE_DEADLINE, "the end of the detector's thread", systemTimer);
    } catch {
      await this.#worker.terminate();
    }
  }

  #settle(answer: DetectAnswer): void {
    if (answer.kind !== 'seen' && answer.kind !== 'failed') return;
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    if (answer.kind === 'seen') pending.resolve(answer.seen);
    else pending.reject(toError(answer.fault));
  }
}

/** What the thread says first; throws where it ends instead. */
async function firstAnswer(worker: Worker): Promise<DetectAnswer> {
  const settled = new AbortController();
  const { signal } = settled;
  const fail = (reason: string, details: { readonly cause?: unknown } = {}) =>
    new AtalayaError('engine-unavailable', `the detector's thread did not start: ${reason}`, details);
  try {
    const [answer] = await Promise.race([
      // `once` rejects with what the thread fails with.
      once(worker, 'message', { signal }) as Promise<[DetectAnswer]>,
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
