import { join } from 'node:path';
import { Low } from 'lowdb';
import { partEnding, storeFault } from '../../kernel/durable-file.ts';
import { isAtalayaError } from '../../kernel/errors.ts';
import { type Files, listIfThere } from '../../kernel/files.ts';
import { DurableDocument } from './durable-document.ts';
import type { IndexEntry } from './index-entry.ts';

/** Lines in one document. Part of the format: document k holds sequence numbers from k * 256 + 1 to (k + 1) * 256. */
export const entriesPerDocument = 256;
const format = 'atalaya/index/2';
const namePattern = /^(\d{8})\.json$/;

/** What a document holds. */
export interface Lines {
  readonly entries: readonly IndexEntry[];
  /** Sequence number of the newest action of which the lines bear the effect. */
  readonly applied: number;
}

interface Content extends Lines {
  readonly format: string;
}

export const documentOf = (sequence: number): number => Math.floor((sequence - 1) / entriesPerDocument);

/** Sequence number of the first line of a document. */
export const firstOf = (number: number): number => number * entriesPerDocument + 1;

/** The documents of an index as files. */
export class IndexDocuments {
  readonly #files: Files;
  readonly #folder: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Numbers in order; what an earlier run was writing when it ended is removed. */
  async list(): Promise<readonly number[]> {
    const numbers: number[] = [];
    for (const name of await listIfThere(this.#files, this.#folder)) {
      const number = namePattern.exec(name)?.[1];
      if (number !== undefined) numbers.push(Number(number));
      else if (name.endsWith(partEnding)) await this.#files.remove(join(this.#folder, name)).catch(() => undefined);
    }
    return numbers;
  }

  /** The lines of a document; or why there are none to be had: `damaged`, missing too, or of another `format`. */
  async read(number: number): Promise<Lines | 'damaged' | 'format'> {
    const document = this.#document(number);
    try {
      await document.read();
    } catch (error) {
      if (isAtalayaError(error, 'store-damaged')) return 'damaged';
      throw error;
    }
    const { data } = document;
    if (data.format !== format) return 'format';
    const first = firstOf(number);
    const inOrder = data.entries.every(({ position }, i) => position.sequence === first + i);
    return inOrder && data.entries.length > 0 && data.entries.length <= entriesPerDocument ? data : 'damaged';
  }

  /** Replaces a document; its content is taken before this returns. */
  async write(number: number, { entries, applied }: Lines): Promise<void> {
    const document = this.#document(number);
    document.data = { format, applied, entries };
    await document.write();
  }

  /** Removes documents for good, in the order given. */
  async remove(numbers: readonly number[]): Promise<void> {
    try {
      for (const number of numbers) {
        await this.#files.remove(this.#path(number));
        await this.#files.syncFolder(this.#folder);
      }
    } catch (error) {
      throw storeFault(error, `cannot make the index in ${this.#folder} anew`);
    }
  }

  #document(number: number): Low<Content> {
    return new Low<Content>(new DurableDocument(this.#files, this.#path(number)), { format, applied: 0, entries: [] });
  }

  #path(number: number): string {
    return join(this.#folder, `${number.toString().padStart(8, '0')}.json`);
  }
}

/** The newest sequence number of which the documents on disk are a proof; 0 without any. */
export async function highestIndexed(files: Files, folder: string): Promise<number> {
  const documents = new IndexDocuments(files, folder);
  const number = (await documents.list()).at(-1);
  if (number === undefined) return 0;
  const lines = await documents.read(number);
  // A document is begun when those before it are full, so its name alone proves that much.
  return typeof lines === 'string' ? firstOf(number) - 1 : (lines.entries.at(-1)?.position.sequence ?? 0);
}
