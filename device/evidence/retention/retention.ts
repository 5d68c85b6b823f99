import type { Clock } from '../../kernel/clock.ts';
import { isAtalayaError } from '../../kernel/errors.ts';
import type { Space } from '../../kernel/files.ts';
import { milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { Custody } from '../custody.ts';
import type { IndexEntry } from '../index/index-store.ts';
import {
  type ClockReading,
  dateForRetention,
  planRetention,
  type RecentSeals,
  type RetentionPolicy,
  type RetentionState,
  readingOf,
} from './plan-retention.ts';

/** What a pass needs of the store. */
export interface Retainable {
  readonly custody: Pick<Custody, 'erase'>;
  readonly ledger: { readonly last: number };
  list(from?: number): AsyncIterable<IndexEntry>;
  space(): Promise<Space>;
}

export interface RetentionParts {
  readonly store: Retainable;
  readonly clock: Clock;
  readonly policies: readonly RetentionPolicy[];
  readonly keepFreeBytes: number;
  /** The clocks when the store was opened. */
  readonly opened: ClockReading;
}

/** What a pass did. */
export interface Retained {
  /** Ids. */
  readonly erased: readonly string[];
  /** Bytes of what was erased. */
  readonly freed: number;
  /** Why nothing was erased for its age, where that was so. */
  readonly dateDistrusted: string | undefined;
}

interface Pass {
  readonly erased: string[];
  freed: number;
}

/** Entries, acts among them, in which the newest evidence is looked at. */
const lookBack = 1024;

/** Carries out the policies: each erasure is an act of its own, stated and logged, in the policy's name. */
export class Retention {
  readonly #parts: RetentionParts;
  /** Everything before it is erased, so that a pass does not read it again. */
  #from = 1;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** One pass over the evidence, oldest first. Throws `store-failed` and the keystore's faults. */
  async run(): Promise<Retained> {
    const { store, clock, policies, keepFreeBytes, opened } = this.#parts;
    const date = dateForRetention(opened, readingOf(clock), await this.#recentSeals());
    const { free } = await store.space();
    const wanted = Math.max(0, keepFreeBytes - free);
    const pass: Pass = { erased: [], freed: 0 };
    // What is due for its age goes first, so that nothing goes early for want of space that this makes.
    if (policies.length > 0) await this.#pass({ date, wanted: 0 }, pass);
    if (policies.length > 0 && pass.freed < wanted) await this.#pass({ date, wanted }, pass);
    return { ...pass, dateDistrusted: date.trusted ? undefined : date.why };
  }

  async #pass(state: RetentionState, pass: Pass): Promise<void> {
    const { store, policies } = this.#parts;
    let settled = true;
    for await (const line of store.list(this.#from)) {
      if (line.kind === 'evidence' && line.erased === null) {
        const step = planRetention(line, policies, state, pass.freed);
        if (step.kind === 'erase' && (await this.#erase(line.id, step))) {
          pass.erased.push(line.id);
          pass.freed += line.bytes;
        } else settled = false;
      }
      if (settled) this.#from = line.position.sequence + 1;
    }
  }

  /** False where a person was quicker: with a hold, or with an erasure. */
  async #erase(id: string, { policy, reason }: { readonly policy: string; readonly reason: string }): Promise<boolean> {
    try {
      await this.#parts.store.custody.erase(id, { actor: { kind: 'policy', name: policy }, reason });
      return true;
    } catch (error) {
      if (isAtalayaError(error, 'evidence-held') || isAtalayaError(error, 'evidence-erased')) return false;
      throw error;
    }
  }

  async #recentSeals(): Promise<RecentSeals | undefined> {
    const { store } = this.#parts;
    const dates: number[] = [];
    for await (const line of store.list(store.ledger.last - lookBack + 1)) {
      if (line.kind === 'evidence' && line.dated) dates.push(Date.parse(line.sealed));
    }
    if (dates.length === 0) return undefined;
    const steps = dates.map((date, i) => date - (dates[i - 1] ?? date));
    return { latest: utcMilliseconds(Math.max(...dates)), widest: milliseconds(Math.max(...steps)) };
  }
}
