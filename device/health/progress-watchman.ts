import type { Clock } from '../kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { type Random, supervise } from '../kernel/supervise.ts';
import type { Timer } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import {
  type Heartbeat,
  judgeProgress,
  type Progress,
  type ProgressFacts,
  type ProgressLimits,
  type RunFacts,
  usualProgressLimits,
} from './progress.ts';
import {
  machineRestarts,
  planRestart,
  type RestartKeeper,
  type RestartLimits,
  usualRestartLimits,
} from './progress-restarts.ts';

/** The machine's watchdog, as `device/kernel/linux/hardware-watchdog.ts` has it. */
export interface Hardware {
  readonly facts: { readonly resetByWatchdog: boolean };
  feed(): void;
  close(then: 'stop' | 'leave-running'): void;
}

export interface WatchmanOptions {
  readonly heartbeat: Heartbeat;
  /** Two beats are at most so far apart: half of what the manager of services and the watchdog wait for, or less. */
  readonly every: Milliseconds;
  /** Opens the machine's watchdog; undefined where there is none. Throws what it is refused with. Absent: it is not used. */
  readonly openHardware?: () => Hardware | undefined;
  /** What is remembered of restarts; absent: none is asked for, since nobody would start this program again. */
  readonly restarts?: RestartKeeper;
  readonly tell: (sentence: string) => void;
  readonly onFault: (fault: AtalayaError) => void;
  readonly clock: Pick<Clock, 'utc' | 'monotonic' | 'state'>;
  readonly timer: Timer;
  readonly random: Random;
  readonly limits?: ProgressLimits;
  readonly restartLimits?: RestartLimits;
}

/** What a run tells the watchman. */
export interface RunGuard {
  /** Something is being opened, and has a time to be open in. */
  opening(): void;
  /** Everything is open: from now on the run is held to its facts. */
  running(facts: () => RunFacts): void;
  /** The run comes to its end; another may follow. */
  ending(): void;
  /** Aborted, with the fault as its reason, when the run is to end as failed for its program to be started again. */
  readonly giveUp: AbortSignal;
}

/** From the last sign of life of one program to the first of the next: the launcher's work, and all modules from a slow card. */
const START_PATIENCE = milliseconds(120_000);

/**
 * Feeds watchdogs while the program does its work, and only then.
 *
 * Guarantees: the machine's watchdog is armed only after a frame was judged, so a unit that never comes so far resets no machine, or where
 * `planRestart` wants the machine started again; it is not armed after `machineADay` resets in 24 h; a fault of it is told and never ends
 * the run. When this program lets go of it, it is stopped, unless the program was stuck or the machine is to be started again: then it runs
 * on, and resets the machine where no frame is judged in time.
 */
export class Watchman implements RunGuard {
  readonly #options: WatchmanOptions;
  readonly #stopping = new AbortController();
  #work: Promise<unknown> = Promise.resolve();
  #facts: () => ProgressFacts;
  #hardware: Hardware | 'not-yet' | 'none' = 'not-yet';
  #said: Progress['kind'] = 'progress';
  /** From when it was stuck until a run makes progress again: that it is told to end cures nothing. */
  #stuck = false;
  #planned: 'program' | 'machine' | undefined;
  readonly #givingUp = new AbortController();
  #ready = false;

  constructor(options: WatchmanOptions) {
    this.#options = options;
    this.#facts = this.#phase('opening');
  }

