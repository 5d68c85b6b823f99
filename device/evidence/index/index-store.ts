import { makeFolders, storeFault } from '../../kernel/durable-file.ts';
import type { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { systemTimer, type Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { Turnstile } from '../turnstile.ts';
import { documentOf, entriesPerDocument, firstOf, IndexDocuments, type Lines } from './index-documents.ts';
import { applied, type IndexEntry, isEffect } from './index-entry.ts';
import { apply, type Draft, IndexMemory, newDraft } from './index-memory.ts';

export { entriesPerDocument, highestIndexed } from './index-documents.ts';
export type { ActionLine, EvidenceLine, IndexEntry, UnknownLine } from './index-entry.ts';

export interface IndexOptions {
  readonly files: Files;
  /** Newest sequence number in the journal. */
  readonly last: number;
  /** The entries of the journal from a sequence number on, without effects: the truth that the index is made from. */
  readonly source: (from: number) => AsyncIterable<IndexEntry>;
  /** Documents are written this often at most, so that seals in a row have the disk to themselves; default 1 s. */
  readonly pause?: Milliseconds;
  readonly timer?: Timer;
}

/** Documents behind: up to the first there is time for a pause, beyond the second there is no more room. */
const fewBehind = 4;
const mostBehind = 32;

/**
 * The index of the journal: lowdb documents of bounded size. It is a convenience and never a truth: what is missing, behind or
 * damaged is made anew from the journal.
 *
 * An entry is listed, and an action shows on the line of its subject, as soon as it was added. The documents on disk follow in the
 * background, the newest state replacing those that were not written yet, so a seal waits for them only in a burst (`room`). An action is on disk in
 * the document of its subject before it is in its own: so all documents together bear all effects of the actions up to the newest
 * entry on disk, and perhaps some more. A start takes the entries after it from the journal, and comes to the same lines for
 * whatever was there ahead of time. A document that cannot be written is kept, tried again with the next entry, and told of in
 * `fault`.
 */
export class IndexStore {
  readonly #options: Required<IndexOptions>;
  readonly #documents: IndexDocuments;
  readonly #memory = new IndexMemory();
  #rebuilt = 0;
  /** One at a time reads or replaces documents. */
  readonly #disk = new Turnstile(1);
  #writing: Promise<void> | undefined;
  #flushing = 0;
  #pause = new AbortController();
  readonly #roomless: (() => void)[] = [];
  #fault: AtalayaError | undefined;

  constructor(folder: string, options: IndexOptions) {
    this.#options = { pause: milliseconds(1000), timer: systemTimer, ...options };
    this.#documents = new IndexDocuments(options.files, folder);
  }

  /**
   * Opens the index and brings it level with the journal; documents that are missing are written again. Throws `store-failed` where
   * documents that are not good any more cannot be removed, and whatever the journal throws.
   */
  static async open(folder: string, options: IndexOptions): Promise<IndexStore> {
    await makeFolders(options.files, folder).catch(() => undefined);
    const index = new IndexStore(folder, options);
    await index.#level();
    return index;
  }

  /** Sequence number of the newest entry. */
  get last(): number {
    return this.#memory.last;
  }

  /** Documents that were made anew from the journal since the opening. */
  get rebuilt(): number {
    return this.#rebuilt;
  }

  /** Why the documents on disk are behind, where they are. */
  get fault(): AtalayaError | undefined {
    return this.#fault;
  }

  /** Adds the entry after `last`; an action on an older entry changes the line of that one. */
  add(entry: IndexEntry): void {
    this.#memory.append(entry);
    this.#writing ??= this.#write();
  }

  /** The line of an entry, with the effects of all actions that were added. */
  async get(sequence: number): Promise<IndexEntry | undefined> {
    if (!Number.isInteger(sequence) || sequence < 1 || sequence > this.#memory.last) return undefined;
    const number = documentOf(sequence);
    const line = (lines: Lines) =>
      (this.#memory.effects.get(number) ?? []).reduce(applied, lines.entries[sequence - firstOf(number)] as IndexEntry);
    const known = this.#memory.known(number);
    if (known !== undefined) return line(known);
    try {
      return await this.#exclusively(async () => line(await this.#lines(number)));
    } finally {
      if (this.#memory.isBehind) this.#writing ??= this.#write();
    }
  }

  /** Undefined where entries may be added; else resolves when the disk has caught up with a burst, or has failed. */
  room(): Promise<void> | undefined {
    if (this.#memory.drafts.size <= mostBehind || this.#fault !== undefined) return undefined;
    this.#pause.abort();
    return new Promise((resolve) => this.#roomless.push(resolve));
  }

  /** Waits until what was added is on disk, as far as it can be written. */
  async flush(): Promise<void> {
    this.#flushing += 1;
    try {
      this.#pause.abort();
      if (this.#memory.isBehind) this.#writing ??= this.#write();
      while (this.#writing !== undefined) await this.#writing;
    } finally {
      this.#flushing -= 1;
    }
  }

  /** Reads the newest document that follows on others without a gap, and takes what comes after it from the journal. */
  async #level(): Promise<void> {
    const { last, source } = this.#options;
    const numbers = await this.#documents.list();
    const gap = numbers.findIndex((number, i) => number !== i);
    let good = Math.min(gap === -1 ? numbers.length : gap, documentOf(last) + 1);
    const newest = good === 0 ? undefined : await this.#read(good - 1);
    if (newest === 'format') good = 0;
    else if (typeof newest === 'string') good -= 1;
    // From the newest on: what is left at any moment bears all effects up to its end.
    await this.#documents.remove(numbers.filter((number) => number >= good).toReversed());
    if (typeof newest === 'object') {
      this.#memory.tailNumber = good - 1;
      this.#memory.tail = { entries: [...newest.entries], applied: newest.applied, version: 0 };
      this.#memory.last = this.#memory.tailNumber * entriesPerDocument + newest.entries.length;
    } else {
      this.#memory.last = good * entriesPerDocument;
      this.#memory.tailNumber = good;
    }
    if (this.#memory.last === last) return;
    this.#rebuilt = documentOf(last) - documentOf(this.#memory.last + 1) + 1;
    for await (const entry of source(this.#memory.last + 1)) {
      if (entry.position.sequence > last) break;
      this.#memory.append(entry);
      if (this.#memory.last % entriesPerDocument === 0 && this.#fault === undefined) await this.#round();
    }
    await this.#round();
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#disk.enter();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** The lines of a document without the effects that wait; made anew where it is lost, missing or not good. Runs alone. */
  async #lines(number: number): Promise<Lines> {
    const known = this.#memory.known(number);
    if (known !== undefined) return known;
    const lines = this.#memory.lost.has(number) ? 'damaged' : await this.#read(number);
    if (typeof lines === 'object' && lines.entries.length === entriesPerDocument) {
      this.#memory.remember(number, lines);
      return lines;
    }
    return this.#makeAnew(number);
  }

  /** Makes one full document from its entries in the journal and from all later actions. */
  async #makeAnew(number: number): Promise<Lines> {
    const draft = newDraft();
    draft.entries = await this.#fromJournal(number);
    for (let later = number; later <= this.#memory.tailNumber; later += 1) {
      for (const entry of later === number ? draft.entries : await this.#entriesOf(later)) {
        if (isEffect(entry) && documentOf(entry.subject) === number) apply(draft, number, entry);
      }
    }
    // In the same turn as the newest entry was looked at, so that no action comes between.
    this.#memory.lost.delete(number);
    this.#memory.forgetEffects(number, this.#memory.effects.get(number)?.length ?? 0);
    this.#memory.changed(number, draft);
    this.#rebuilt += 1;
    return draft;
  }

  /** The entries of a document, whatever effects they bear. */
  async #entriesOf(number: number): Promise<readonly IndexEntry[]> {
    const lines = this.#memory.known(number) ?? (this.#memory.lost.has(number) ? 'damaged' : await this.#read(number));
    const full =
      typeof lines === 'object' && (number === this.#memory.tailNumber || lines.entries.length === entriesPerDocument);
    return full ? lines.entries : this.#fromJournal(number);
  }

  async #fromJournal(number: number): Promise<IndexEntry[]> {
    const entries: IndexEntry[] = [];
    for await (const entry of this.#options.source(firstOf(number))) {
      if (entries.push(entry) === entriesPerDocument) break;
    }
    return entries;
  }

  /** A document on disk that may be believed: one that knows more than the journal is of another time. */
  async #read(number: number): ReturnType<IndexDocuments['read']> {
    const lines = await this.#documents.read(number);
    if (typeof lines === 'string') return lines;
    const last = Math.max(this.#options.last, this.#memory.last);
    return firstOf(number) + lines.entries.length - 1 > last || lines.applied > last ? 'damaged' : lines;
  }

  /** Writes round after round until nothing is behind, or the disk fails. */
  async #write(): Promise<void> {
    // Entries that are added in the same turn share a write.
    await Promise.resolve();
    while (this.#memory.isBehind && (await this.#round())) {
      this.#pause = new AbortController();
      for (const resolve of this.#roomless.splice(0)) resolve();
      const isHurried = this.#flushing > 0 || this.#memory.drafts.size > fewBehind;
      if (!isHurried) await this.#options.timer.sleep(this.#options.pause, this.#pause.signal);
    }
    this.#writing = undefined;
    for (const resolve of this.#roomless.splice(0)) resolve();
  }

  /** Writes what is behind now, each document after all older ones. False where the disk fails. */
  async #round(): Promise<boolean> {
    const through = this.#memory.last;
    try {
      for (const number of [...this.#memory.effects.keys()]) await this.#exclusively(() => this.#writeEffects(number));
      for (let next = this.#memory.nextBehind(-1); firstOf(next) <= through; next = this.#memory.nextBehind(next)) {
        const number = next;
        await this.#exclusively(() => this.#writeDraft(number, through));
      }
      this.#fault = undefined;
      return true;
    } catch (error) {
      this.#fault = storeFault(error, 'the index cannot be written');
      return false;
    }
  }

  async #writeEffects(number: number): Promise<void> {
    const lines = await this.#lines(number);
    const effects = [...(this.#memory.effects.get(number) ?? [])];
    if (effects.length === 0) return;
    const draft: Draft = { ...newDraft(), entries: [...lines.entries], applied: lines.applied };
    for (const effect of effects) apply(draft, number, effect);
    await this.#documents.write(number, draft);
    if (this.#memory.lost.has(number)) return;
    this.#memory.remember(number, draft);
    this.#memory.forgetEffects(number, effects.length);
  }

  /** Writes a draft without the entries after `through`, whose effects on older documents may not be on disk. */
  async #writeDraft(number: number, through: number): Promise<void> {
    if (this.#memory.lost.has(number)) await this.#makeAnew(number);
    const draft = this.#memory.drafts.get(number);
    if (draft === undefined) return;
    const { version } = draft;
    const entries = draft.entries.slice(0, through - firstOf(number) + 1);
    await this.#documents.write(number, { entries, applied: draft.applied });
    if (draft.version !== version || this.#memory.drafts.get(number) !== draft || entries.length < draft.entries.length)
      return;
    this.#memory.drafts.delete(number);
    if (number !== this.#memory.tailNumber) this.#memory.remember(number, draft);
  }
}
