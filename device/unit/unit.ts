import { systemClock } from '../kernel/clock.ts';
import { explain } from '../kernel/errors.ts';
import { openDisciplinedClock } from '../kernel/linux/clock-state.ts';
import { RunConsole } from '../report/console.ts';
import type { TerminalEnvironment, TerminalStream } from '../report/terminal.ts';
import { loadTruth } from '../report/truth-schema.ts';
import { UnitRemote, type UnitStanding } from './remote/unit-remote.ts';
import type { RunSettings } from './settings.ts';
import { type RoadIo, type RunResult, watchRoad } from './watch.ts';

export type { RunResult } from './watch.ts';

export interface UnitIo extends Omit<RoadIo, 'console' | 'clock'> {
  readonly stream: TerminalStream;
  readonly environment: TerminalEnvironment;
  /** Given, as soon as the configuration of this run is known, what tells how the unit stands; it may be asked after the end. */
  readonly onStanding?: (standing: () => UnitStanding) => void;
}

/**
 * The composition root: settles what to run with, opens every adapter, runs the pipeline until the source ends or the signal comes, closes
 * everything in the order in which nothing is lost, and writes the report.
 *
 * Returns the run's record and, where a truth was given, the comparison. Throws what stopped the run; what was sealed before stays
 * sealed, and the report says how far it came.
 */
export async function runUnit(settings: RunSettings, io: UnitIo, stopped: AbortSignal): Promise<RunResult> {
  const clock = openDisciplinedClock(systemClock);
  const { stream, environment, onLines, onStanding, guard } = io;
  const truth = settings.truth === undefined ? undefined : await loadTruth(settings.truth);
  await using open = new AsyncDisposableStack();
  const console = new RunConsole({ stream, clock, environment });
  open.defer(() => console.close());
  const remote = await UnitRemote.open(
    settings.config,
    settings.scene,
    clock,
    (fault) => console.notice(explain(fault)),
    (sentence) => console.opening([sentence]),
    settings.components,
  );
  open.defer(() => remote.close());
  onStanding?.(() => remote.standing);
  try {
    await remote.checkCertificates();
    return await watchRoad(
      settings,
      remote,
      truth,
      { console, onLines, clock, ...(guard === undefined ? {} : { guard }) },
      stopped,
    );
  } catch (error) {
    if (!stopped.aborted) await remote.failed(error);
    throw error;
  }
}
