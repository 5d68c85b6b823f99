/**
 * Sealed files of evidence, as they came from units: ciphertext, named by unit, evidence and file.
 *
 * Guarantees: a block that `write` has resolved for is durable, and the first content of a block stands; `finish` makes the whole visible
 * under its name, at once, after its size and SHA-256 were held against the record's, and refuses with `blob-mismatch` what differs:
 * where blocks are missing the others stay, where all are there and the whole is wrong they are thrown away, so that it can be asked for
 * anew; finishing twice is finishing once; a finished blob never changes. Throws `archive-unavailable` (retry) where the engine cannot be
 * reached, `store-full`, `store-failed`.
 */
export interface Blobs {
  /** Blocks that are durable, of a blob that is not finished: a bit a block. Empty where nothing is there. */
  blocks(name: BlobName): Promise<ReadonlySet<number>>;
  /** Blocks are `blockBytes` long, the last one may be shorter. */
  write(name: BlobName, block: number, content: Uint8Array): Promise<void>;
  finish(name: BlobName, expected: { readonly bytes: number; readonly sha256: string }): Promise<void>;
  finished(name: BlobName): Promise<boolean>;
  /** Undefined where it is not finished. */
  read(name: BlobName): Promise<AsyncIterable<Uint8Array> | undefined>;
  close(): Promise<void>;
}

export interface BlobName {
  readonly unit: string;
  readonly evidence: string;
  readonly file: string;
}
