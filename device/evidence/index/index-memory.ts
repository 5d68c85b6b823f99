import { documentOf, firstOf, type Lines } from './index-documents.ts';
import { applied, type Effect, type IndexEntry, isEffect } from './index-entry.ts';

/** A document in memory that is ahead of the one on disk. */
export interface Draft {
  entries: IndexEntry[];
  applied: number;
  /** Counts the changes. */
  version: number;
}

const cachedDocuments = 4;
/** Beyond as many, which only a disk that cannot be written brings about, documents are forgotten and later made anew. */
const mostDrafts = 64;
const mostEffects = 16_384;

/**
 * What an index keeps in memory: the newest document, those that are not written yet, the effects on those that are on disk, and a
 * few that were read. Bounded: what does not fit is forgotten and marked as lost.
 */
export class IndexMemory {
  last = 0;
  /** The newest document, which grows. */
  tail: Draft = newDraft();
  tailNumber = 0;
  readonly drafts = new Map<number, Draft>();
  /** Effects on documents that are on disk, in order. */
  readonly effects = new Map<number, Effect[]>();
  #effectCount = 0;
  /** Documents whose newest state is neither in memory nor on disk. */
  readonly lost = new Set<number>();
  readonly #cache = new Map<number, Lines>();
  get isBehind(): boolean {
    return this.drafts.size > 0 || this.effects.size > 0 || this.lost.size > 0;
  }

  append(entry: IndexEntry): void {
    const { sequence } = entry.position;
    if (sequence !== this.last + 1) throw new RangeError(`entry ${this.last + 1} comes next, not ${sequence}`);
    const number = documentOf(sequence);
    if (number !== this.tailNumber) {
      if (!this.drafts.has(this.tailNumber) && this.tail.entries.length > 0) this.remember(this.tailNumber, this.tail);
      this.tail = newDraft();
      this.tailNumber = number;
    }
    this.tail.entries.push(entry);
    this.changed(number, this.tail);
    this.last = sequence;
    if (isEffect(entry)) this.#effect(documentOf(entry.subject), entry);
  }

  #effect(number: number, effect: Effect): void {
    const draft = number === this.tailNumber ? this.tail : this.drafts.get(number);
    if (draft !== undefined) {
      apply(draft, number, effect);
      this.changed(number, draft);
    } else if (!this.lost.has(number)) {
      const effects = this.effects.get(number);
      if (effects === undefined) this.effects.set(number, [effect]);
      else effects.push(effect);
      this.#effectCount += 1;
      if (this.#effectCount > mostEffects) for (const each of [...this.effects.keys()]) this.#lose(each);
    }
  }

  changed(number: number, draft: Draft): void {
    draft.version += 1;
    this.drafts.set(number, draft);
    if (this.drafts.size <= mostDrafts) return;
    const oldest = Math.min(...[...this.drafts.keys()].filter((each) => each !== number));
    this.drafts.delete(oldest);
    this.#lose(oldest);
  }

  #lose(number: number): void {
    this.lost.add(number);
    this.#cache.delete(number);
    this.forgetEffects(number, this.effects.get(number)?.length ?? 0);
  }

  /** The first few effects on a document are on disk, or will be found in the journal. */
  forgetEffects(number: number, count: number): void {
    const effects = this.effects.get(number);
    if (effects === undefined) return;
    this.#effectCount -= count;
    if (effects.length === count) this.effects.delete(number);
    else effects.splice(0, count);
  }

  known(number: number): Lines | undefined {
    return number === this.tailNumber ? this.tail : (this.drafts.get(number) ?? this.#cache.get(number));
  }

  remember(number: number, lines: Lines): void {
    this.#cache.delete(number);
    this.#cache.set(number, lines);
    const oldest = this.#cache.keys().next().value;
    if (this.#cache.size > cachedDocuments && oldest !== undefined) this.#cache.delete(oldest);
  }

  /** The first document after `number` that is to be written whole; infinite without one. */
  nextBehind(number: number): number {
    return Math.min(...[...this.drafts.keys(), ...this.lost].filter((each) => each > number));
  }
}

export const newDraft = (): Draft => ({ entries: [], applied: 0, version: 0 });

export function apply(draft: Draft, number: number, effect: Effect): void {
  const at = effect.subject - firstOf(number);
  const line = draft.entries[at];
  if (line === undefined) return;
  draft.entries[at] = applied(line, effect);
  draft.applied = Math.max(draft.applied, effect.position.sequence);
}
