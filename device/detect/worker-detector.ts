import { loadBundle } from '../../models/contract/bundle.ts';
import type { Frame } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Milliseconds } from '../kernel/units.ts';
import type { ModelIdentity } from './detect-messages.ts';
import type { Detection } from './detection.ts';
import type { Detector } from './detector.ts';
import { DetectorThread } from './detector-thread.ts';
import { carryBundle } from './engine/carried-bundle.ts';
import { shareThreads } from './engine/share-threads.ts';
import { type DetectionSettings, RegionDetector } from './region-detector.ts';

export interface WorkerDetectorOptions {
  /** Folder of the model bundle. */
  readonly bundle: string;
  /** Processor threads used for inference, all together. */
  readonly threads: number;
  /**
   * Inference sessions that share these threads, each on a worker thread of its own; 1 unless told. Two answer more frames a second and take some
   * 35 MB more (`device/decisions/0006-*`).
   */
  readonly sessions?: number;
  readonly settings: DetectionSettings;
}

/**
 * Detects on worker threads: each region goes to the thread with the fewest in hand, and answers come in the order of the questions.
 *
 * A frame that is not answered by the deadline, and every one that waits when a thread dies, rejects (`deadline-exceeded`,
 * `engine-failed`); after that the detector is dead and a new one has to be opened.
 */
export class WorkerDetector implements Detector {
  /** Library, version and precision of the engine. */
  readonly engine: string;
  readonly model: ModelIdentity;
  readonly #threads: readonly DetectorThread[];
  readonly #detector: RegionDetector;
  readonly #deadline: Milliseconds;
  /** Settles with the question before; never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    threads: readonly [DetectorThread, ...DetectorThread[]],
    model: ModelIdentity,
    settings: DetectionSettings,
    deadline: Milliseconds,
  ) {
    this.#threads = threads;
    this.#detector = new RegionDetector({ view: (picture, region) => idlest(threads).view(picture, region) }, settings);
    this.engine = threads[0].engine;
    this.model = model;
    this.#deadline = deadline;
  }

  /**
   * Loads and verifies the bundle, starts the threads and waits until each is ready. Throws what the bundle or the engine was refused
   * with, `engine-unavailable` where a thread does not come up, `deadline-exceeded` where one says nothing for a minute.
   */
  static async open(options: WorkerDetectorOptions, deadline: Milliseconds): Promise<WorkerDetector> {
    const { settings, sessions = 1 } = options;
    const bundle = await loadBundle(options.bundle);
    const { fit, leastScore, overlap } = settings;
    const threads: DetectorThread[] = [];
    const onDeath = (fault: AtalayaError) => {
      for (const thread of threads) thread.fail(fault);
    };
    try {
      // One after the other: the memory that opening takes is free again for the next.
      for (const share of shareThreads(bundle.manifest.engine, { threads: options.threads, sessions })) {
        const start = { bundle: await carryBundle(bundle), threads: share, settings: { fit, leastScore, overlap } };
        threads.push(await DetectorThread.open(start, onDeath));
      }
      const [first, ...others] = threads;
      if (first === undefined) throw new AtalayaError('internal', 'a detector without threads');
      const { id, version } = bundle.manifest;
      return new WorkerDetector([first, ...others], { id, version, sha256: bundle.sha256 }, settings, deadline);
    } catch (error) {
      await Promise.all(threads.map((thread) => thread.close()));
      throw error;
    }
  }

  async detect(frame: Frame): Promise<readonly Detection[]> {
    const late = setTimeout(() => {
      this.#fail(new AtalayaError('deadline-exceeded', `no answer from the detector for ${this.#deadline} ms`));
    }, this.#deadline);
    const before = this.#last;
    const found = this.#detector.detect(frame.picture).finally(() => clearTimeout(late));
    // Without a value: it would hold the answers of every frame before.
    this.#last = Promise.allSettled([before, found]).then(() => undefined);
    await this.#last;
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #fail(fault: AtalayaError): void {
    for (const thread of this.#threads) thread.fail(fault);
  }
}

/** The thread with the fewest regions in hand; of several the first. */
function idlest(threads: readonly [DetectorThread, ...DetectorThread[]]): DetectorThread {
  return threads.reduce((best, thread) => (thread.waiting < best.waiting ? thread : best));
}
