import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { type Milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { Archive } from '../archive/archive.ts';

export interface DutyOptions {
  readonly archive: Pick<Archive, 'document' | 'putDocument'>;
  /** The document `duty/{name}`. */
  readonly name: string;
  /** Of this run of this bridge; no other has it. */
  readonly holder: string;
  /** Longer than between two times of asking; the clocks of the bridges differ by less. */
  readonly lease: Milliseconds;
  readonly clock: Clock;
}

interface Held {
  readonly holder: string;
  readonly until: string;
}

/** What one bridge at a time does for all: whoever has it keeps it as long as it asks in time; when that one is gone, the next one has it. */
export class Duty {
  readonly #options: DutyOptions;

  constructor(options: DutyOptions) {
    this.#options = options;
  }

  /** True where it is ours for as long as the lease. Throws what the archive throws. */
  take(): Promise<boolean> {
    return this.#put(this.#options.lease);
  }

  /** The next one need not wait. */
  async leave(): Promise<void> {
    await this.#put(0);
  }

  async #put(time: number): Promise<boolean> {
    const { archive, name, holder, clock } = this.#options;
    const standing = await archive.document('duty', name);
    const held = standing?.value as Held | undefined;
    const now = clock.utc();
    if (held !== undefined && held.holder !== holder && Date.parse(held.until) > now) return false;
    const value: JsonValue = { holder, until: toIso(utcMilliseconds(now + time)) };
    return archive.putDocument('duty', name, value, standing?.version ?? 0);
  }
}
