import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeFolders, readWholeFile, storeFault } from '../../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import type { Files, OpenFile } from '../../../device/kernel/files.ts';
import { blockBytes } from '../../contract/topics.ts';
import { checkBlock, lacking, levelsOf, mismatch, titleOf, wrongBlock } from './blob-form.ts';
import type { BlobName, Blobs } from './blobs.ts';
import { blockRecord, readBlockLog } from './block-log.ts';

/** Finished files are read in pieces of so many bytes. */
const pieceBytes = 4 * blockBytes;

/** A file that is not finished. */
interface Arriving {
  /** Length of each durable block. */
  readonly blocks: Map<number, number>;
  /** Bytes of the log that are good. */
  logged: number;
}

/**
 * Blobs as files, `FOLDER/unit/evidence/file`, for one program at a time.
 *
 * What is not finished lies beside them under names that no file of evidence has: `.file.data` with the blocks in their places, and
 * `.file.blocks`, which says which of them are durable. A block is written durably first and noted then, so after a power cut at any
 * moment what is noted is there. To finish is to rename the data.
 */
export class FolderBlobs implements Blobs {
  readonly #files: Files;
  readonly #folder: string;
  readonly #arriving = new Map<string, Arriving>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #folders = new Set<string>();

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Makes the folder where it is missing. Throws `store-full`, `store-failed`. */
  static async open(folder: string, { files }: { readonly files: Files }): Promise<FolderBlobs> {
    await makeFolders(files, folder);
    return new FolderBlobs(files, folder);
  }

