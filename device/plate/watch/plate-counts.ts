import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { TrackPlate, UnreadReason } from '../vote/track-plate.ts';

/** Times of which the median is taken: of the last so many crops. */
const MOST_TIMES = 1024;

/** Figures of a run. They name no plate. */
export interface PlateCounts {
  readonly vehicles: {
    /** Of which at least one crop was taken. */
    readonly looked: number;
    /** Told of, with a plate. */
    readonly read: number;
    /** Told of, without one, by reason; a reason that did not occur is absent. */
    readonly unread: ReadonlyMap<UnreadReason, number>;
  };
  readonly crops: {
    readonly taken: number;
    readonly read: number;
    /** For want of room. */
    readonly dropped: number;
    /** On which the reader broke down. */
    readonly failed: number;
    /** Not needed any more: their vehicle's plate was sure. */
    readonly spared: number;
  };
  /** Time for one crop: the median of the last thousand, and the worst of all; absent before the first. */
  readonly reading: { readonly median: Milliseconds; readonly worst: Milliseconds } | undefined;
}

/** Counts what happens to vehicles and crops. */
export class PlateCounter {
  looked = 0;
  taken = 0;
  dropped = 0;
  failed = 0;
  spared = 0;
  #cropsRead = 0;
  #read = 0;
  readonly #unread = new Map<UnreadReason, number>();
  readonly #times: number[] = [];
  #worst = 0;

  cropRead(time: Milliseconds): void {
    this.#times[this.#cropsRead % MOST_TIMES] = time;
    this.#cropsRead += 1;
    this.#worst = Math.max(this.#worst, time);
  }

  told(plate: TrackPlate): void {
    if (plate.kind === 'read') this.#read += 1;
    else this.#unread.set(plate.reason, (this.#unread.get(plate.reason) ?? 0) + 1);
  }

  get counts(): PlateCounts {
    const times = this.#times.toSorted((a, b) => a - b);
    const median = times[Math.floor((times.length - 1) / 2)];
    return {
      vehicles: { looked: this.looked, read: this.#read, unread: new Map(this.#unread) },
      crops: {
        taken: this.taken,
        read: this.#cropsRead,
        dropped: this.dropped,
        failed: this.failed,
        spared: this.spared,
      },
      reading: median === undefined ? undefined : { median: milliseconds(median), worst: milliseconds(this.#worst) },
    };
  }
}
