import type { Phase } from '../judge/phase.ts';
import type { Milliseconds } from '../kernel/units.ts';

/** A stretch of time from `from` to the next one's, in monotonic time. */
export type Stretch =
  | { readonly from: Milliseconds; readonly phase: Phase }
  | { readonly from: Milliseconds; readonly phase: undefined; readonly reason: string };

type Lamp = 'red' | 'amber' | 'green';

/** Of one head: some minutes at any usual cycle. */
const longest = 64;

/** What one signal head showed and when, as far as it is known. */
export class PhaseHistory {
  readonly #stretches: Stretch[] = [];

  /** The stretch that a moment lies in, undefined before the first. */
  at(time: Milliseconds): Stretch | undefined {
    return this.#stretches.findLast(({ from }) => from <= time);
  }

  /** Takes what the lamps show from a moment on. */
  add(from: Milliseconds, lit: (lamp: Lamp) => boolean | undefined): void {
    this.#push(decode(from, lit));
  }

  /** Takes back what was believed from a moment on. */
  doubt(from: Milliseconds, reason: string): void {
    while ((this.#stretches.at(-1)?.from ?? -1) > from) this.#stretches.pop();
    this.#push({ from, phase: undefined, reason });
  }

  #push(stretch: Stretch): void {
    const last = this.#stretches.at(-1);
    if (last?.phase !== undefined && last.phase === stretch.phase) return;
    this.#stretches.push(stretch);
    if (this.#stretches.length > longest) this.#stretches.shift();
  }
}

/**
 * Red with amber is red: it announces the green and forbids as red does (Vienna Convention on Road Signs and Signals, article 23).
 * Green with another lamp contradicts itself, also in the moment between two phases in which both lines are high.
 */
function decode(from: Milliseconds, lit: (lamp: Lamp) => boolean | undefined): Stretch {
  const red = lit('red');
  const amber = lit('amber');
  const green = lit('green');
  if (green && (red || amber)) {
    return { from, phase: undefined, reason: `green and ${red ? 'red' : 'amber'} are lit at the same time` };
  }
  if (red) return { from, phase: 'red' };
  if (amber) return { from, phase: 'amber' };
  if (green) return { from, phase: 'green' };
  if (amber === undefined || green === undefined) {
    return { from, phase: undefined, reason: 'none of the wired lamps is lit, and not all are wired' };
  }
  return { from, phase: 'off' };
}
