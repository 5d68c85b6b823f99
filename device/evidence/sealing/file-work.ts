import { storeFault } from '../../kernel/durable-file.ts';
import type { OpenFile } from '../../kernel/files.ts';

/** Zeros are written so many bytes at a time. */
const zeroBytes = 256 * 1024;

/** A file operation whose failure is a fault of the store: `store-full` or `store-failed`, beginning with `what`. */
export async function fileWork<T>(work: Promise<T>, what: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storeFault(error, what);
  }
}

/** Writes zeros over the whole content, in place, and makes them durable. Throws the system's errors. */
export async function overwriteWithZeros(file: OpenFile): Promise<void> {
  const bytes = await file.size();
  const zeros = Buffer.alloc(Math.min(bytes, zeroBytes));
  for (let at = 0; at < bytes; at += zeros.byteLength) {
    await file.write([zeros.subarray(0, Math.min(zeros.byteLength, bytes - at))], at);
  }
  await file.sync();
}
