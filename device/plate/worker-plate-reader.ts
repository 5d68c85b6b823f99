import { type Bundle, loadBundleFor } from '../../models/contract/bundle.ts';
import type { AnyManifest } from '../../models/contract/manifest.ts';
import type { ModelIdentity } from '../detect/detect-messages.ts';
import { carryFiles } from '../detect/engine/carried-bundle.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Milliseconds } from '../kernel/units.ts';
import { WorkerClient } from '../kernel/worker-client.ts';
import type { ReadSettings } from './crop-reader.ts';
import type { PlateFormat } from './formats/plate-format.ts';
import type { PlateReady, PlateThreadStart } from './plate-messages.ts';
import type { PlateReader, PlateSight, VehicleCrop } from './plate-reader.ts';

export interface WorkerPlateReaderOptions {
  /** Folder of the bundle that finds text (task `text-detection`). */
  readonly finder: string;
  /** Folders of the bundles that read it (task `text-recognition`), at least one; each text is read by all of them. */
  readonly readers: readonly string[];
  /** Processor threads that one inference uses. */
  readonly threads: number;
  /** The formats of the scene, in its order. */
  readonly formats: readonly PlateFormat[];
  readonly settings: ReadSettings;
  /** What the thread runs: `plate-worker.ts` unless told. */
  readonly program?: URL;
}

type Client = WorkerClient<PlateReady, VehicleCrop, PlateSight>;

/**
 * Reads plates on a worker thread, one crop after the other in the order in which they were asked for.
 *
 * A crop whose reading has begun and is not answered by the deadline rejects with `deadline-exceeded`, every one that waits when the
 * thread dies with `engine-failed`; after either the reader is dead and a new one has to be opened.
 */
export class WorkerPlateReader implements PlateReader {
  readonly models: readonly ModelIdentity[];
  /** Library, version and precision of the engine, finder first. */
  readonly engines: readonly string[];
  readonly #client: Client;
  readonly #deadline: Milliseconds;
  /** Through which the crops go to the thread, one at a time. */
  #shared = new Uint8Array(new SharedArrayBuffer(0));
  /** Settles with the question before; never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(client: Client, models: readonly ModelIdentity[], deadline: Milliseconds) {
    this.#client = client;
    this.models = models;
    this.engines = [client.ready.finder, ...client.ready.readers];
    this.#deadline = deadline;
  }

  /**
   * Loads and verifies the bundles, starts the thread and waits until it is ready. `deadline`: the longest that one crop may take. Throws
   * what a bundle or an engine was refused with, and what `WorkerClient.open` throws.
   */
  static async open(options: WorkerPlateReaderOptions, deadline: Milliseconds): Promise<WorkerPlateReader> {
    const { threads, formats, settings, program = new URL('./plate-worker.ts', import.meta.url) } = options;
    const finder = await loadBundleFor(options.finder, 'text-detection');
    const readers = await Promise.all(options.readers.map((folder) => loadBundleFor(folder, 'text-recognition')));
    if (readers.length === 0) throw new AtalayaError('config-invalid', 'no bundle is named that reads plates');
    const start: PlateThreadStart = {
      finder: await carryFiles(finder),
      readers: await Promise.all(readers.map((reader) => carryFiles(reader))),
      threads,
      formats,
      settings,
    };
    const client: Client = await WorkerClient.open({
      program,
      name: "the plates' reader",
      start,
      handOver: [start.finder, ...start.readers].flatMap(({ files }) =>
        [...files.values()].map(({ buffer }) => buffer),
      ),
      // Every question rejects by itself.
      onDeath: () => undefined,
    });
    return new WorkerPlateReader(client, [identityOf(finder), ...readers.map(identityOf)], deadline);
  }

  async read(crop: VehicleCrop): Promise<PlateSight> {
    // The deadline is the crop's own: it does not run while others are read.
    const turn = this.#last.then(() => this.#ask(crop));
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** The crop with its pixels where the thread sees them without another copy, until the next. */
  #handed(crop: VehicleCrop): VehicleCrop {
    const { data } = crop.pixels;
    if (this.#shared.length < data.length) this.#shared = new Uint8Array(new SharedArrayBuffer(data.length));
    const seen = this.#shared.subarray(0, data.length);
    seen.set(data);
    return { ...crop, pixels: { ...crop.pixels, data: seen } };
  }

  async #ask(crop: VehicleCrop): Promise<PlateSight> {
    const late = setTimeout(() => {
      this.#client.fail(
        new AtalayaError('deadline-exceeded', `no answer from the plates' reader for ${this.#deadline} ms`),
      );
    }, this.#deadline);
    try {
      return await this.#client.ask(this.#handed(crop));
    } finally {
      clearTimeout(late);
    }
  }
}

function identityOf({ manifest: { id, version }, sha256 }: Bundle<AnyManifest>): ModelIdentity {
  return { id, version, sha256 };
}
