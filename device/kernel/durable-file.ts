import { dirname, resolve } from 'node:path';
import { AtalayaError, systemCode } from './errors.ts';
import type { Files, OpenFile } from './files.ts';

/**
 * The two ways in which Atalaya puts bytes on disk so that they are there after a power cut: a whole file replaced at once, and a
 * file that only grows. When a promise of this module has resolved, what it promised is on the medium.
 */

/** Ending of a file that is being written; whatever bears it after a crash was never finished and may be removed. */
export const partEnding = '.part';

/**
 * Replaces or creates a file at once: a reader, and a start after a power cut at any moment, sees the old content or the new one.
 *
 * The content goes to `path.part`, is fsynced and renamed, and the folder is fsynced. One writer per path at a time. On a fault
 * the part is removed where that still works, and the old content stands; throws `store-full` or `store-failed`.
 */
export async function writeWholeFile(files: Files, path: string, content: Uint8Array): Promise<void> {
  const part = `${path}${partEnding}`;
  try {
    await writePart(files, part, content);
    await files.rename(part, path);
    await files.syncFolder(dirname(path));
  } catch (error) {
    await files.remove(part).catch(() => undefined);
    throw storeFault(error, `cannot write ${path}`);
  }
}

/** Writes and fsyncs a file that is to be renamed to its place. Throws the system's own errors. */
export async function writePart(files: Files, part: string, content: Uint8Array): Promise<void> {
  const file = await files.open(part, 'create');
  try {
    await file.write([content], 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * The content of a file, or undefined where there is none. Throws `store-failed` where it cannot be read. Uses `scratch` where it is
 * large enough, for whoever reads many files one after the other and keeps none.
 */
export async function readWholeFile(files: Files, path: string, scratch?: Buffer): Promise<Buffer | undefined> {
  try {
    const file = await files.open(path, 'read');
    try {
      const size = await file.size();
      const content =
        scratch !== undefined && scratch.byteLength >= size ? scratch.subarray(0, size) : Buffer.allocUnsafe(size);
      return content.subarray(0, await file.read(content, 0));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, `cannot read ${path}`);
  }
}

/**
 * Makes a folder and those above it where they are missing, and makes their names durable; a folder that stands already too, since
 * whoever made it may have died before its name was.
 */
export async function makeFolders(files: Files, path: string): Promise<void> {
  const folder = resolve(path);
  const above = dirname(folder);
  if ((await makeFolder(files, folder)) === 'nothing-above') {
    await makeFolders(files, above);
    // There are places in which nobody can make any (proc(5)), and they say the same.
    if ((await makeFolder(files, folder)) === 'nothing-above')
      throw new AtalayaError('store-failed', `cannot make the folder ${folder}: nothing can be made in ${above}`);
  }
  try {
    await files.syncFolder(above);
  } catch (error) {
    // A folder above that this user may not read, or that lies where nothing can be synced (squashfs), was not made by us. EROFS is another
    // matter: a file system that gave up.
    if (!['EACCES', 'EINVAL'].includes(systemCode(error) ?? ''))
      throw storeFault(error, `cannot make the folder ${folder} durable`);
  }
}

async function makeFolder(files: Files, folder: string): Promise<'there' | 'nothing-above'> {
  try {
    await files.makeFolder(folder);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' && folder !== dirname(folder)) return 'nothing-above';
    if (code !== 'EEXIST') throw storeFault(error, `cannot make the folder ${folder}`);
  }
  return 'there';
}

/**
 * A file that grows at its end, each append on the medium before its promise resolves. One append at a time.
 *
 * An append is one write to a file that is opened for durable writes: a write and an fsync in one, and one way into the kernel
 * instead of two. It therefore fails as an fsync does: the page cache is left in a state that no later fsync can vouch for (Linux
 * marks the pages clean), so after the first fault nothing is tried again on the same file. What had been acknowledged stands before
 * `length`; what failed is cut off where the file still obeys, and may after a power cut be found nevertheless.
 */
export class AppendFile {
  readonly #file: OpenFile;
  readonly #path: string;
  #length: number;
  #fault: AtalayaError | undefined;

  constructor(file: OpenFile, path: string, length: number) {
    this.#file = file;
    this.#path = path;
    this.#length = length;
  }

  /** Opens an existing file whose content is good, and durable, up to `length` bytes. */
  static async open(files: Files, path: string, length: number): Promise<AppendFile> {
    try {
      return new AppendFile(await files.open(path, 'durable'), path, length);
    } catch (error) {
      throw storeFault(error, `cannot open ${path}`);
    }
  }

  /** Bytes that are durable. */
  get length(): number {
    return this.#length;
  }

  /** Appends and makes durable. Throws `store-full` or `store-failed`, from then on each time. */
  async append(content: Uint8Array): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    try {
      await this.#file.write([content], this.#length);
    } catch (error) {
      await this.#file.truncate(this.#length).catch(() => undefined);
      this.#fault = storeFault(
        error,
        `cannot append to ${this.#path} after byte ${this.#length}, where the next start looks what was written of it`,
      );
      throw this.#fault;
    }
    this.#length += content.byteLength;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The fault that a failed file operation is: `store-full` where space ran out, else `store-failed`. Faults of ours pass through. */
export function storeFault(error: unknown, what: string): AtalayaError {
  if (error instanceof AtalayaError) return error;
  const code = systemCode(error);
  if (code !== undefined && full.has(code)) {
    return new AtalayaError('store-full', `${what}: no space left (${code})`, {
      hint: 'Free space on the data disk and start again; everything acknowledged is kept.',
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new AtalayaError('store-failed', `${what}: ${reason}`, {
    hint:
      code === 'EROFS' || code === 'EACCES' || code === 'EPERM'
        ? 'Make the data folder writable for this user and start again.'
        : 'Check the data disk and start again; everything acknowledged is kept.',
    cause: error,
  });
}
