import { makeFolders, storeFault } from '../../device/kernel/durable-file.ts';
import { isAtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../device/kernel/files.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { seconds, toMilliseconds } from '../../device/kernel/units.ts';
import type { UpdateDownloads, UpdateSource } from '../contract/parts.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import { targetPath } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { CheckedSink } from './checked-sink.ts';
import { MapFile } from './map-file.ts';
import { type Flushing, hashOf, PartFile } from './part-file.ts';

export interface DownloadsOptions {
  readonly files: Files;
  /** Made where it is missing; nothing else lies in it. */
  readonly folder: string;
  readonly timer: Timer;
  /** 1 MiB or 5 seconds where absent. */
  readonly flushing?: Flushing;
}

type FetchOptions = Parameters<UpdateDownloads['fetch']>[2];
type Fetched = Awaited<ReturnType<UpdateDownloads['fetch']>>;

const usualFlushing: Flushing = { bytes: 1024 * 1024, after: toMilliseconds(seconds(5)) };
/** What else the disk has to have besides the file: the map, and room for whoever writes beside us. */
const spareBytes = 1024 * 1024;

/**
 * Targets in a folder: `SHA256.part` and `SHA256.map` while they come, `SHA256.whole` when length and hash were found to be those of the
 * target.
 *
 * Guarantees: a download that is cut at any operation goes on at the last flush, from whatever source; only a map of which no generation
 * can be read, or a hash that is wrong at the end, begins it from zero. A file at the path that `fetch` gives was hashed as it can be read
 * back, in that call.
 */
export class Downloads implements UpdateDownloads {
  readonly #options: DownloadsOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  async have(target: Target): Promise<number> {
    const { files } = this.#options;
    const { data, map, whole } = this.#paths(target.sha256);
    try {
      if ((await sizeIfThere(files, whole)) === target.length) return target.length;
      const size = await sizeIfThere(files, data);
      const found = size === undefined ? undefined : await MapFile.open(files, map, target);
      await found?.file.close();
      return found?.map.before(size ?? 0).done ?? 0;
    } catch (error) {
      throw storeFault(error, `cannot look for ${target.target}`);
    }
  }

  /** One after the other. */
  fetch(target: Target, source: UpdateSource, options: FetchOptions): Promise<Fetched> {
    return this.#alone(() => this.#fetch(target, source, options));
  }

  keepOnly(targets: readonly Target[]): Promise<void> {
    return this.#alone(async () => {
      const { files, folder } = this.#options;
      const kept = new Set(targets.map(({ sha256 }) => sha256));
      try {
        const litter = (await listIfThere(files, folder)).filter((name) => !kept.has(name.split('.')[0] ?? ''));
        for (const name of litter) await files.remove(`${folder}/${name}`);
        if (litter.length > 0) await files.syncFolder(folder);
      } catch (error) {
        throw storeFault(error, `cannot clear ${folder}`);
      }
    });
  }

  async #fetch(target: Target, source: UpdateSource, options: FetchOptions): Promise<Fetched> {
    const { files, folder, timer, flushing = usualFlushing } = this.#options;
    const paths = this.#paths(target.sha256);
    await makeFolders(files, folder);
    const stored = await this.#stored(target, options.signal);
    if (stored !== undefined) return stored;
    const part = await PartFile.open(files, paths, target, flushing, timer);
    const had = part.map.done;
    let outcome: UpdateRefused | 'stopped' | 'whole';
    try {
      outcome = await this.#complete(part, target, source, options);
    } finally {
      await part.close();
    }
    if (outcome === 'stopped') return { kind: 'stopped' };
    if (outcome === 'whole') {
      await this.#rename(paths);
      return { kind: 'complete', path: paths.whole };
    }
    if (outcome.code !== 'target-hash') return outcome;
    await this.#throwAway(paths);
    // Part of it was there before, of another source perhaps: that does not speak against this one.
    return had === 0 ? outcome : this.#fetch(target, source, options);
  }

  /** Fetches what is missing, and says what the file then is. */
  async #complete(
    part: PartFile,
    target: Target,
    source: UpdateSource,
    options: FetchOptions,
  ): Promise<UpdateRefused | 'stopped' | 'whole'> {
    if (!part.map.whole) {
      const missing = target.length - part.map.done;
      const { free } = await this.#options.files.space(this.#options.folder).catch((error: unknown) => {
        throw storeFault(error, `cannot tell the room in ${this.#options.folder}`);
      });
      if (free < missing + spareBytes)
        return refusedUpdate('no-room', `${target.target} needs ${missing} bytes more, and ${free} are free`);
      const refused = await this.#bring(part, target, source, options);
      if (refused !== undefined) return refused;
      if (!part.map.whole) {
        if (options.signal.aborted) return 'stopped';
        const detail = `${source.name} gave ${part.map.done} bytes of ${target.target}, which has ${target.length}`;
        return refusedUpdate('target-truncated', detail);
      }
    }
    const found = await part.hash(options.signal);
    if (found === undefined) return 'stopped';
    if (found === target.sha256) return 'whole';
    return refusedUpdate('target-hash', `${target.target} from ${source.name} has the SHA-256 ${found}`);
  }

  /** What has come is durable when it returns or throws. */
  async #bring(
    part: PartFile,
    target: Target,
    source: UpdateSource,
    { signal, rate, progress }: FetchOptions,
  ): Promise<UpdateRefused | undefined> {
    const sink = new CheckedSink(part, target, source.name, progress);
    const wanted = { length: target.length, wants: (offset: number) => !part.map.has(offset), rate };
    progress(part.map.done);
    try {
      await source.blocks(targetPath(target), wanted, sink, AbortSignal.any([signal, sink.signal]));
    } catch (error) {
      if (sink.refused === undefined) {
        if (isAtalayaError(error, 'document-refused'))
          return refusedUpdate('target-absent', `${source.name} has no ${target.target}: ${error.message}`);
        throw error;
      }
    } finally {
      await part.flush();
    }
    return sink.refused;
  }

  /** The whole file of an earlier call; what is no longer what it was is thrown away. */
  async #stored(target: Target, signal: AbortSignal): Promise<Fetched | undefined> {
    const { files, folder } = this.#options;
    const paths = this.#paths(target.sha256);
    try {
      const size = await sizeIfThere(files, paths.whole);
      if (size === undefined) return undefined;
      const file = await files.open(paths.whole, 'read');
      const found = await hashOf(file, size, signal).finally(() => file.close());
      if (found === undefined) return { kind: 'stopped' };
      if (size === target.length && found === target.sha256) return { kind: 'complete', path: paths.whole };
      await files.remove(paths.whole);
      await files.syncFolder(folder);
      return undefined;
    } catch (error) {
      throw storeFault(error, `cannot read ${paths.whole}`);
    }
  }

  async #rename({ data, map, whole }: Paths): Promise<void> {
    const { files, folder } = this.#options;
    try {
      await files.rename(data, whole);
      await files.syncFolder(folder);
      await files.remove(map);
    } catch (error) {
      throw storeFault(error, `cannot name ${whole}`);
    }
  }

  /** The map first: it must not stand for a file that is another. */
  async #throwAway({ data, map }: Paths): Promise<void> {
    const { files, folder } = this.#options;
    try {
      await files.remove(map);
      await files.syncFolder(folder);
      await files.remove(data);
      await files.syncFolder(folder);
    } catch (error) {
      throw storeFault(error, `cannot throw ${data} away`);
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #paths(sha256: string): Paths {
    const start = `${this.#options.folder}/${sha256}`;
    return { data: `${start}.part`, map: `${start}.map`, whole: `${start}.whole` };
  }
}

interface Paths {
  readonly data: string;
  readonly map: string;
  readonly whole: string;
}

/** Undefined where there is none. Throws the system's own errors. */
async function sizeIfThere(files: Files, path: string): Promise<number | undefined> {
  try {
    const file = await files.open(path, 'read');
    return await file.size().finally(() => file.close());
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
