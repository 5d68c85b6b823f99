import type { Picture } from '../capture/frame.ts';
import type { AtalayaError } from '../kernel/errors.ts';
import { WorkerClient } from '../kernel/worker-client.ts';
import type { DetectQuestion, DetectReady, DetectThreadStart } from './detect-messages.ts';
import type { RegionDetections } from './merge-regions.ts';
import type { RegionView } from './region-view.ts';
import type { Region } from './sample.ts';

type Client = WorkerClient<DetectReady, DetectQuestion, RegionDetections>;

/**
 * A thread that looks at regions, one after the other in the order in which they were asked for. Pictures are read in place, through
 * shared memory.
 *
 * When the thread dies, every region that waits and every later one rejects with `engine-failed`.
 */
export class DetectorThread implements RegionView {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Starts the thread and waits until the model is loaded. Throws what the engine was refused with, and what `WorkerClient.open` throws.
   * The bundle's files are handed over: they are empty here afterwards. `onDeath` is called once where the thread ends without having been
   * closed. `program` is what the thread runs.
   */
  static async open(
    start: DetectThreadStart,
    onDeath: (fault: AtalayaError) => void,
    program: URL = new URL('./detect-worker.ts', import.meta.url),
  ): Promise<DetectorThread> {
    const handOver = [...start.bundle.files.values()].map(({ buffer }) => buffer);
    return new DetectorThread(await WorkerClient.open({ program, name: 'the detector', start, handOver, onDeath }));
  }

  /** Library, version and precision of the engine. */
  get engine(): string {
    return this.#client.ready;
  }

  /** Regions that wait for their answer here. */
  get waiting(): number {
    return this.#client.waiting;
  }

  view(picture: Picture, region: Region): Promise<RegionDetections> {
    return this.#client.ask({ picture, region });
  }

  /** Rejects what waits and what comes after. False where that was done before: the first reason stays. */
  fail(fault: AtalayaError): boolean {
    return this.#client.fail(fault);
  }

  /** Resolves when the thread has ended. It finishes what it was asked before and closes its session. */
  close(): Promise<void> {
    return this.#client.close();
  }
}
