import type { CaptureTime } from '../capture/frame.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';

interface Timed {
  readonly frame: number;
  readonly time: CaptureTime;
}

/** The instant a share of the way from one to the other, its frame rounded to the nearer by number. */
export function instant(a: Timed, b: Timed, share: number): Timed {
  const mix = (from: number, to: number): number => from + (to - from) * share;
  return {
    frame: Math.round(mix(a.frame, b.frame)),
    time: {
      utc: utcMilliseconds(mix(a.time.utc, b.time.utc)),
      elapsed: milliseconds(mix(a.time.elapsed, b.time.elapsed)),
      clock: b.time.clock,
    },
  };
}
