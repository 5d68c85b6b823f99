import { sha256 } from '../../../../device/kernel/hash.ts';
import { checkBlock, lacking, levelsOf, mismatch, wrongBlock } from '../blob-form.ts';
import type { BlobName, Blobs } from '../blobs.ts';

/** Blobs in memory, for tests of whatever uses some. */
export class MemoryBlobs implements Blobs {
  /** Asked before each call: with what it is to fail. */
  plan: (call: keyof Blobs) => Error | undefined = () => undefined;
  readonly #finished = new Map<string, Buffer>();
  readonly #arriving = new Map<string, Map<number, Buffer>>();

  async blocks(name: BlobName): Promise<ReadonlySet<number>> {
    return new Set(this.#begin('blocks', name).blocks.keys());
  }

  async write(name: BlobName, block: number, content: Uint8Array): Promise<void> {
    checkBlock(block, content);
    const { key, blocks } = this.#begin('write', name);
    if (this.#finished.has(key) || blocks.has(block)) return;
    this.#arriving.set(key, blocks.set(block, Buffer.from(content)));
  }

  async finish(name: BlobName, expected: { readonly bytes: number; readonly sha256: string }): Promise<void> {
    const { key, blocks } = this.#begin('finish', name);
    const there = this.#finished.get(key);
    if (there !== undefined) {
      if (sha256(there) !== expected.sha256) throw mismatch(name, 'is finished, and is another one');
      return;
    }
    const lack = lacking(blocks, expected.bytes);
    if (lack !== undefined) throw mismatch(name, lack);
    const lengths = new Map([...blocks].map(([block, content]) => [block, content.byteLength]));
    const whole = Buffer.concat([...blocks].sort(([a], [b]) => a - b).map(([, content]) => content));
    const differs = sha256(whole) === expected.sha256 ? undefined : 'differs from the SHA-256 of its record';
    const wrong = wrongBlock(lengths, expected.bytes) ?? differs;
    this.#arriving.delete(key);
    if (wrong !== undefined) throw mismatch(name, wrong);
    this.#finished.set(key, whole);
  }

  async finished(name: BlobName): Promise<boolean> {
    return this.#finished.has(this.#begin('finished', name).key);
  }

  async read(name: BlobName): Promise<AsyncIterable<Uint8Array> | undefined> {
    const whole = this.#finished.get(this.#begin('read', name).key);
    return whole === undefined ? undefined : piece(whole);
  }

  async close(): Promise<void> {}

  #begin(call: keyof Blobs, name: BlobName): { readonly key: string; readonly blocks: Map<number, Buffer> } {
    const fault = this.plan(call);
    if (fault !== undefined) throw fault;
    const key = levelsOf(name).join('/');
    return { key, blocks: this.#arriving.get(key) ?? new Map<number, Buffer>() };
  }
}

async function* piece(whole: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield whole;
}
