import { join } from 'node:path';
import { milliseconds } from '../../kernel/units.ts';
import type { Bench } from './bench.ts';
import type { AskedCase, Told } from './bench-report.ts';
import type { Suites } from './chosen-cases.ts';
import { startBroker } from './host-broker.ts';
import { type MachineParts, MachineSilent } from './machine.ts';
import type { Results } from './results.ts';

const bootDeadline = milliseconds(180_000);
/** A case has its own deadline inside; this one is for a machine that hangs. */
const caseDeadline = milliseconds(600_000);

/** Tells the suites that cannot be loaded. */
export function tellBroken({ broken }: Suites, results: Results): void {
  for (const { suite, reason } of broken) {
    results.add({ suite, name: 'is loaded', outcome: 'failed', seconds: 0, notes: [], reason });
  }
}

/** Runs the cases that show a time, or all others; no machine is started for nothing. */
export async function runSuites(bench: Bench, suites: Suites, timed: boolean, results: Results): Promise<void> {
  const cases = suites.cases.filter((one) => one.timed === timed);
  if (cases.length > 0) await runOn(bench, cases, timed ? 'instructions' : 'host', results);
}

/** Runs suites inside one machine. One that hangs or ends is a failure of the case that was running. */
async function runOn(
  bench: Bench,
  cases: readonly AskedCase[],
  clock: MachineParts['clock'],
  results: Results,
): Promise<void> {
  const name = clock === 'host' ? 'suites' : 'timed-suites';
  const broker = await startBroker(join(bench.folder, name));
  let running: Extract<Told, { kind: 'begins' }> | undefined;
  try {
    const machine = await bench.start(name, { kind: 'cases', cases, broker: broker?.url }, clock);
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
