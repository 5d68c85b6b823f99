import type { Clock } from '../kernel/clock.ts';
import { type ActiveMeasure, type DegradedModes, measureSentence, nothingGivenUp, planDegradation } from './degrade.ts';
import { type Measure, measureWords, type Step, usualSteps } from './degrade-measures.ts';
import type { HealthFacts } from './health-facts.ts';

/**
 * What puts each measure into force and takes it back; `stated` has nothing to switch, since records, alerts and figures say it by
 * themselves. Called again and again while it is in force, so it does the same thing twice without harm; must not throw.
 */
export type Switches = Readonly<Record<Measure, 'stated' | ((inForce: boolean) => void)>>;

export interface DegradeKeeperOptions {
  readonly switches: Switches;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly steps?: readonly Step[];
  /** A sentence for whoever looks at the console, at each change. */
  readonly tell: (sentence: string) => void;
}

/** Gives up what the plan says, and takes it back; in one process the modes begin with nothing given up. */
export class DegradeKeeper {
  readonly #options: DegradeKeeperOptions;
  #modes: DegradedModes = nothingGivenUp;

  constructor(options: DegradeKeeperOptions) {
    this.#options = options;
  }

  /** In force now, in the order in which they are missed. */
  get measures(): readonly ActiveMeasure[] {
    return this.#modes.measures;
  }

  look(facts: HealthFacts): void {
    const { switches, clock, steps = usualSteps, tell } = this.#options;
    const before = new Set(this.#modes.measures.map(({ measure }) => measure));
    this.#modes = planDegradation(facts, this.#modes, clock.monotonic(), steps);
    for (const active of this.#modes.measures) {
      set(switches[active.measure], true);
      if (!before.delete(active.measure)) tell(`given up: ${measureSentence(active)}`);
    }
    for (const measure of before) {
      set(switches[measure], false);
      tell(`taken back: ${measureWords[measure].gives}`);
    }
  }

  /** Takes everything back: the run ends, and what was switched may outlive it. */
  close(): void {
    for (const { measure } of this.#modes.measures) set(this.#options.switches[measure], false);
    this.#modes = nothingGivenUp;
  }
}

function set(one: Switches[Measure], inForce: boolean): void {
  if (one !== 'stated') one(inForce);
}
