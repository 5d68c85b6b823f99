import { type Milliseconds, milliseconds, type UtcMilliseconds, utcMilliseconds } from './units.ts';

/** How far a time can be trusted, carried by every frame and every record. */
export interface ClockState {
  /**
   * `system`: read from this machine's clock. `recording`: the timestamps of a recording, whose spacing is true but whose date is
   * as good as the recorder's. `nominal`: index over a nominal rate; no speed may be stated from it.
   */
  readonly source: 'system' | 'recording' | 'nominal';
  /** True while a time source disciplines the clock; a recording is not synchronised. */
  readonly synchronised: boolean;
  /** False where nothing states the date: a recording without one is given the date of its replay, and whoever shows it has to say so. */
  readonly dated: boolean;
  /** Bound of the error of an interval between two frames (not of the date), 1 sigma. */
  readonly intervalError: Milliseconds;
}

/** Time is an argument: whoever needs it is given one of these. */
export interface Clock {
  /** Date and time now. */
  utc(): UtcMilliseconds;
  /** A time that never steps back; only differences have a meaning. */
  monotonic(): Milliseconds;
  state(): ClockState;
}

export const systemClock: Clock = {
  utc: () => utcMilliseconds(Date.now()),
  monotonic: () => milliseconds(performance.now()),
  state: () => ({ source: 'system', synchronised: false, dated: true, intervalError: milliseconds(1) }),
};

/** Resolves after `time`, or at once when the signal is aborted; never rejects. */
export function sleep(time: Milliseconds, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, time);
    signal?.addEventListener('abort', done, { once: true });
  });
}
