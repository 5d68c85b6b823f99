import { dirname, join } from 'node:path';
import { makeFolders, partEnding, readWholeFile, storeFault, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { type Files, listIfThere } from '../kernel/files.ts';
import { sha256 } from '../kernel/hash.ts';

/** A blob by its content. */
export interface Blob {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Files named by the SHA-256 of their content, `ab/abcd...`, in 256 folders.
 *
 * Guarantees: a put that has resolved is on the medium under its name; a blob never changes; what `get` returns has the hash that
 * it was asked by. A blob that no journal entry names is a leftover of a seal that never finished: it costs space and means nothing.
 */
export class BlobStore {
  readonly #files: Files;
  readonly #folder: string;
  readonly #putting = new Map<string, Promise<void>>();
  readonly #folders = new Map<string, Promise<void>>();

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Makes the folder where it is missing, and removes what an earlier run was writing when it ended. Throws `store-failed`. */
  static async open(files: Files, folder: string): Promise<BlobStore> {
    await makeFolders(files, folder);
    try {
      for (const inner of await files.list(folder)) {
        for (const name of await listIfThere(files, join(folder, inner))) {
          if (name.endsWith(partEnding)) await files.remove(join(folder, inner, name)).catch(() => undefined);
        }
      }
    } catch (error) {
      throw storeFault(error, `cannot read the folder ${folder}`);
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

  /** The bytes of a blob. Throws `store-damaged` where they are missing or are not those that were put. */
  async get(name: string): Promise<Buffer> {
    const content = await readWholeFile(this.#files, this.path(name));
    if (content === undefined) throw new AtalayaError('store-damaged', `the blob ${name} is missing`);
    if (sha256(content) !== name) throw new AtalayaError('store-damaged', `the content of blob ${name} has changed`);
    return content;
  }

  /** Where a blob lies, for a reader that checks the hash itself. */
  path(name: string): string {
    if (!/^[0-9a-f]{64}$/.test(name)) throw new AtalayaError('internal', `${name} is not the name of a blob`);
    return join(this.#folder, name.slice(0, 2), name);
  }

  async #put(name: string, content: Uint8Array): Promise<void> {
    const path = this.path(name);
    await this.#folderFor(path);
    const there = await this.#read(path);
    if (there !== undefined && sha256(there) === name) {
      // It may have been renamed by a run that died before it made the name durable.
      await this.#files.syncFolder(dirname(path)).catch((error: unknown) => {
        throw storeFault(error, `cannot make ${path} durable`);
      });
      return;
    }
    await writeWholeFile(this.#files, path, content);
  }

  /** Makes the folder of a blob durable, once in the life of the store, before anything in it is. */
  #folderFor(path: string): Promise<void> {
    const folder = dirname(path);
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const making = makeFolders(this.#files, folder);
    this.#folders.set(folder, making);
    making.catch(() => this.#folders.delete(folder));
    return making;
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
