import { type Milliseconds, milliseconds } from '../kernel/units.ts';

/**
 * Debouncing as a function of edges and time: a level counts when it has stood for a whole period. It is dated by the moment from
 * which it stood, not by the one in which that was known.
 */
export interface DebounceState {
  /** The level that counts. */
  readonly settled: boolean;
  /** The level of the newest edge. */
  readonly raw: boolean;
  /** When the newest edge came. */
  readonly since: Milliseconds;
}

/** A level that counts from `at` on, and did not before. */
export interface Settled {
  readonly level: boolean;
  readonly at: Milliseconds;
}

export interface DebounceStep {
  readonly state: DebounceState;
  readonly settled: Settled | undefined;
}

/** A level that stands since long ago counts at once. */
export function debounceFrom(level: boolean, now: Milliseconds): DebounceState {
  return { settled: level, raw: level, since: now };
}

/** An edge at `at`: what had settled before it is told first; it may itself settle at once where the period is 0. */
export function debounceEdge(state: DebounceState, { level, at }: Settled, period: Milliseconds): DebounceStep {
  const before = debounceWait(state, at, period);
  // Any edge begins the period anew, one that repeats the level as well: something moved.
  const next: DebounceState = { ...before.state, raw: level, since: at };
  if (before.settled !== undefined || period > 0) return { state: next, settled: before.settled };
  return debounceWait(next, at, period);
}

/** Time has passed up to `now`. */
export function debounceWait(state: DebounceState, now: Milliseconds, period: Milliseconds): DebounceStep {
  if (state.raw === state.settled || now - state.since < period) return { state, settled: undefined };
  return { state: { ...state, settled: state.raw }, settled: { level: state.raw, at: state.since } };
}

/** When the next level would settle; undefined while none waits. */
export function debounceDue({ settled, raw, since }: DebounceState, period: Milliseconds): Milliseconds | undefined {
  return raw === settled ? undefined : milliseconds(since + period);
}
