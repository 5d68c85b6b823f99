import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeFolders, partEnding, readWholeFile, storeFault, writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';
import { type Files, listIfThere, type OpenFile } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';
import { fileWork, overwriteWithZeros } from './file-work.ts';
import { FolderSyncs } from './folder-syncs.ts';

/** A blob by its content. */
export interface Blob {
  readonly sha256: string;
  readonly bytes: number;
}

/** Blobs are read in pieces of so many bytes. */
const readBytes = 256 * 1024;

/**
 * Files named by the SHA-256 of their content, `ab/abcd...`, in 256 folders.
 *
 * Guarantees: a put that has resolved is on the medium under its name; a blob never changes until it is removed; what `get` and
 * `stream` return has the hash that it was asked by. A blob that no journal entry names is a leftover of a seal that never
 * finished: it costs space and means nothing.
 */
export class BlobStore {
  readonly #files: Files;
  readonly #folder: string;
  readonly #syncs: FolderSyncs;
  readonly #putting = new Map<string, Promise<void>>();
  readonly #folders = new Map<string, Promise<void>>();
  #streams = 0;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
    this.#syncs = new FolderSyncs(files);
  }

  /** Makes the folder where it is missing, and removes what an earlier run was writing when it ended. Throws `store-failed`. */
  static async open(files: Files, folder: string): Promise<BlobStore> {
    await makeFolders(files, folder);
    try {
      const inner = await files.list(folder);
      const parts = inner.filter(isPart);
      for (const one of inner.filter(isInner)) {
        const names = await listIfThere(files, join(folder, one));
        parts.push(...names.filter(isPart).map((name) => join(one, name)));
      }
      for (const part of parts) await files.remove(join(folder, part));
    } catch (error) {
      throw storeFault(error, `cannot clear the folder ${folder}`);
    }
    return new BlobStore(files, folder);
  }

  /** Stores bytes. The same bytes again cost no space. Throws `store-full` or `store-failed`. */
  async put(content: Uint8Array): Promise<Blob> {
    const name = sha256(content);
    const before = this.#putting.get(name);
    const work = (before ?? Promise.resolve()).then(() => this.#put(name, content));
    this.#putting.set(name, work);
    try {
      await work;
    } finally {
      if (this.#putting.get(name) === work) this.#putting.delete(name);
    }
    return { sha256: name, bytes: content.byteLength };
  }

  /**
   * Stores bytes as they come, one chunk in memory: the next is asked for when this one is written. Until the end, when their hash
   * is known, they lie in a part, which is removed where anything fails. Throws `store-full`, `store-failed`, and what the chunks
   * throw.
   */
  async putStream(chunks: AsyncIterable<Uint8Array>): Promise<Blob> {
    this.#streams += 1;
    const part = join(this.#folder, `stream-${this.#streams}${partEnding}`);
    try {
      const blob = await this.#writePart(part, chunks);
      const path = this.path(blob.sha256);
      await this.#folderFor(path);
      await fileWork(this.#files.rename(part, path), `cannot write ${path}`);
      await this.#syncs.sync(dirname(path));
      return blob;
    } catch (error) {
      await this.#files.remove(part).catch(() => undefined);
      throw error;
    }
  }

  /** The bytes of a blob. Throws `store-damaged` where they are missing or are not those that were put. */
  async get(name: string): Promise<Buffer> {
    const content = await readWholeFile(this.#files, this.path(name));
    if (content === undefined) throw missing(name);
    if (sha256(content) !== name) throw changed(name);
    return content;
  }

  /**
   * The bytes of a blob, piece by piece. Throws `store-damaged` where they are missing, and at the end where they are not those that
   * were put: what came is good only when the end is reached.
   */
  async *stream(name: string): AsyncGenerator<Buffer, void, undefined> {
    const path = this.path(name);
    const file = await this.#openIfThere(path, 'read');
    if (file === undefined) throw missing(name);
    try {
      const hash = createHash('sha256');
      for (let at = 0; ; ) {
        const piece = Buffer.allocUnsafe(readBytes);
        const bytes = await fileWork(file.read(piece, at), `cannot read ${path}`);
        if (bytes === 0) break;
        at += bytes;
        hash.update(piece.subarray(0, bytes));
        yield piece.subarray(0, bytes);
      }
      if (hash.digest('hex') !== name) throw changed(name);
    } finally {
      await file.close();
    }
  }

  /** Bytes of a blob as it lies there, undefined where it is not; says nothing about what they are. Throws `store-failed`. */
  async size(name: string): Promise<number | undefined> {
    const path = this.path(name);
    const file = await this.#openIfThere(path, 'read');
    if (file === undefined) return undefined;
    try {
      return await fileWork(file.size(), `cannot read ${path}`);
    } finally {
      await file.close();
    }
  }

  /** Whether something lies under this name. Throws `store-failed`. */
  async has(name: string): Promise<boolean> {
    return (await this.size(name)) !== undefined;
  }

  /** Names of all blobs, sorted. Throws `store-failed`. */
  async list(): Promise<readonly string[]> {
    const names: string[] = [];
    try {
      for (const inner of (await listIfThere(this.#files, this.#folder)).filter(isInner)) {
        const there = await listIfThere(this.#files, join(this.#folder, inner));
        names.push(...there.filter((name) => isName(name) && name.startsWith(inner)));
      }
    } catch (error) {
      throw storeFault(error, `cannot read the folder ${this.#folder}`);
    }
    return names;
  }

  /**
   * Removes blobs. When it has resolved none of them is there, after a power cut neither; those that were missing already are made
   * durably so, as whoever removed them may have died before. Throws `store-failed`.
   */
  async remove(names: readonly string[]): Promise<void> {
    const folders = new Set<string>();
    await Promise.all(
      names.map(async (name) => {
        const path = this.path(name);
        folders.add(dirname(path));
        try {
          await this.#files.remove(path);
        } catch (error) {
          if (systemCode(error) !== 'ENOENT') throw storeFault(error, `cannot remove ${path}`);
        }
      }),
    );
    await Promise.all([...folders].map((folder) => this.#syncIfThere(folder)));
  }

  /**
   * Overwrites a blob in place with zeros, durably, then removes it durably. May be repeated after a fault or a power cut at any
   * point. On flash the controller may keep the old sectors for a while: what must not be recovered has to be worthless by itself.
   * Throws `store-failed`.
   */
  async shred(name: string): Promise<void> {
    const path = this.path(name);
    const file = await this.#openIfThere(path, 'update');
    if (file !== undefined) {
      try {
        await fileWork(overwriteWithZeros(file), `cannot overwrite ${path}`);
      } finally {
        await file.close();
      }
    }
    await this.remove([name]);
  }

  /** Where a blob lies, for a reader that checks the hash itself. */
  path(name: string): string {
    if (!isName(name)) throw new AtalayaError('internal', `${name} is not the name of a blob`);
    return join(this.#folder, name.slice(0, 2), name);
  }

  async #put(name: string, content: Uint8Array): Promise<void> {
    const path = this.path(name);
    await this.#folderFor(path);
    const there = await this.#read(path);
    if (there !== undefined && sha256(there) === name) {
      // It may have been renamed by a run that died before it made the name durable.
      await this.#syncs.sync(dirname(path));
      return;
    }
    await writeWholeFile(this.#files, path, content);
  }

  async #writePart(part: string, chunks: AsyncIterable<Uint8Array>): Promise<Blob> {
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await fileWork(this.#files.open(part, 'create'), `cannot write ${part}`);
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        await fileWork(file.write([chunk], bytes), `cannot write ${part}`);
        bytes += chunk.byteLength;
      }
      await fileWork(file.sync(), `cannot make ${part} durable`);
    } finally {
      await file.close();
    }
    return { sha256: hash.digest('hex'), bytes };
  }

  /** Makes the folder of a blob durable, once in the life of the store, before anything in it is. */
  #folderFor(path: string): Promise<void> {
    const folder = dirname(path);
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const making = this.#makeFolder(folder);
    this.#folders.set(folder, making);
    making.catch(() => this.#folders.delete(folder));
    return making;
  }

  async #makeFolder(folder: string): Promise<void> {
    try {
      await this.#files.makeFolder(folder);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw storeFault(error, `cannot make the folder ${folder}`);
    }
    // One that stands already too: whoever made it may have died before its name was durable.
    await this.#syncs.sync(this.#folder);
  }

  async #syncIfThere(folder: string): Promise<void> {
    try {
      await this.#syncs.sync(folder);
    } catch (error) {
      if (!(error instanceof AtalayaError) || systemCode(error.cause) !== 'ENOENT') throw error;
    }
  }

  async #openIfThere(path: string, mode: 'read' | 'update'): Promise<OpenFile | undefined> {
    try {
      return await this.#files.open(path, mode);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw storeFault(error, `cannot open ${path}`);
    }
  }

  async #read(path: string): Promise<Buffer | undefined> {
    try {
      return await readWholeFile(this.#files, path);
    } catch (error) {
      // Unreadable is as good as missing here: the good content is at hand and replaces it.
      if (error instanceof AtalayaError && systemCode(error.cause) === 'EIO') return undefined;
      throw error;
    }
  }
}

function missing(name: string): AtalayaError {
  return new AtalayaError('store-damaged', `the blob ${name} is missing`);
}

function changed(name: string): AtalayaError {
  return new AtalayaError('store-damaged', `the content of blob ${name} has changed`);
}

function isPart(name: string): boolean {
  return name.endsWith(partEnding);
}

function isInner(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name);
}

function isName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
