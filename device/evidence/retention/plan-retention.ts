import type { Clock, ClockState } from '../../kernel/clock.ts';
import type { Milliseconds, UtcMilliseconds } from '../../kernel/units.ts';
import type { EvidenceLine } from '../index/index-store.ts';

/** What may be erased without a person, and when. Of several policies the first that names a rule decides. */
export interface RetentionPolicy {
  readonly name: string;
  /** Rules of infractions that it is about, or all. */
  readonly rules: readonly string[] | 'all';
  /** Evidence goes so many days after it was sealed; undefined: age alone never erases it. */
  readonly keepDays: number | undefined;
  /** Whether evidence may go earlier, oldest first, where the disk has too little space. */
  readonly whenFull: boolean;
}

/** What a pass is held against. */
export interface RetentionState {
  /** The date, or in words why it cannot be relied on; then nothing is erased for its age. */
  readonly date:
    | { readonly trusted: true; readonly now: UtcMilliseconds }
    | { readonly trusted: false; readonly why: string };
  /** Bytes that should become free. */
  readonly wanted: number;
}

export interface RetentionStep {
  readonly kind: 'keep' | 'erase';
  readonly policy: string;
  /** For the record of the erasure, or for whoever asks why something stays. */
  readonly reason: string;
}

const day = 86_400_000;

/**
 * What becomes of one package: pure, so that every case can be read and tested. Lines come oldest first, and `freed` is what the pass
 * has freed so far.
 *
 * A hold goes before every policy; without a policy for its rule evidence stays. Age is counted from the seal, and only between dates
 * that are known.
 */
export function planRetention(
  line: EvidenceLine,
  policies: readonly RetentionPolicy[],
  state: RetentionState,
  freed: number,
): RetentionStep {
  const policy = policies.find(({ rules }) => rules === 'all' || rules.includes(line.rule));
  if (policy === undefined) return { kind: 'keep', policy: 'none', reason: `no policy is about ${line.rule}` };
  const { name, keepDays, whenFull } = policy;
  const keep = (reason: string): RetentionStep => ({ kind: 'keep', policy: name, reason });
  if (line.erased !== null) return keep('already erased');
  if (line.holds.length > 0) return keep(`held by ${line.holds.join(', ')}`);
  if (keepDays !== undefined && state.date.trusted && line.dated) {
    const days = (state.date.now - Date.parse(line.sealed)) / day;
    if (days > keepDays) {
      return { kind: 'erase', policy: name, reason: `sealed ${Math.floor(days)} days ago; ${name} keeps ${keepDays}` };
    }
  }
  if (whenFull && freed < state.wanted) {
    return { kind: 'erase', policy: name, reason: `the disk has too little space; ${name} lets the oldest go` };
  }
  return keep('not due');
}

/** Date and interval clock, read at the same moment. */
export interface ClockReading {
  readonly utc: UtcMilliseconds;
  readonly monotonic: Milliseconds;
  readonly state: ClockState;
}

export const readingOf = (clock: Clock): ClockReading => ({
  utc: clock.utc(),
  monotonic: clock.monotonic(),
  state: clock.state(),
});

/** The two clocks may drift apart by so much between two readings before it counts as a step. */
const largestStep = 3_600_000;
/** A unit that has sealed nothing for longer is looked at by a person before its evidence goes for its age. */
const longestSilence = 180 * day;

/** What the newest evidence says of the clock that sealed it. */
export interface RecentSeals {
  /** The latest date, which need not be that of the newest. */
  readonly latest: UtcMilliseconds;
  /** Widest step from one seal to the next. */
  readonly widest: Milliseconds;
}

/**
 * Whether a date can be relied on to erase: what a wrong clock erases is gone. It cannot where nothing states the date, where the clock
 * has stepped since the opening, where it is before the latest seal, where it is half a year after it, and where the seals themselves
 * leap by as much: then one of them may have been made by a clock that was wrong.
 */
export function dateForRetention(
  opened: ClockReading,
  now: ClockReading,
  recent: RecentSeals | undefined,
): RetentionState['date'] {
  const distrust = (why: string) => ({ trusted: false, why }) as const;
  if (!now.state.dated) return distrust('nothing states the date');
  const step = now.utc - opened.utc - (now.monotonic - opened.monotonic);
  if (Math.abs(step) > largestStep) {
    return distrust(`the clock has stepped by ${Math.round(step / 60_000)} minutes since the start`);
  }
  if (recent === undefined) return { trusted: true, now: now.utc };
  if (now.utc < recent.latest) return distrust('the clock is before the newest evidence');
  if (now.utc - recent.latest > longestSilence) {
    return distrust('the clock is more than 180 days after the newest evidence; a person must look');
  }
  if (recent.widest > longestSilence) {
    return distrust('the dates of the evidence leap by more than 180 days; a person must look');
  }
  return { trusted: true, now: now.utc };
}
