import type { Milliseconds, UtcMilliseconds } from '../kernel/units.ts';

export type Phase = 'red' | 'amber' | 'green' | 'off';

/** What is known of a signal head at a moment. `unknown` never accuses anybody. */
export type PhaseReading =
  | {
      readonly known: true;
      readonly phase: Phase;
      readonly since: UtcMilliseconds;
      readonly source: 'schedule' | 'input-line';
    }
  | { readonly known: false; readonly reason: string };

/** The phase of a signal head at a moment. Two adapters: a schedule from the scene, and input lines wired to the controller. */
export interface PhaseSource {
  /** `time` is the frame's date, `elapsed` the time since the source began: a recording's schedule is given in the latter. */
  phaseAt(head: string, time: UtcMilliseconds, elapsed: Milliseconds): PhaseReading;
}
