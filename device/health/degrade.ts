import type { Milliseconds } from '../kernel/units.ts';
import {
  type Cause,
  causeTimes,
  figureOf,
  type Measure,
  measureNames,
  measureWords,
  reasonOf,
  type Step,
  usualSteps,
} from './degrade-measures.ts';
import type { HealthFacts } from './health-facts.ts';

/** How one step stands. */
interface StepState {
  readonly inForce: boolean;
  /** Since when its figure has been on the other side, monotonic ms; undefined where it is not. */
  readonly turning: number | undefined;
  /** The figure that it was entered with. */
  readonly figure: number;
}

/** A measure that is in force, with every cause that wants it. */
export interface ActiveMeasure {
  readonly measure: Measure;
  readonly causes: readonly Cause[];
  /** One clause a cause, with the figure by which it was entered. */
  readonly reasons: readonly string[];
}

/** What is given up at one moment. */
export interface DegradedModes {
  /** In the order of `measureNames`. */
  readonly measures: readonly ActiveMeasure[];
  /** In the order of the steps that it was planned with. */
  readonly steps: readonly StepState[];
}

export const nothingGivenUp: DegradedModes = { measures: [], steps: [] };

/**
 * What is to be given up now, by what was given up before. Pure.
 *
 * Each step is by itself: entered when its figure has lasted, left when it has been below its lower bound for long enough. So more heat
 * never gives fewer measures, whatever came before, and a figure that trembles about a bound changes nothing. A figure that is not known
 * leaves its steps as they are, and lets their times begin anew. `steps` are the same from call to call.
 */
export function planDegradation(
  facts: HealthFacts,
  before: DegradedModes,
  now: Milliseconds,
  steps: readonly Step[] = usualSteps,
): DegradedModes {
  const next = steps.map((step, i) => stepAt(step, before.steps[i] ?? calm, figureOf(step.cause, facts), now));
  const measures = measureNames.flatMap((measure): ActiveMeasure[] => {
    const wanting = new Map<Cause, string>();
    steps.forEach(({ cause, measures: wanted }, i) => {
      const state = next[i];
      if (state?.inForce && wanted.includes(measure)) wanting.set(cause, reasonOf(cause, state.figure));
    });
    return wanting.size === 0 ? [] : [{ measure, causes: [...wanting.keys()], reasons: [...wanting.values()] }];
  });
  return { measures, steps: next };
}

const calm: StepState = { inForce: false, turning: undefined, figure: 0 };

function stepAt(step: Step, before: StepState, figure: number | undefined, now: number): StepState {
  const { inForce } = before;
  if (figure === undefined) return { ...before, turning: undefined };
  const wants = inForce ? figure >= step.leave : figure >= step.enter;
  if (wants === inForce) return { ...before, turning: undefined };
  const turning = before.turning ?? now;
  const { patience, relief } = causeTimes[step.cause];
  if (now - turning < (wants ? patience : relief)) return { ...before, turning };
  return { inForce: wants, turning: undefined, figure };
}

/** What a person reads of a measure: `plates are looked at ...: the processor has 76 degrees`. */
export function measureSentence({ measure, reasons }: ActiveMeasure): string {
  return `${measureWords[measure].gives}: ${reasons.join('; ')}`;
}
