import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { storeFault } from '../../device/kernel/durable-file.ts';
import { type AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { Files, OpenFile } from '../../device/kernel/files.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import type { Milliseconds } from '../../device/kernel/units.ts';
import { MapFile, type Mapped } from './map-file.ts';
import { StepMap } from './step-map.ts';

/** When what has come is made durable: whichever is first. */
export interface Flushing {
  readonly bytes: number;
  readonly after: Milliseconds;
}

/** Of the unflushed bytes at which the next piece waits for the disk, so many times `Flushing.bytes`. */
const mostBehind = 8;
const readBytes = 1024 * 1024;

/**
 * A file that is not whole yet, and the map of what of it is durable.
 *
 * Guarantees: the map on the disk never claims a byte that was not made durable before; what a power cut takes are the pieces since the
 * last flush. After a fault of the disk every further call fails with it: no later sync can vouch for what an earlier one has lost.
 */
export class PartFile {
  readonly #data: OpenFile;
  readonly #mapFile: MapFile;
  readonly #map: StepMap;
  readonly #path: string;
  readonly #flushing: Flushing;
  readonly #timer: Timer;
  readonly #closed = new AbortController();
  /** Bytes that the map on the disk does not claim. */
  #behind = 0;
  #due: AbortController | undefined;
  #flushed: Promise<void> = Promise.resolve();
  #turn: Promise<void> = Promise.resolve();
  #fault: AtalayaError | undefined;

  constructor(
    parts: { readonly data: OpenFile; readonly mapFile: MapFile; readonly map: StepMap; readonly path: string },
    flushing: Flushing,
    timer: Timer,
  ) {
    this.#data = parts.data;
    this.#mapFile = parts.mapFile;
    this.#map = parts.map;
    this.#path = parts.path;
    this.#flushing = flushing;
    this.#timer = timer;
  }

  /** What is there of it is taken up; made where there is nothing. Throws `store-full`, `store-failed`. */
  static async open(
    files: Files,
    paths: { readonly data: string; readonly map: string },
    of: Mapped,
    flushing: Flushing,
    timer: Timer,
  ): Promise<PartFile> {
    try {
      const data = await openOrMake(files, paths.data);
      try {
        const { file, map } = await openMap(files, paths.map, of, await data.size());
        return new PartFile({ data, mapFile: file, map, path: paths.data }, flushing, timer);
      } catch (error) {
        await data.close();
        throw error;
      }
    } catch (error) {
      throw storeFault(error, `cannot open ${paths.data}`);
    }
  }

  /** What has come, durable or not. */
  get map(): Pick<StepMap, 'length' | 'done' | 'whole' | 'has'> {
    return this.#map;
  }

  /** Writes what is new of a piece; says how many bytes that was. Throws `store-full`, `store-failed`. */
  async take(offset: number, bytes: Uint8Array): Promise<number> {
    this.#check();
    try {
      await this.#data.write([bytes], offset);
    } catch (error) {
      throw this.#failed(error);
    }
    const fresh = this.#map.add(offset, bytes.byteLength);
    this.#behind += fresh;
    this.#flushInTime();
    if (this.#behind >= mostBehind * this.#flushing.bytes) await this.#flushed;
    this.#check();
    return fresh;
  }

  /** What has come is durable when it resolves, and so is that it is. Throws `store-full`, `store-failed`. */
  async flush(): Promise<void> {
    this.#due?.abort();
    await this.#flushed;
    await this.#flush();
    this.#check();
  }

  /** SHA-256 of the file as it can be read back; undefined where it was stopped. Throws `store-failed`. */
  async hash(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await hashOf(this.#data, this.#map.length, signal);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Does not flush. May be called after a fault. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#due?.abort();
    await this.#flushed;
    await this.#turn;
    await this.#data.close();
    await this.#mapFile.close();
  }

  /** One flush is on its way or waits for its time; it takes along whatever came before it began. */
  #flushInTime(): void {
    if (this.#behind >= this.#flushing.bytes) this.#due?.abort();
    if (this.#due !== undefined || this.#behind === 0) return;
    const due = new AbortController();
    this.#due = due;
    if (this.#behind >= this.#flushing.bytes) due.abort();
    this.#flushed = this.#timer.sleep(this.#flushing.after, due.signal).then(async () => {
      if (!this.#closed.signal.aborted) await this.#flush();
      this.#due = undefined;
      if (!this.#closed.signal.aborted && this.#fault === undefined) this.#flushInTime();
    });
  }

  /** One at a time. Never rejects. */
  #flush(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#flushOnce());
    return this.#turn;
  }

  async #flushOnce(): Promise<void> {
    if (this.#fault !== undefined || this.#behind === 0) return;
    // Pieces may come meanwhile: these are for the next one.
    const claimed = this.#map.copy();
    const taken = this.#behind;
    try {
      await this.#data.datasync();
      await this.#mapFile.write(claimed);
      this.#behind -= taken;
    } catch (error) {
      this.#failed(error);
    }
  }

  #check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  #failed(error: unknown): AtalayaError {
    this.#fault ??= storeFault(error, `cannot keep ${this.#path}`);
    return this.#fault;
  }
}

/** SHA-256 of the first `length` bytes; undefined where it was stopped, that of fewer bytes where the file is shorter. */
export async function hashOf(file: OpenFile, length: number, signal: AbortSignal): Promise<string | undefined> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(readBytes, Math.max(1, length)));
  for (let at = 0; at < length; ) {
    if (signal.aborted) return undefined;
    const read = await file.read(buffer.subarray(0, Math.min(buffer.byteLength, length - at)), at);
    if (read === 0) break;
    hash.update(buffer.subarray(0, read));
    at += read;
  }
  return hash.digest('hex');
}

async function openOrMake(files: Files, path: string): Promise<OpenFile> {
  try {
    return await files.open(path, 'update');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const file = await files.open(path, 'create');
    await files.syncFolder(dirname(path));
    return file;
  }
}

/** A map claims nothing beyond the end of its file: what it did is unsaid in both generations before anything is written there. */
async function openMap(
  files: Files,
  path: string,
  of: Mapped,
  size: number,
): Promise<{ readonly file: MapFile; readonly map: StepMap }> {
  const found = await MapFile.open(files, path, of);
  if (found === undefined) return { file: await MapFile.create(files, path, of), map: new StepMap(of.length) };
  const map = found.map.before(size);
  if (map.done < found.map.done) {
    await found.file.write(map);
    await found.file.write(map);
  }
  return { file: found.file, map };
}
