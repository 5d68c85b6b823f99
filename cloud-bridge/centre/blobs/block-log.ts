import { createHash } from 'node:crypto';

/**
 * Which blocks of an unfinished file are durable: a record of 16 bytes for each, appended after the block itself. Number and length, 32
 * bits each, big endian, and the first 8 bytes of the SHA-256 over them and the name of the file; a torn record at the end counts for
 * nothing, and so does a record that stands in a file of another name.
 */
export const recordBytes = 16;

export function blockRecord(title: string, block: number, length: number): Buffer {
  const record = Buffer.alloc(recordBytes);
  record.writeUInt32BE(block, 0);
  record.writeUInt32BE(length, 4);
  createHash('sha256').update(record.subarray(0, 8)).update(title).digest().copy(record, 8, 0, 8);
  return record;
}

/** The length of each block, and how many bytes of the log are good. */
export function readBlockLog(
  title: string,
  log: Buffer,
): { readonly blocks: Map<number, number>; readonly good: number } {
  const blocks = new Map<number, number>();
  let good = 0;
  for (; good + recordBytes <= log.byteLength; good += recordBytes) {
    const record = log.subarray(good, good + recordBytes);
    const [block, length] = [record.readUInt32BE(0), record.readUInt32BE(4)];
    if (!blockRecord(title, block, length).equals(record)) break;
    blocks.set(block, length);
  }
  return { blocks, good };
}
