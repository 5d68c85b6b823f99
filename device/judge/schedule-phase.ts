import { type Milliseconds, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { PhaseName, SignalHead } from '../scene/scene.ts';
import type { PhaseReading, PhaseSource } from './phase.ts';

/** Signal phases from the scene: a schedule over the time of a recording, or a cycle that repeats. */
export class SchedulePhases implements PhaseSource {
  readonly #heads: ReadonlyMap<string, SignalHead>;

  constructor(heads: readonly SignalHead[]) {
    this.#heads = new Map(heads.map((head) => [head.name, head]));
  }

  phaseAt(head: string, time: UtcMilliseconds, elapsed: Milliseconds): PhaseReading {
    const plan = this.#heads.get(head)?.phases;
    if (plan === undefined) return { known: false, reason: `there is no signal head ${head}` };
    const now = elapsed / 1000;
    const reading = (phase: PhaseName, from: number): PhaseReading => ({
      known: true,
      phase,
      since: utcMilliseconds(time - (now - from) * 1000),
      source: 'schedule',
    });
    if (plan.kind === 'input')
      return { known: false, reason: `head ${head} is read from input lines, not from a schedule` };
    if (plan.kind === 'schedule') {
      const at = plan.spans.findIndex((span) => span.from <= now && now < span.to);
      const span = plan.spans[at];
      if (span === undefined)
        return { known: false, reason: `the schedule of head ${head} says nothing of second ${now.toFixed(2)}` };
      // Spans that follow each other without a gap in the same phase are one.
      let from = span.from;
      for (let i = at - 1; i >= 0; i--) {
        const before = plan.spans[i];
        if (before === undefined || before.to < from || before.phase !== span.phase) break;
        from = before.from;
      }
      return reading(span.phase, from);
    }
    const length = plan.steps.reduce((sum, step) => sum + step.seconds, 0);
    const into = (((now - plan.offset) % length) + length) % length;
    let begin = 0;
    for (const step of plan.steps) {
      if (into < begin + step.seconds) return reading(step.phase, now - (into - begin));
      begin += step.seconds;
    }
    return { known: false, reason: `the cycle of head ${head} has no step at second ${now.toFixed(2)}` };
  }
}
