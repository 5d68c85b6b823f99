import { milliseconds } from '../../kernel/units.ts';
import type { Bench } from './bench.ts';
import type { Told } from './bench-report.ts';
import { startBroker } from './host-broker.ts';
import { MachineSilent } from './machine.ts';
import type { Results } from './results.ts';

const bootDeadline = milliseconds(180_000);
/** A case has its own deadline inside; this one is for a machine that hangs. */
const caseDeadline = milliseconds(600_000);

/** Runs the suites: first all that shows no time, then what does. */
export async function runSuites(bench: Bench, only: string | undefined, results: Results): Promise<void> {
  for (const timed of [false, true]) await runOn(bench, only, timed, results);
}

/** Runs suites inside one machine. One that hangs or ends is a failure of the case that was running. */
async function runOn(bench: Bench, only: string | undefined, timed: boolean, results: Results): Promise<void> {
  const broker = await startBroker(bench.folder);
  let running: Extract<Told, { kind: 'begins' }> | undefined;
  try {
    const machine = await bench.start(
      timed ? 'timed-suites' : 'suites',
      { kind: 'cases', only, broker: broker?.url, timed },
      timed ? 'instructions' : 'host',
    );
    await machine.until('up', bootDeadline);
    for (;;) {
      const told = await machine.next(caseDeadline, running === undefined ? 'case' : `end of ${running.name}`);
      if (told.kind === 'begins') running = told;
      if (told.kind === 'case') {
        running = undefined;
        results.add(told);
      }
      if (told.kind === 'up') throw new MachineSilent('the machine started anew by itself');
      if (told.kind === 'done') {
        if (told.status !== 0) throw new MachineSilent(told.errors);
        return;
      }
    }
  } catch (error) {
    if (!(error instanceof MachineSilent)) throw error;
    const { suite, name } = running ?? { suite: 'machine', name: 'starts, and runs its suites' };
    results.add({ suite, name, outcome: 'failed', seconds: 0, notes: [], reason: error.message });
  } finally {
    await bench.cutAll();
    await broker?.stop();
  }
}
