import type { Clock } from '../../../device/kernel/clock.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type RefusalReason, refusalReasons } from '../../contract/refusal.ts';

/** Why the centre did not take a message, or a part of one. */
export const bridgeRefusals = [
  ...refusalReasons,
  /** Sequences that do not grow, or point forwards. */
  'disorder',
  /** More than one unit may have waiting here; it sends again. */
  'too-much',
  /** A ledger record in it says that it is of another unit. */
  'record-foreign',
  /** Its signature does not hold, or is of a key that this unit never had. */
  'record-unsigned',
  /** The unit has not said yet which key it signs with; it sends again. */
  'key-unknown',
  /** It signs with another key than before, and nobody has accepted that; it sends again. */
  'key-not-accepted',
  /** Pieces that do not make the whole that they promise. */
  'part-mismatch',
  /** Another event stands in its place. */
  'event-conflict',
  /** The archive can take everything but this. */
  'not-archivable',
  /** The archive would not have it, time after time, while it took others: it is kept aside, and its place is passed. */
  'set-aside',
  'checkpoint-refused',
  /** A block or a reply that nobody asked for. */
  'not-asked',
  /** A report of versions that the unit has not signed, or that is of no job that it was given. */
  'version-report-refused',
] as const satisfies readonly (RefusalReason | string)[];
export type BridgeRefusal = (typeof bridgeRefusals)[number];

export interface RefusalCount {
  /** Undefined for messages that name no unit. */
  readonly unit: string | undefined;
  readonly reason: BridgeRefusal;
  readonly count: number;
}

/** Units that are counted one by one; what more there are, which only a broker without access control lets in, are counted together. */
const mostUnits = 20_000;
/** One line for a unit and a reason in so long. */
const lineEveryMs = 60_000;
/** Lines of all units in so long. */
const mostLines = 60;

interface Tally {
  count: number;
  lastLine: number;
  unwritten: number;
}

/**
 * Counts what was refused, by unit and reason, and writes of it at a bounded rate: whoever sends rubbish as fast as the network takes it
 * costs a counter and a line a minute.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byUnit = new Map<string, Map<BridgeRefusal, Tally>>();
  #windowStart = 0;
  #linesInWindow = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `detail` repeats nothing of the content. */
  count(
    unit: string | undefined,
    reason: BridgeRefusal,
    detail: string,
    fields: { readonly event?: string } = {},
  ): void {
    const tally = this.#tally(unit, reason);
    tally.count += 1;
    const now = this.#clock.monotonic();
    if (tally.count > 1 && now - tally.lastLine < lineEveryMs) {
      tally.unwritten += 1;
      return;
    }
    if (!this.#mayWrite(now)) {
      tally.unwritten += 1;
      return;
    }
    const unwritten = tally.unwritten;
    tally.lastLine = now;
    tally.unwritten = 0;
    this.#log.warn(
      {
        part: 'bridge',
        reason,
        ...(unit === undefined ? {} : { unit }),
        ...fields,
        ...(unwritten > 0 ? { unwritten } : {}),
      },
      `refused: ${reason}: ${detail.slice(0, 500)}`,
    );
  }

  /** Of one unit, by reason. */
  of(unit: string): Readonly<Record<string, number>> {
    return Object.fromEntries([...(this.#byUnit.get(unit) ?? [])].map(([reason, { count }]) => [reason, count]));
  }

  all(): readonly RefusalCount[] {
    return [...this.#byUnit].flatMap(([unit, tallies]) =>
      [...tallies].map(([reason, { count }]) => ({ unit: unit === '' ? undefined : unit, reason, count })),
    );
  }

  #tally(unit: string | undefined, reason: BridgeRefusal): Tally {
    const known = unit !== undefined && (this.#byUnit.has(unit) || this.#byUnit.size < mostUnits) ? unit : '';
    const tallies = this.#byUnit.get(known) ?? new Map<BridgeRefusal, Tally>();
    this.#byUnit.set(known, tallies);
    const tally = tallies.get(reason) ?? { count: 0, lastLine: 0, unwritten: 0 };
    tallies.set(reason, tally);
    return tally;
  }

  #mayWrite(now: number): boolean {
    if (this.#windowStart === 0 || now - this.#windowStart >= lineEveryMs) {
      this.#windowStart = now;
      this.#linesInWindow = 0;
    }
    this.#linesInWindow += 1;
    return this.#linesInWindow <= mostLines;
  }
}
