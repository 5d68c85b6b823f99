import { join } from 'node:path';
import { Low } from 'lowdb';
import { makeFolders, partEnding, storeFault } from '../kernel/durable-file.ts';
import { type AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { type Files, listIfThere } from '../kernel/files.ts';
import { DurableDocument } from './durable-document.ts';
import type { JournalPosition } from './journal.ts';

/** One line of the index: enough to list evidence without opening it, and where it stands. */
export interface IndexEntry {
  readonly position: JournalPosition;
  readonly id: string;
  /** Moment of the infraction, ISO 8601 UTC. */
  readonly time: string;
  readonly rule: string;
  readonly track: number;
  readonly class: string;
  readonly lane: string | null;
}

interface IndexDocument {
  readonly format: typeof format;
  readonly entries: IndexEntry[];
}

export interface IndexOptions {
  readonly files: Files;
  /** Newest sequence number in the journal. */
  readonly last: number;
  /** The entries of the journal from a sequence number on: the truth that the index is made from. */
  readonly source: (from: number) => AsyncIterable<IndexEntry>;
}

/** Records in one document. Part of the format: document k holds sequence numbers from k * 256 + 1 to (k + 1) * 256. */
export const entriesPerDocument = 256;
const format = 'atalaya/index/1';
const namePattern = /^(\d{8})\.json$/;
const cachedDocuments = 4;

const documentOf = (sequence: number): number => Math.floor((sequence - 1) / entriesPerDocument);

/**
 * The index of the journal: lowdb documents of bounded size. It is a convenience and never a truth: what is missing, behind or
 * damaged is made anew from the journal.
 *
 * An entry is listed as soon as it was added. The document on disk follows in the background, the newest state replacing those
 * that were not written yet, so a seal never waits for it; after a crash the journal fills what is missing. A document that cannot
 * be written is kept in memory, tried again with the next entry, and told of in `fault`.
 */
export class IndexStore {
  readonly #folder: string;
  readonly #options: IndexOptions;
  /** The newest document, which grows; the others are full. */
  #tail: Low<IndexDocument>;
  #tailNumber: number;
  #last: number;
  #rebuilt: number;
  readonly #cache = new Map<number, Low<IndexDocument>>();
  readonly #unwritten = new Map<number, Low<IndexDocument>>();
  #writing: Promise<void> | undefined;
  #fault: AtalayaError | undefined;

  constructor(folder: string, options: IndexOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#tail = newDocument(options.files, folder, 0);
    this.#tailNumber = 0;
    this.#last = 0;
    this.#rebuilt = 0;
  }

  /** Opens the index and brings it level with the journal; documents that are missing are written again. */
  static async open(folder: string, options: IndexOptions): Promise<IndexStore> {
    await makeFolders(options.files, folder).catch(() => undefined);
    const index = new IndexStore(folder, options);
    await index.#load();
    return index;
  }

  /** Sequence number of the newest entry. */
  get last(): number {
    return this.#last;
  }

  /** Documents that were made anew from the journal since the opening. */
  get rebuilt(): number {
    return this.#rebuilt;
  }

  /** Why the documents on disk are behind, where they are. */
  get fault(): AtalayaError | undefined {
    return this.#fault;
  }

  /** Adds the entry after `last`. */
  add(entry: IndexEntry): void {
    const { sequence } = entry.position;
    if (sequence !== this.#last + 1) throw new RangeError(`entry ${this.#last + 1} comes next, not ${sequence}`);
    const number = documentOf(sequence);
    if (number !== this.#tailNumber) {
      this.#remember(this.#tailNumber, this.#tail);
      this.#tail = newDocument(this.#options.files, this.#folder, number);
      this.#tailNumber = number;
    }
    this.#tail.data.entries.push(entry);
    this.#last = sequence;
    this.#unwritten.set(number, this.#tail);
    this.#writing ??= this.#write();
  }

  async get(sequence: number): Promise<IndexEntry | undefined> {
    if (sequence < 1 || sequence > this.#last) return undefined;
    const { data } = await this.#document(documentOf(sequence));
    return data.entries[(sequence - 1) % entriesPerDocument];
  }

  /** Waits until what was added is on disk, as far as it can be written. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #load(): Promise<void> {
    const { files, last } = this.#options;
    const names = new Set(await listDocuments(files, this.#folder));
    const tail = documentOf(Math.max(1, last));
    const missing: number[] = [];
    for (let number = 0; number < tail; number += 1) if (!names.has(number)) missing.push(number);
    this.#tailNumber = tail;
    this.#tail = newDocument(files, this.#folder, tail);
    const entries = names.has(tail) ? await this.#readGood(tail) : undefined;
    const behind = Math.max(0, last - tail * entriesPerDocument);
    if (entries !== undefined && entries.length <= behind) this.#tail.data.entries.push(...entries);
    const complete = this.#tail.data.entries.length === behind;
    this.#last = last;
    if (missing.length > 0 || !complete) await this.#rebuild(complete ? missing : [...missing, tail]);
  }

  /** Makes documents anew in one pass over the journal. The growing one is filled up, the others are written and forgotten. */
  async #rebuild(numbers: readonly number[]): Promise<void> {
    const wanted = new Set(numbers);
    const first = numbers[0] ?? 0;
    const from =
      first === this.#tailNumber
        ? first * entriesPerDocument + this.#tail.data.entries.length
        : first * entriesPerDocument;
    let left = numbers.length;
    let document: Low<IndexDocument> | undefined;
    for await (const entry of this.#options.source(from + 1)) {
      const { sequence } = entry.position;
      if (left === 0 || sequence > this.#last) break;
      const number = documentOf(sequence);
      if (!wanted.has(number)) continue;
      document ??= number === this.#tailNumber ? this.#tail : newDocument(this.#options.files, this.#folder, number);
      const at = (sequence - 1) % entriesPerDocument;
      if (at === document.data.entries.length) document.data.entries.push(entry);
      if (sequence === this.#last || at === entriesPerDocument - 1) {
        await this.#save(number, document);
        this.#rebuilt += 1;
        left -= 1;
        document = undefined;
      }
    }
  }

  async #document(number: number): Promise<Low<IndexDocument>> {
    if (number === this.#tailNumber) return this.#tail;
    const known = this.#cache.get(number) ?? this.#unwritten.get(number);
    if (known !== undefined) return known;
    const document = newDocument(this.#options.files, this.#folder, number);
    const entries = await this.#readGood(number);
    if (entries?.length === entriesPerDocument) {
      document.data.entries.push(...entries);
      this.#remember(number, document);
      return document;
    }
    await this.#rebuild([number]);
    return this.#cache.get(number) ?? document;
  }

  /** The entries of a document on disk, or undefined where it is missing, damaged, or not what belongs there. */
  async #readGood(number: number): Promise<readonly IndexEntry[] | undefined> {
    const document = newDocument(this.#options.files, this.#folder, number);
    try {
      await document.read();
    } catch (error) {
      if (isAtalayaError(error, 'store-damaged')) return undefined;
      throw error;
    }
    const { data } = document;
    if (data.format !== format || data.entries.length > entriesPerDocument) return undefined;
    const first = number * entriesPerDocument + 1;
    return data.entries.every((entry, i) => entry.position.sequence === first + i) ? data.entries : undefined;
  }

  #remember(number: number, document: Low<IndexDocument>): void {
    this.#cache.set(number, document);
    const oldest = this.#cache.keys().next().value;
    if (this.#cache.size > cachedDocuments && oldest !== undefined) this.#cache.delete(oldest);
  }

  async #save(number: number, document: Low<IndexDocument>): Promise<void> {
    this.#remember(number, document);
    try {
      await document.write();
      this.#fault = undefined;
    } catch (error) {
      this.#fault = storeFault(error, 'the index cannot be written');
    }
  }

  async #write(): Promise<void> {
    // Entries that are added in the same turn share a write.
    await Promise.resolve();
    while (this.#unwritten.size > 0) {
      const [number, document] = this.#unwritten.entries().next().value as [number, Low<IndexDocument>];
      this.#unwritten.delete(number);
      try {
        await document.write();
        this.#fault = undefined;
      } catch (error) {
        this.#fault = storeFault(error, 'the index cannot be written');
        this.#unwritten.set(number, document);
        break;
      }
    }
    this.#writing = undefined;
  }
}

/** The newest sequence number of which the documents on disk are a proof; 0 without any. */
export async function highestIndexed(files: Files, folder: string): Promise<number> {
  const number = (await listDocuments(files, folder)).at(-1);
  if (number === undefined) return 0;
  try {
    const document = newDocument(files, folder, number);
    await document.read();
    return document.data.entries.at(-1)?.position.sequence ?? number * entriesPerDocument;
  } catch (error) {
    // A document is begun when those before it are full, so its name alone proves that much.
    if (isAtalayaError(error, 'store-damaged')) return number * entriesPerDocument;
    throw error;
  }
}

function newDocument(files: Files, folder: string, number: number): Low<IndexDocument> {
  const path = join(folder, `${number.toString().padStart(8, '0')}.json`);
  return new Low<IndexDocument>(new DurableDocument(files, path), { format, entries: [] });
}

async function listDocuments(files: Files, folder: string): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const name of await listIfThere(files, folder)) {
    const number = namePattern.exec(name)?.[1];
    if (number !== undefined) numbers.push(Number(number));
    else if (name.endsWith(partEnding)) await files.remove(join(folder, name)).catch(() => undefined);
  }
  return numbers;
}
