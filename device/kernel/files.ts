import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, statfs, unlink } from 'node:fs/promises';
import { systemCode } from './errors.ts';

/**
 * The file operations that durability is made of, as a port: the code that must survive a full disk, a failing one and a pulled
 * plug does all its work through it, so that tests can produce each of these at each single operation.
 *
 * Failures are the system's own errors (`ENOSPC`, `EIO`, ...); whoever knows what the file was for names them.
 */
export interface Files {
  /**
   * `read`: an existing file. `update`: an existing file, read and written. `durable`: the same, but a write that has resolved is on
   * the medium, and as much of the metadata as it takes to read it back. `create`: read and written, made where it is missing,
   * emptied where it is not.
   */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes one folder; `EEXIST` where it stands already. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder, sorted; `ENOENT` where there is none. */
  list(path: string): Promise<readonly string[]>;
  /** Makes the names in a folder durable: what was created, renamed and removed there before the call. */
  syncFolder(path: string): Promise<void>;
  /** The file system that a path lies on. */
  space(path: string): Promise<Space>;
}

/** Bytes. */
export interface Space {
  /** What this user may still write. */
  readonly free: number;
  readonly total: number;
}

export type OpenMode = 'read' | 'update' | 'durable' | 'create';

export interface OpenFile {
  /** Writes all the bytes one after the other from `position` on, or throws with an unknown part of them written. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Makes the content durable, and as much of the metadata as it takes to read it back. */
  datasync(): Promise<void>;
  /** Makes content and metadata durable. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Fills `target` from `position` on; returns the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  size(): Promise<number>;
  close(): Promise<void>;
}

const flags: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  update: constants.O_RDWR,
  durable: constants.O_RDWR | constants.O_DSYNC,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
};

/** The files of this machine. */
export const systemFiles: Files = {
  open: async (path, mode) => new SystemFile(await open(path, flags[mode], 0o640)),
  rename,
  remove: unlink,
  makeFolder: async (path) => {
    await mkdir(path, 0o750);
  },
  list: async (path) => (await readdir(path)).sort(),
  syncFolder: async (path) => {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  space: async (path) => {
    const { bavail, blocks, bsize } = await statfs(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

class SystemFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    // A write may be short (a nearly full disk, a signal); going on at the rest brings out the reason.
    let rest = chunks.filter((chunk) => chunk.byteLength > 0);
    let at = position;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest as Uint8Array<ArrayBuffer>[], at);
      if (bytesWritten === 0) throw Object.assign(new Error('write made no progress'), { code: 'EIO' });
      at += bytesWritten;
      rest = skip(rest, bytesWritten);
    }
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.byteLength) {
      const { bytesRead } = await this.#handle.read(target, filled, target.byteLength - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function skip(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left >= chunk.byteLength) {
      left -= chunk.byteLength;
    } else {
      rest.push(chunk.subarray(left));
      left = 0;
    }
  }
  return rest;
}

/** The names in a folder, none where the folder is missing. */
export async function listIfThere(files: Files, path: string): Promise<readonly string[]> {
  try {
    return await files.list(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
