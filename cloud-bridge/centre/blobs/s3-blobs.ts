import { createHash } from 'node:crypto';
import type { Timer } from '../../../device/kernel/timer.ts';
import { blocksIn, checkBlock, lacking, levelsOf, mismatch, wrongBlock } from './blob-form.ts';
import type { BlobName, Blobs } from './blobs.ts';
import { type S3Options, S3Store, type S3Upload } from './s3-store.ts';

/** Bytes that travel to the finished object at once; S3 takes no less than 5 MiB of any but the last. */
const partBytes = 8 * 1024 * 1024;
/** Blocks that are fetched at once. */
const fetchedBlocks = 16;

interface Expected {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Blobs in a bucket of an S3-compatible store, for several bridges.
 *
 * A block is an object of its own, `arriving/unit/evidence/file/0000012`: the parts of an S3 upload may not be so small. To finish is to
 * read the blocks in order, hash them, and send them as one upload to `finished/unit/evidence/file`, which the store shows once it is
 * completed, and which is completed only when size and hash were right. Two bridges that finish the same at once write the same. An upload
 * whose bridge died is invisible and costs space until a lifecycle rule of the bucket clears it.
 */
export class S3Blobs implements Blobs {
  readonly #store: S3Store;

  constructor(store: S3Store) {
    this.#store = store;
  }

  /** Throws `archive-unavailable` where the store does not answer, `store-failed` where it refuses keys or bucket. */
  static async open(options: S3Options, { timer }: { readonly timer: Timer }): Promise<S3Blobs> {
    return new S3Blobs(await S3Store.open(options, timer));
  }

  async blocks(name: BlobName): Promise<ReadonlySet<number>> {
    const [there, blocks] = await Promise.all([this.finished(name), this.#arrived(name)]);
    return new Set(there ? [] : blocks.keys());
  }

  async write(name: BlobName, block: number, content: Uint8Array): Promise<void> {
    checkBlock(block, content);
    const key = blockKey(name, block);
    const heads = await Promise.all([this.#store.head(finishedKey(name)), this.#store.head(key)]);
    if (heads.every((head) => head === undefined)) await this.#store.put(key, Buffer.from(content));
  }

  async finish(name: BlobName, expected: Expected): Promise<void> {
    const blocks = await this.#arrived(name);
    if (!(await this.#isThere(name, expected))) {
      const lack = lacking(blocks, expected.bytes);
      if (lack !== undefined) return this.#requireFinished(name, expected, lack);
      const wrong = wrongBlock(blocks, expected.bytes) ?? (await this.#compose(name, expected));
      if (wrong !== undefined) {
        await this.#discard(name, blocks);
        throw mismatch(name, wrong);
      }
    }
    await this.#discard(name, blocks);
  }

  async finished(name: BlobName): Promise<boolean> {
    return (await this.#store.head(finishedKey(name))) !== undefined;
  }

  read(name: BlobName): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#store.stream(finishedKey(name));
  }

  async close(): Promise<void> {}

  /** Whether it is finished. Throws `blob-mismatch` where that is another one. */
  async #isThere(name: BlobName, { bytes, sha256 }: Expected): Promise<boolean> {
    const there = await this.#store.head(finishedKey(name));
    if (there === undefined) return false;
    if (there.bytes === bytes && there.sha256 === sha256) return true;
    throw mismatch(name, 'is finished, and is another one');
  }

  /** Blocks that were there are gone where another bridge has finished the same meanwhile: that is no fault of the unit's. */
  async #requireFinished(name: BlobName, expected: Expected, lack: string): Promise<void> {
    if (!(await this.#isThere(name, expected))) throw mismatch(name, lack);
  }

  /** Bytes of each block that is there. */
  async #arrived(name: BlobName): Promise<ReadonlyMap<number, number>> {
    const found = await this.#store.list(arrivingPrefix(name));
    return new Map([...found].flatMap(([key, bytes]) => (/^\d{7}$/.test(key) ? [[Number(key), bytes] as const] : [])));
  }

  /** Makes the finished object of all the blocks; what is wrong with them where they are not what is expected. */
  async #compose(name: BlobName, expected: Expected): Promise<string | undefined> {
    const hash = createHash('sha256');
    const key = finishedKey(name);
    let upload: S3Upload | undefined;
    let [held, heldBytes]: [Buffer[], number] = [[], 0];
    try {
      for await (const block of this.#contents(name, blocksIn(expected.bytes))) {
        if (typeof block === 'string') {
          await upload?.abort();
          await this.#requireFinished(name, expected, block);
          return undefined;
        }
        hash.update(block);
        held.push(block);
        heldBytes += block.byteLength;
        if (heldBytes < partBytes) continue;
        upload ??= await this.#store.begin(key, expected.sha256);
        await upload.add(Buffer.concat(held));
        [held, heldBytes] = [[], 0];
      }
      if (hash.digest('hex') !== expected.sha256) {
        await upload?.abort();
        return 'differs from the SHA-256 of its record';
      }
      if (upload === undefined) await this.#store.put(key, Buffer.concat(held), expected.sha256);
      else {
        if (heldBytes > 0) await upload.add(Buffer.concat(held));
        await upload.complete();
      }
      return undefined;
    } catch (error) {
      await upload?.abort();
      throw error;
    }
  }

  /** The blocks in their order, or what is lacking. */
  async *#contents(name: BlobName, count: number): AsyncGenerator<Buffer | string, void, undefined> {
    for (let from = 0; from < count; from += fetchedBlocks) {
      const numbers = Array.from({ length: Math.min(fetchedBlocks, count - from) }, (_, i) => from + i);
      const blocks = await Promise.all(numbers.map((block) => this.#store.get(blockKey(name, block))));
      for (const [i, block] of blocks.entries()) {
        yield block ?? `lacks block ${from + i}`;
      }
    }
  }

  #discard(name: BlobName, blocks: ReadonlyMap<number, number>): Promise<void> {
    return this.#store.remove([...blocks.keys()].map((block) => blockKey(name, block)));
  }
}

function finishedKey(name: BlobName): string {
  return `finished/${levelsOf(name).join('/')}`;
}

function arrivingPrefix(name: BlobName): string {
  return `arriving/${levelsOf(name).join('/')}/`;
}

function blockKey(name: BlobName, block: number): string {
  return `${arrivingPrefix(name)}${String(block).padStart(7, '0')}`;
}
