import type { LaneEvent } from '../../contract/lane-source.ts';

/** Milliseconds between two figures of a unit that go when telemetry is thinned. */
const apart = 10 * 60_000;

/** Which telemetry is left out where data is short: every figure that is taken within ten minutes of one that was sent. Counts of vehicles stay. */
export class Thinning {
  #sentAt = Number.NEGATIVE_INFINITY;
  #countedTo = 0;
  #leftOut = 0;

  /** Events, each once however often it is looked at. */
  get leftOut(): number {
    return this.#leftOut;
  }

  leavesOut({ kind, time, sequence }: LaneEvent): boolean {
    if (kind !== 'telemetry' || Math.abs(Date.parse(time) - this.#sentAt) >= apart) return false;
    if (sequence > this.#countedTo) {
      this.#countedTo = sequence;
      this.#leftOut += 1;
    }
    return true;
  }

  sent({ kind, time }: LaneEvent): void {
    if (kind === 'telemetry') this.#sentAt = Date.parse(time);
  }

  /** What was sent may not have come through. */
  startAnew(): void {
    this.#sentAt = Number.NEGATIVE_INFINITY;
  }
}
