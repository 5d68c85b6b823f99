import type { Adapter } from 'lowdb';
import { readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';

/**
 * A lowdb adapter that keeps its promise: a document that was written is on the medium, whole, and one that was damaged is found out.
 *
 * lowdb's own file adapter never fsyncs, and a power cut loses the file. This one replaces the file at once and durably. The file
 * is two lines of text, the SHA-256 of the second one and the document as JSON.
 */
export class DurableDocument<T> implements Adapter<T> {
  readonly #files: Files;
  readonly #path: string;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** The document, or null where there is none. Throws `store-damaged` where the file is not what was written. */
  async read(): Promise<T | null> {
    const content = await readWholeFile(this.#files, this.#path);
    if (content === undefined) return null;
    const end = content.indexOf('\n');
    const text = content.subarray(end + 1, -1);
    if (end !== 64 || content.at(-1) !== 0x0a || content.toString('latin1', 0, end) !== sha256(text)) {
      throw new AtalayaError('store-damaged', `${this.#path} is damaged: its content does not match its hash`);
    }
    return JSON.parse(text.toString()) as T;
  }

  async write(document: T): Promise<void> {
    const text = JSON.stringify(document);
    await writeWholeFile(this.#files, this.#path, Buffer.from(`${sha256(text)}\n${text}\n`));
  }
}
