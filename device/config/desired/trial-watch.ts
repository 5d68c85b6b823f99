import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { KeeperOptions } from './keeper-options.ts';
import type { TrialProbe } from './keeper-plan.ts';
import type { Trial } from './keeper-state.ts';

type Watching = Pick<KeeperOptions, 'clock' | 'probe' | 'prove'>;

/** A trial as this process sees it: its running time by the clock that never steps, and what the unit has done in it. */
export class TrialWatch {
  readonly #options: Watching;
  readonly #trial: Trial;
  readonly #since: Milliseconds;
  /** From when on the unit runs with it. */
  #running: Milliseconds | undefined;
  #proving: Promise<void> | undefined;
  #sealed = false;
  #sealFault: string | undefined;

  constructor(options: Watching, trial: Trial) {
    this.#options = options;
    this.#trial = trial;
    this.#since = options.clock.monotonic();
  }

  get version(): number {
    return this.#trial.version;
  }

  /** Running time of the trial, with that of earlier starts. */
  get spent(): Milliseconds {
    return milliseconds(this.#trial.spentMs + this.#options.clock.monotonic() - this.#since);
  }

  /** Why nothing could be sealed. */
  get sealFault(): string | undefined {
    return this.#sealFault;
  }

  /** From now on the unit runs with it. */
  runs(): void {
    this.#running ??= this.#options.clock.monotonic();
  }

  /** What the unit has done since it runs with the configuration. Asks for something to be sealed until it is. */
  probe(): TrialProbe {
    const seen = this.#options.probe(this.#running ?? this.#since);
    if (!this.#sealed && !seen.evidenceSealed) this.#proving ??= this.#prove();
    return { ...seen, evidenceSealed: seen.evidenceSealed || this.#sealed };
  }

  async #prove(): Promise<void> {
    const { version, sha256 } = this.#trial;
    try {
      await this.#options.prove({ version, sha256 });
      this.#sealed = true;
    } catch (error) {
      this.#sealFault = error instanceof Error ? error.message : String(error);
    }
    this.#proving = undefined;
  }
}
