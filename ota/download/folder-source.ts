import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import type { BlockSink, BlockWishes, UpdateSource } from '../contract/parts.ts';
import { isRepositoryPath } from '../contract/repository.ts';
import { type MediumFile, openMediumFile } from './medium-file.ts';
import { wantedRuns } from './wanted-runs.ts';

export interface FolderSourceOptions {
  /** Holds `image`, `director` and `targets`, or will when the medium is there. */
  readonly folder: string;
  readonly timer: Timer;
  /** Opens a file by its path in the layout; undefined where there is none. For tests. */
  readonly open?: (folder: string, path: string) => Promise<MediumFile | undefined>;
}

/** Bytes that are read at once. */
const runBytes = 1024 * 1024;
/** A rate of zero is looked at again after it. */
const pause = milliseconds(1000);

/**
 * An update in a folder: on a stick, or wherever a technician has put it. Nothing of it is believed: a path of another form is not asked
 * for, and only a regular file that lies there itself is read, and no more of it than is wanted.
 */
export class FolderSource implements UpdateSource {
  readonly #options: FolderSourceOptions;

  constructor(options: FolderSourceOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.folder;
  }

  async metadata(path: string, most: number): Promise<Buffer | undefined> {
    const file = await this.#open(path);
    if (file === undefined) return undefined;
    try {
      if (file.length > most)
        throw new AtalayaError('document-refused', `${path} has ${file.length} bytes, and ${most} is the most`);
      const content = Buffer.alloc(file.length);
      return content.subarray(0, await this.#read(file, path, content, 0));
    } finally {
      await file.close();
    }
  }

  async blocks(path: string, wanted: BlockWishes, sink: BlockSink, signal: AbortSignal): Promise<void> {
    const file = await this.#open(path);
    if (file === undefined) throw new AtalayaError('document-refused', `there is no ${path} in ${this.name}`);
    try {
      sink.lengthIs(file.length);
      if (file.length !== wanted.length) return;
      const buffer = Buffer.allocUnsafe(runBytes);
      for (const { offset, length } of wantedRuns(wanted, runBytes)) {
        if (!(await this.#paced(wanted, length, signal))) return;
        const read = await this.#read(file, path, buffer.subarray(0, length), offset);
        if (read > 0) await sink.take(offset, buffer.subarray(0, read));
        // It has become shorter than it was.
        if (read < length) return;
      }
    } finally {
      await file.close();
    }
  }

  /** Waits as the rate demands; false where it was stopped. */
  async #paced({ rate }: BlockWishes, bytes: number, signal: AbortSignal): Promise<boolean> {
    for (let left = bytes; left > 0 && !signal.aborted; ) {
      const now = rate();
      if (now === undefined) break;
      if (now > 0) {
        const portion = Math.min(left, now);
        await this.#options.timer.sleep(milliseconds((1000 * portion) / now), signal);
        left -= portion;
      } else await this.#options.timer.sleep(pause, signal);
    }
    return !signal.aborted;
  }

  async #open(path: string): Promise<MediumFile | undefined> {
    if (!isRepositoryPath(path)) throw new AtalayaError('document-refused', 'this is no path of a repository');
    const { folder, open = openMediumFile } = this.#options;
    try {
      return await open(folder, path);
    } catch (error) {
      throw this.#gone(error, path);
    }
  }

  async #read(file: MediumFile, path: string, target: Buffer, position: number): Promise<number> {
    try {
      return await file.read(target, position);
    } catch (error) {
      throw this.#gone(error, path);
    }
  }

  /** A medium that was pulled out is put in again, and one that has bad spots is another time read well. */
  #gone(cause: unknown, path: string): AtalayaError {
    const what = systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    return new AtalayaError('link-down', `cannot read ${path} in ${this.name}: ${what}`, {
      hint: 'Put the medium in again, or another copy of it.',
      cause,
    });
  }
}