  begin(): void {
    const { clock, timer, random, every, onFault } = this.#options;
    this.#work = supervise(({ signal, beat }) => this.#run(signal, beat), {
      name: 'watchman',
      signal: this.#stopping.signal,
      clock,
      timer,
      random,
      backoff: { first: milliseconds(100), most: every },
      deadline: milliseconds(6 * every),
      grace: milliseconds(1000),
      onFault,
    }).catch((error: unknown) => onFault(error as AtalayaError));
  }

  opening(): void {
    this.#facts = this.#phase('opening');
  }

  running(facts: () => RunFacts): void {
    this.#facts = () => ({ phase: 'running', run: facts() });
    if (this.#ready) return;
    this.#ready = true;
    this.#options.heartbeat.ready();
  }

  ending(): void {
    this.#facts = this.#phase('ending');
  }

  /** The program has been told to end. */
  stopping(): void {
    this.#options.heartbeat.stopping();
    this.ending();
  }

  /** Another program takes over under the same process id; the manager sees one process that says nothing while it starts. May be called after `close`. */
  givesWay(): void {
    this.#options.heartbeat.within(START_PATIENCE);
  }

  get giveUp(): AbortSignal {
    return this.#givingUp.signal;
  }

  /** Lets go of the machine's watchdog, and feeds nothing any more; for whoever ends the process without waiting. May be called twice. */
  release(): void {
    this.#stopping.abort();
    if (typeof this.#hardware === 'object') this.#hardware.close(this.#runsOn() ? 'leave-running' : 'stop');
    this.#hardware = 'none';
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
    this.release();
  }

  /** One look; what a beat of the loop does. */
  async look(): Promise<Progress> {
    const { heartbeat, limits = usualProgressLimits } = this.#options;
    const facts = this.#facts();
    const progress = judgeProgress(facts, limits);
    heartbeat.status(progress.kind === 'stuck' ? `STUCK: ${progress.says}` : progress.says);
    this.#tell(progress, facts.phase);
    if (progress.kind === 'stuck') return progress;
    heartbeat.beat();
    await this.#feed(progress, facts);
    if (progress.kind === 'blind') await this.#mend(progress.lost);
    return progress;
  }

  async #run(signal: AbortSignal, beat: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      beat();
      await this.#options.timer.sleep(this.#options.every, signal);
    }
  }

  #phase(phase: 'opening' | 'ending'): () => ProgressFacts {
    const { clock } = this.#options;
    const from = clock.monotonic();
    return () => ({ phase, since: milliseconds(clock.monotonic() - from) });
  }

  #tell(progress: Progress, phase: ProgressFacts['phase']): void {
    const was = this.#said;
    this.#said = progress.kind;
    if (progress.kind === 'stuck') this.#stuck = true;
    else if (phase === 'running') this.#stuck = false;
    if (progress.kind === was) return;
    const { tell } = this.#options;
    if (progress.kind === 'stuck') tell(`no progress, and the watchdogs are not fed any more: ${progress.says}`);
    else if (was === 'stuck' && phase === 'running') tell(`progress again: ${progress.says}`);
  }

  async #feed(progress: Progress, facts: ProgressFacts): Promise<void> {
    const works = progress.kind === 'progress' && facts.phase === 'running' && facts.run.judged > 0;
    if (this.#hardware === 'not-yet' && works) this.#hardware = (await this.#arm()) ?? 'none';
    // After the arming, which tells whether the restart that was asked for has happened.
    if (works) await this.#options.restarts?.cured();
    if (typeof this.#hardware !== 'object' || this.#runsOn()) return;
    try {
      this.#hardware.feed();
    } catch (error) {
      this.#fault(error);
    }
  }

  async #arm(): Promise<Hardware | undefined> {
    const { openHardware, restarts, clock, restartLimits = usualRestartLimits, tell } = this.#options;
    const made = restarts === undefined ? 0 : machineRestarts(restarts.history, clock.utc()).length;
    if (openHardware === undefined) return undefined;
    if (made >= restartLimits.machineADay) {
      tell(`the machine's watchdog stays off: the machine was started again ${made} times in 24 h`);
      return undefined;
    }
    try {
      const hardware = openHardware();
      if (hardware?.facts.resetByWatchdog) await restarts?.machineWasReset();
      return hardware;
    } catch (error) {
      this.#fault(error);
      return undefined;
    }
  }

  async #mend(lost: Milliseconds): Promise<void> {
    const { restarts, clock, restartLimits = usualRestartLimits } = this.#options;
    if (restarts === undefined || this.#planned !== undefined) return;
    const planned = planRestart(lost, restarts.history, clock.utc(), restartLimits);
    if (planned === 'wait') return;
    const kind = planned === 'machine' && this.#hasHardware() ? 'machine' : 'program';
    if (!(await restarts.asked(kind))) return;
    this.#planned = kind;
    const again = kind === 'machine' ? 'the machine is started again by its watchdog' : 'the program is started again';
    this.#givingUp.abort(
      new AtalayaError('camera-unavailable', `no frame for ${Math.round(lost / 60_000)} min: ${again}`, {
        hint: 'Look at the camera, its cable and its power.',
      }),
    );
  }

  /** A watchdog that can reset the machine: it is opened for that where no frame was ever judged. */
  #hasHardware(): boolean {
    try {
      if (this.#hardware === 'not-yet') this.#hardware = this.#options.openHardware?.() ?? 'none';
    } catch (error) {
      this.#hardware = 'none';
      this.#fault(error);
    }
    return typeof this.#hardware === 'object';
  }

  #runsOn(): boolean {
    return this.#stuck || this.#planned === 'machine';
  }

  #fault(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.onFault(isAtalayaError(error) ? error : new AtalayaError('internal', reason, { cause: error }));
  }
}
