import { sleep } from './clock.ts';
import { AtalayaError } from './errors.ts';
import type { Milliseconds } from './units.ts';

/** Waiting is an argument, as time is. */
export interface Timer {
  /** Resolves after `time`, or at once when the signal is aborted; never rejects. */
  sleep(time: Milliseconds, signal?: AbortSignal): Promise<void>;
}

export const systemTimer: Timer = { sleep };

/**
 * The result of `work`, or `deadline-exceeded` after `time`. The work itself is not stopped: whoever calls knows how, and must
 * reckon with its late end. A fault of the late work is nobody's any more and is dropped.
 */
export async function withDeadline<T>(work: Promise<T>, time: Milliseconds, what: string, timer: Timer): Promise<T> {
  const done = new AbortController();
  const late = timer.sleep(time, done.signal).then(() => {
    if (done.signal.aborted) return undefined as never;
    throw new AtalayaError('deadline-exceeded', `${what} took longer than ${time} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    work.catch(() => undefined);
    done.abort();
  }
}