  blocks(name: BlobName): Promise<ReadonlySet<number>> {
    const paths = this.#paths(name);
    return this.#inTurn(paths, async () => {
      if ((await this.#sizeOf(paths.finished)) !== undefined) return new Set<number>();
      return new Set((await this.#load(name, paths)).blocks.keys());
    });
  }

  write(name: BlobName, block: number, content: Uint8Array): Promise<void> {
    checkBlock(block, content);
    const paths = this.#paths(name);
    return this.#inTurn(paths, async () => {
      if ((await this.#sizeOf(paths.finished)) !== undefined) return;
      const arriving = await this.#load(name, paths);
      if (arriving.blocks.has(block)) return;
      await this.#makeFolder(dirname(paths.data));
      await this.#append(paths.data, content, block * blockBytes);
      await this.#append(paths.log, blockRecord(titleOf(name), block, content.byteLength), arriving.logged);
      arriving.logged += blockRecord(titleOf(name), block, content.byteLength).byteLength;
      arriving.blocks.set(block, content.byteLength);
    });
  }

  finish(name: BlobName, expected: { readonly bytes: number; readonly sha256: string }): Promise<void> {
    const paths = this.#paths(name);
    return this.#inTurn(paths, async () => {
      const there = await this.#sizeOf(paths.finished);
      if (there !== undefined) {
        if (there !== expected.bytes || (await this.#hashOf(paths.finished)) !== expected.sha256)
          throw mismatch(name, 'is finished, and is another one');
        // Whoever renamed it may have died before that was durable.
        return this.#settle(paths);
      }
      const { blocks } = await this.#load(name, paths);
      const lack = lacking(blocks, expected.bytes);
      if (lack !== undefined) throw mismatch(name, lack);
      if (expected.bytes === 0) await this.#makeEmpty(paths.data);
      const wrong = await this.#wrong(blocks, paths, expected);
      if (wrong !== undefined) {
        await this.#discard(paths);
        throw mismatch(name, wrong);
      }
      await this.#act(() => this.#files.rename(paths.data, paths.finished), `cannot finish ${paths.finished}`);
      await this.#settle(paths);
    });
  }

  async finished(name: BlobName): Promise<boolean> {
    return (await this.#sizeOf(this.#paths(name).finished)) !== undefined;
  }

  async read(name: BlobName): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { finished } = this.#paths(name);
    const file = await this.#openIfThere(finished);
    return file === undefined ? undefined : this.#pieces(file, finished);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#turns.values());
  }

  /** What is there of a file, from memory or from its log. */
  async #load(name: BlobName, paths: Paths): Promise<Arriving> {
    const known = this.#arriving.get(paths.finished);
    if (known !== undefined) return known;
    const log = await readWholeFile(this.#files, paths.log);
    const data = await this.#sizeOf(paths.data);
    // Without its data a log is what a discard has left when it was cut short: none of it may come true again.
    if (data === undefined && log !== undefined) {
      await this.#remove(paths.log);
      await this.#sync(dirname(paths.log));
    }
    const { blocks, good } = readBlockLog(titleOf(name), (data === undefined ? undefined : log) ?? Buffer.alloc(0));
    const arriving = { blocks, logged: good };
    this.#arriving.set(paths.finished, arriving);
    return arriving;
  }

  /** Why the blocks, all of which are there, are not what is expected. */
  async #wrong(
    blocks: ReadonlyMap<number, number>,
    { data }: Paths,
    expected: { readonly bytes: number; readonly sha256: string },
  ): Promise<string | undefined> {
    const wrong = wrongBlock(blocks, expected.bytes);
    if (wrong !== undefined) return wrong;
    // What was written and never noted may lie behind the end.
    if ((await this.#sizeOf(data)) !== expected.bytes) await this.#truncate(data, expected.bytes);
    return (await this.#hashOf(data)) === expected.sha256 ? undefined : 'differs from the SHA-256 of its record';
  }

  async #discard(paths: Paths): Promise<void> {
    this.#arriving.delete(paths.finished);
    await this.#remove(paths.log);
    await this.#sync(dirname(paths.log));
    await this.#remove(paths.data);
    await this.#sync(dirname(paths.data));
  }

  /** Makes a finished name durable, then clears away what was noted. */
  async #settle(paths: Paths): Promise<void> {
    this.#arriving.delete(paths.finished);
    await this.#sync(dirname(paths.finished));
    await this.#remove(paths.log);
    await this.#remove(paths.data);
  }

  async #append(path: string, content: Uint8Array, at: number): Promise<void> {
    await this.#act(async () => {
      const file = await this.#openOrMake(path);
      try {
        await file.write([content], at);
      } finally {
        await file.close();
      }
    }, `cannot write ${path}`);
  }

  async #openOrMake(path: string): Promise<OpenFile> {
    try {
      return await this.#files.open(path, 'durable');
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    await (await this.#files.open(path, 'create')).close();
    await this.#files.syncFolder(dirname(path));
    return this.#files.open(path, 'durable');
  }

  async #makeEmpty(path: string): Promise<void> {
    await this.#makeFolder(dirname(path));
    await this.#act(async () => (await this.#openOrMake(path)).close(), `cannot write ${path}`);
  }

  async #truncate(path: string, bytes: number): Promise<void> {
    await this.#act(async () => {
      const file = await this.#files.open(path, 'update');
      try {
        await file.truncate(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    }, `cannot cut ${path}`);
  }

  async #hashOf(path: string): Promise<string> {
    const file = await this.#openIfThere(path);
    if (file === undefined) throw new AtalayaError('store-failed', `${path} is gone`);
    const hash = createHash('sha256');
    for await (const piece of this.#pieces(file, path)) hash.update(piece);
    return hash.digest('hex');
  }

  async *#pieces(file: OpenFile, path: string): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let at = 0; ; ) {
        const piece = Buffer.allocUnsafe(pieceBytes);
        const bytes = await this.#act(() => file.read(piece, at), `cannot read ${path}`);
        if (bytes === 0) return;
        at += bytes;
        yield piece.subarray(0, bytes);
      }
    } finally {
      await file.close();
    }
  }

  async #openIfThere(path: string): Promise<OpenFile | undefined> {
    try {
      return await this.#files.open(path, 'read');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw storeFault(error, `cannot open ${path}`);
    }
  }

  async #sizeOf(path: string): Promise<number | undefined> {
    const file = await this.#openIfThere(path);
    if (file === undefined) return undefined;
    try {
      return await this.#act(() => file.size(), `cannot read ${path}`);
    } finally {
      await file.close();
    }
  }

  async #remove(path: string): Promise<void> {
    await this.#act(async () => {
      try {
        await this.#files.remove(path);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error;
      }
    }, `cannot remove ${path}`);
  }

  #sync(folder: string): Promise<void> {
    return this.#act(() => this.#files.syncFolder(folder), `cannot make ${folder} durable`);
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    await makeFolders(this.#files, folder);
    this.#folders.add(folder);
  }

  async #act<T>(work: () => Promise<T>, what: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeFault(error, what);
    }
  }

  #paths(name: BlobName): Paths {
    const [unit, evidence, file] = levelsOf(name);
    const folder = join(this.#folder, unit, evidence);
    return { finished: join(folder, file), data: join(folder, `.${file}.data`), log: join(folder, `.${file}.blocks`) };
  }

  /** One thing at a time with one file. What is known of a file is read anew after a fault: nobody knows what it left. */
  async #inTurn<T>({ finished }: Paths, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(finished) ?? Promise.resolve()).then(work, work);
    this.#turns.set(finished, turn);
    try {
      return await turn;
    } catch (error) {
      this.#arriving.delete(finished);
      throw error;
    } finally {
      if (this.#turns.get(finished) === turn) this.#turns.delete(finished);
    }
  }
}

interface Paths {
  readonly finished: string;
  readonly data: string;
  readonly log: string;
}
