import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { supervise } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';

export interface KeyWatch {
  /** Fingerprint of the key in force; undefined where there is none. */
  readonly key: () => Promise<string | undefined>;
  /** Shows which key it is now. */
  readonly show: () => Promise<void>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly signal: AbortSignal;
}

/** Pause between two looks. */
const pause = milliseconds(2000);

/**
 * Shows the key again whenever it is another one than was last shown: a renewal that was put in place by stick, a wipe. Ends with `signal`.
 * What cannot be read, or is locked while it changes, is looked at again after a pause.
 */
export async function watchKey(shown: string, { key, show, clock, timer, signal }: KeyWatch): Promise<void> {
  let last: string | undefined = shown;
  await supervise(
    async ({ signal: ending, beat }) => {
      for (;;) {
        await timer.sleep(pause, ending);
        if (ending.aborted) return;
        beat();
        try {
          const now = await key();
          if (now !== undefined && now === last) continue;
          await show();
          last = now ?? (await key());
        } catch (error) {
          if (!(error instanceof AtalayaError)) throw error;
        }
      }
    },
    {
      name: 'looking whether the key has changed',
      signal,
      clock,
      timer,
      random: Math.random,
      backoff: { first: pause, most: milliseconds(60_000) },
      deadline: milliseconds(60_000),
      grace: milliseconds(5000),
    },
  );
}
