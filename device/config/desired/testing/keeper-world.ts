import type { Reported } from '../../../../cloud-bridge/contract/state.ts';
import type { AtalayaError } from '../../../kernel/errors.ts';
import { ManualClock } from '../../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../../kernel/testing/memory-files.ts';
import type { Config } from '../../config-schema.ts';
import { ConfigKeeper } from '../config-keeper.ts';
import type { KeeperOptions } from '../keeper-options.ts';
import type { TrialProbe } from '../keeper-plan.ts';
import type { ConfigAct } from '../keeper-state.ts';
import type { Needs } from '../settings.ts';
import type { UnitFacts } from '../unit-facts.ts';
import { baseConfig, type Cast, facts, today } from './signed.ts';

export const folder = '/data/config';

export interface Applied {
  readonly config: Config;
  readonly changed: readonly string[];
  readonly needs: Needs;
}

/** A unit around a keeper: its disk, its clock, and what it was asked to do. Each start is another keeper on the same disk. */
export class KeeperWorld {
  files = new MemoryFiles();
  clock = new ManualClock(today);
  base: Config = baseConfig();
  facts: UnitFacts = facts;
  /** What the unit can do under the configuration in force. */
  works: TrialProbe = { brokerReached: true, framesSeen: true, evidenceSealed: false };
  proves: () => Promise<void> = async () => {};
  applies: (config: Config) => Promise<void> = async () => {};
  audits: (act: ConfigAct) => Promise<void> = async () => {};
  /** Whether the keeper has asked for a start. */
  startDue = false;
  readonly applied: Applied[] = [];
  readonly reports: Reported[] = [];
  readonly acts: ConfigAct[] = [];
  readonly problems: AtalayaError[] = [];
  readonly #cast: Cast;
  #keeper: ConfigKeeper | undefined;

  constructor(cast: Cast) {
    this.#cast = cast;
  }

  get keeper(): ConfigKeeper {
    if (this.#keeper === undefined) throw new Error('the unit has not started');
    return this.#keeper;
  }

  /** The newest report, as `outcome version: reasons`. */
  get told(): string {
    const { outcome, version, reasons } = this.keeper.reported();
    return [`${outcome}${version === undefined ? '' : ` ${version}`}`, ...reasons].join(': ');
  }

  get inForce(): number {
    return this.keeper.reported().inForce.version;
  }

  /** A start of the program; what it runs with. */
  async start(): Promise<Config> {
    this.startDue = false;
    this.#keeper = await ConfigKeeper.open(this.options());
    return this.#keeper.effective();
  }

  options(): KeeperOptions {
    return {
      folder,
      files: this.files,
      base: this.base,
      facts: this.facts,
      people: () => this.#cast.people,
      clock: this.clock,
      timer: this.clock,
      apply: async (config, changed, needs) => {
        this.applied.push({ config, changed, needs });
        this.startDue ||= needs === 'restart';
        await this.applies(config);
      },
      probe: () => this.works,
      prove: () => this.proves(),
      report: (reported) => {
        this.reports.push(reported);
      },
      audit: async (act) => {
        await this.audits(act);
        this.acts.push(act);
      },
      problem: (fault) => {
        this.problems.push(fault);
      },
    };
  }

  /** Lets time pass, with a tick each so many milliseconds. */
  async pass(time: number, every = 1000): Promise<void> {
    for (let left = time; left > 0; left -= every) {
      await this.clock.advance(Math.min(every, left));
      await this.keeper.tick();
    }
  }
}
