import type { Bench, Scenario } from './bench.ts';
import type { CaseReport } from './bench-report.ts';
import { PassedOver } from './hardware-case.ts';

/** Prints a line a case as it becomes known, and counts. */
export class Results {
  readonly #print: (line: string) => void;
  readonly #counts: Record<CaseReport['outcome'], number> = { passed: 0, failed: 0, 'passed-over': 0 };

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add({ suite, name, outcome, seconds, notes, reason }: CaseReport): void {
    this.#counts[outcome] += 1;
    const mark = { passed: 'ok', failed: 'not ok', 'passed-over': 'passed over' }[outcome];
    this.#print(`${mark} - ${suite.replace(/\.hardware\.ts$/, '')}: ${name} (${seconds.toFixed(1)} s)`);
    for (const note of notes) this.#print(`    ${note}`);
    for (const line of reason?.split('\n') ?? []) this.#print(`    ${line}`);
  }

  /** Plays a scenario, which may start the machine many times. */
  async scenario({ name, says, play }: Scenario, bench: Bench): Promise<void> {
    const began = performance.now();
    const notes: string[] = [];
    const judged = (outcome: CaseReport['outcome'], reason?: string): void =>
      this.add({
        suite: `scenario ${name}`,
        name: says,
        outcome,
        seconds: (performance.now() - began) / 1000,
        notes,
        reason,
      });
    try {
      await play(bench, (note) => notes.push(note));
      judged('passed');
    } catch (error) {
      if (error instanceof PassedOver) judged('passed-over', error.message);
      else judged('failed', error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      await bench.cutAll();
    }
  }

  /** The last line; the exit status. That nothing ran at all is no pass. */
  finish(): number {
    const { passed, failed, 'passed-over': over } = this.#counts;
    if (over > 0) this.#print(`${over} passed over`);
    this.#print(`${passed} passed, ${failed} failed`);
    return failed > 0 || passed === 0 ? 1 : 0;
  }
}
