import type { Station } from './faults.ts';
import type { UnitStatus } from './unit-options.ts';

interface Healing {
  /** Faults that hold it up now. */
  broken: number;
  /** When the last of them was over; undefined while there is nothing to heal from. */
  since: number | undefined;
  /** What the centre had acknowledged at that time; undefined until the unit has said it. */
  base: number | undefined;
}

/**
 * How long it takes a unit, from the moment in which nothing stands in its way any more, until the centre has acknowledged something new of
 * it. A unit that is broken again before is measured from then on.
 */
export class Heals {
  longestMs = 0;
  readonly #units: ReadonlyMap<Station, Healing>;

  constructor(units: readonly Station[]) {
    this.#units = new Map(units.map((unit) => [unit, { broken: 0, since: undefined, base: undefined }]));
  }

  broken(units: readonly Station[]): void {
    for (const unit of units) {
      const healing = this.#units.get(unit);
      if (healing === undefined) continue;
      healing.broken += 1;
      healing.since = undefined;
    }
  }

  mended(units: readonly Station[], now: number): void {
    for (const unit of units) {
      const healing = this.#units.get(unit);
      if (healing === undefined) continue;
      healing.broken -= 1;
      if (healing.broken > 0) continue;
      healing.since = now;
      healing.base = undefined;
    }
  }

  said(unit: Station, { online, queued, acknowledged }: UnitStatus, now: number): void {
    const healing = this.#units.get(unit);
    if (healing?.since === undefined) return;
    healing.base ??= acknowledged;
    if (acknowledged <= healing.base && !(online && queued === 0)) return;
    this.longestMs = Math.max(this.longestMs, now - healing.since);
    healing.since = undefined;
  }
}
