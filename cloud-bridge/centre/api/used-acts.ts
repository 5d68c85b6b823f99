import type { Clock } from '../../../device/kernel/clock.ts';
import { actWindowMs } from '../../contract/api.ts';
import type { Archive } from '../archive/archive.ts';

/** Ids that are remembered in memory. What is beyond costs a look-up nobody needs. */
const most = 200_000;

/**
 * Lets every act serve once. What changes something is remembered in the archive, and so by every bridge and over a restart, for as long
 * as its time would let it pass; what only reads is remembered here.
 */
export class UsedActs {
  readonly #archive: Archive;
  readonly #clock: Clock;
  /** Until when each is remembered, in the order in which they came. */
  readonly #seen = new Map<string, number>();
  #lastRemoval = 0;

  constructor(archive: Archive, clock: Clock) {
    this.#archive = archive;
    this.#clock = clock;
  }

  /** False for an id that was used before. Throws what the archive throws; the act is then used nevertheless. */
  async use(id: string, durable: boolean): Promise<boolean> {
    const now = this.#clock.utc();
    for (const [old, until] of this.#seen) {
      if (until > now && this.#seen.size < most) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, now + 2 * actWindowMs);
    if (!durable) return true;
    await this.#removeOld(now);
    return this.#archive.putDocument('act', id, { until: now + 2 * actWindowMs }, 0);
  }

  async #removeOld(now: number): Promise<void> {
    if (now - this.#lastRemoval < actWindowMs) return;
    this.#lastRemoval = now;
    for (const { key, version, value } of await this.#archive.documents('act')) {
      if ((value as { readonly until: number }).until < now) await this.#archive.removeDocument('act', key, version);
    }
  }
}
