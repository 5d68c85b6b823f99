import { firstFault, isAtalayaError } from '../kernel/errors.ts';
import type { Timer } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds, type UtcMilliseconds } from '../kernel/units.ts';
import type { UnitStanding } from './remote/unit-remote.ts';
import type { RunResult, UnitIo } from './unit.ts';

/** What the runs of one call came to. */
export interface Runs {
  /** Of the last one; undefined where it was stopped before it saw anything. */
  readonly last: RunResult | undefined;
  /** Infractions whose evidence was lost, in all of them. */
  readonly lost: number;
  /** The program of another slot is to take this one's place. */
  readonly gives: boolean;
  readonly lastFrame: UtcMilliseconds | undefined;
}

export interface RunsOptions {
  /** One run, from opening everything to closing it. */
  readonly run: (onStanding: NonNullable<UnitIo['onStanding']>) => Promise<RunResult>;
  readonly stopped: AbortSignal;
  readonly timer: Timer;
  /** A run has failed, and another one follows. */
  readonly tell: (fault: unknown) => void;
  /** A run that is to begin anew does not come to its end: only the end of the process helps, after which whoever manages it starts it. */
  readonly stuck: () => void;
}

/** Before a run that follows a failed one: what that one had open may take a moment to come free. */
const AFTER_FAULT: Milliseconds = milliseconds(1000);

/** What a run that is to begin anew is given to come to its end, its report included. */
const REST: Milliseconds = milliseconds(120_000);

/**
 * Runs the unit until it ends for good: its source has ended, a person has stopped it, it failed by itself, or it gives way to the program
 * of another slot.
 *
 * A run that ended in order to begin anew is followed by another. So is one that failed while a configuration was on trial: the keeper
 * counts the starts, gives the trial back when they are used up, and the unit then runs with what was confirmed. So this ends by itself, unless
 * documents or commands keep coming. Throws what the last run failed with.
 */
export async function runUntilDone({ run, stopped, timer, tell, stuck }: RunsOptions): Promise<Runs> {
  for (let lost = 0; ; ) {
    let standing: (() => UnitStanding) | undefined;
    const ended = new AbortController();
    try {
      const last = await run((given) => {
        standing = given;
        given().restart.addEventListener('abort', () => {
          void timer.sleep(REST, ended.signal).then(() => (ended.signal.aborted ? undefined : stuck()));
        });
      });
      lost += last.record.counts.lost;
      const { gives = false, lastFrame } = standing?.() ?? {};
      if (gives || !last.again || stopped.aborted) return { last, lost, gives: gives && !stopped.aborted, lastFrame };
    } catch (error) {
      const fault = firstFault(error);
      // Stopped by a person while something was still being opened: nothing was seen, nothing is lost.
      if (stopped.aborted && fault instanceof Error && fault.name === 'AbortError')
        return { last: undefined, lost, gives: false, lastFrame: undefined };
      const { onTrial = false, restarting = false, gives = false } = standing?.() ?? {};
      // Another unit runs with these data: its trial is not ours to use up.
      // What did not close may still be held by children of this process, and the next program would find it busy: so the process ends, with all
      // of them, and whoever manages it starts the launcher.
      if (gives) throw error;
      const follows = (onTrial || restarting) && !stopped.aborted && !isAtalayaError(fault, 'store-locked');
      if (!follows) throw error;
      tell(fault);
      await timer.sleep(AFTER_FAULT, stopped);
      if (stopped.aborted) return { last: undefined, lost, gives: false, lastFrame: undefined };
    } finally {
      ended.abort();
    }
  }
}
