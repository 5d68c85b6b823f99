import type { Clock } from './clock.ts';
import { AtalayaError, isAtalayaError } from './errors.ts';
import type { Timer } from './timer.ts';
import { type Milliseconds, milliseconds } from './units.ts';

/** A source of numbers from 0 up to, and without, 1. */
export type Random = () => number;

export interface Backoff {
  /** Wait after the first fault. */
  readonly first: Milliseconds;
  /** The wait doubles with each fault in a row up to this. */
  readonly most: Milliseconds;
}

/** What a supervised piece of work is given at each start. */
export interface Attempt {
  /** Aborted when the work is to stop or has missed its deadline: the work ends soon after. */
  readonly signal: AbortSignal;
  /** From 1; more than 1 after a fault. */
  readonly number: number;
  /** Says that the work goes on: the deadline begins anew, and the faults in a row are forgotten. */
  beat(): void;
}

export interface Supervision {
  /** For messages. */
  readonly name: string;
  /** Ends the work for good. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly backoff: Backoff;
  /** Longest time from the start or from one beat to the next. */
  readonly deadline: Milliseconds;
  /** How long aborted work may take to end. */
  readonly grace: Milliseconds;
  /** Puts the component in order again before a restart; a fault in here halts. */
  readonly restart?: () => Promise<void>;
  readonly onFault?: (fault: AtalayaError, wait: Milliseconds) => void;
}

/**
 * Runs `work` until it finishes, is stopped or meets a fault that waiting cannot cure.
 *
 * The disposition of a fault decides: `retry` waits and runs the work again, `restart` first calls `restart`, `halt` rethrows; an
 * unknown error halts as `internal`. Work that misses its deadline is aborted and restarted; work that does not end when aborted
 * halts, since a second one beside it would share its files and lines. The wait is drawn evenly from the upper half of the backoff,
 * so that units that lost the same thing at the same time do not come back together.
 */
export async function supervise(
  work: (attempt: Attempt) => Promise<void>,
  supervision: Supervision,
): Promise<'finished' | 'stopped'> {
  let row = 0;
  for (let number = 1; ; number += 1) {
    if (supervision.signal.aborted) return 'stopped';
    const fault = await attempt(work, supervision, number, () => {
      row = 0;
    });
    if (fault === undefined) return supervision.signal.aborted ? 'stopped' : 'finished';
    if (fault.disposition === 'halt') throw fault;
    if (supervision.signal.aborted) return 'stopped';
    const wait = backoff(supervision.backoff, row, supervision.random);
    row += 1;
    supervision.onFault?.(fault, wait);
    await supervision.timer.sleep(wait, supervision.signal);
    if (supervision.signal.aborted) return 'stopped';
    if (fault.disposition === 'restart') await supervision.restart?.();
  }
}

/** The wait after `row` faults in a row before this one. */
export function backoff(bounds: Backoff, row: number, random: Random): Milliseconds {
  const longest = Math.min(bounds.most, bounds.first * 2 ** Math.min(row, 40));
  return milliseconds(longest * (0.5 + 0.5 * random()));
}

async function attempt(
  work: (attempt: Attempt) => Promise<void>,
  supervision: Supervision,
  number: number,
  onBeat: () => void,
): Promise<AtalayaError | undefined> {
  const { name, signal, clock, timer, deadline, grace } = supervision;
  const abort = new AbortController();
  const over = new AbortController();
  const wake = AbortSignal.any([signal, over.signal]);
  let last = clock.monotonic();
  const beat = () => {
    last = clock.monotonic();
    onBeat();
  };
  const alarm = async (): Promise<'stop' | 'late'> => {
    for (;;) {
      const left = last + deadline - clock.monotonic();
      if (left <= 0) return 'late';
      await timer.sleep(milliseconds(left), wake);
      if (wake.aborted) return 'stop';
    }
  };
  const ended = run(() => work({ signal: abort.signal, number, beat }), name);
  try {
    const first = await Promise.race([ended, alarm()]);
    if (typeof first === 'object') return first.fault;
    abort.abort();
    const end = await Promise.race([ended, timer.sleep(grace, over.signal)]);
    if (end === undefined)
      return new AtalayaError('internal', `${name} did not end within ${grace} ms of being told to`);
    if (first === 'late')
      return new AtalayaError('deadline-exceeded', `${name} gave no sign of life for ${deadline} ms`);
    return end.fault?.cause instanceof Error && end.fault.cause.name === 'AbortError' ? undefined : end.fault;
  } finally {
    over.abort();
  }
}

async function run(work: () => Promise<void>, name: string): Promise<{ fault: AtalayaError | undefined }> {
  try {
    await work();
    return { fault: undefined };
  } catch (error) {
    if (isAtalayaError(error)) return { fault: error };
    const reason = error instanceof Error ? error.message : String(error);
    return { fault: new AtalayaError('internal', `${name} failed: ${reason}`, { cause: error }) };
  }
}
