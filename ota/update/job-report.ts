import type { JobStatus, JobStep, JobUpdate } from '../contract/job.ts';
import type { SlotName } from '../contract/slots.ts';
import type { EndedJob, JobOutcome, UpdateState } from './update-state.ts';
import type { UpdateStep } from './update-step.ts';

type InForce = { readonly version: string; readonly release: number };

const ends: Readonly<Record<JobOutcome, { readonly status: JobStatus; readonly step: JobStep }>> = {
  succeeded: { status: 'SUCCEEDED', step: 'confirmed' },
  'rolled-back': { status: 'FAILED', step: 'rolled-back' },
  refused: { status: 'REJECTED', step: 'refused' },
  failed: { status: 'FAILED', step: 'failed' },
  canceled: { status: 'CANCELED', step: 'canceled' },
};

const inForceOf = ({ version, release }: InForce) => ({ version, release });

export const endedReport = ({ job, outcome, at, reasons }: EndedJob, inForce: InForce): JobUpdate => ({
  ...(job === undefined ? {} : { job }),
  at,
  ...ends[outcome],
  reasons: [...reasons],
  inForce: inForceOf(inForce),
});

export const refusedReport = (
  { at, reason }: { readonly at: string; readonly reason: string },
  inForce: InForce,
): JobUpdate => ({ at, status: 'REJECTED', step: 'refused', reasons: [reason], inForce: inForceOf(inForce) });

/** What of a job's way a step is; undefined for steps that are of no job, and for those that end one, which are reported when they have. */
const stages: Readonly<Record<UpdateStep['kind'], JobStep | undefined>> = {
  idle: undefined,
  wait: 'waiting',
  check: undefined,
  clean: undefined,
  download: 'downloading',
  prepare: 'installing',
  install: 'installing',
  carry: 'installing',
  complete: 'installing',
  switch: 'switching',
  adopt: undefined,
  restart: 'switching',
  test: 'trial',
  confirm: 'trial',
  'roll-back': 'trial',
  'go-back': undefined,
  decline: undefined,
  end: undefined,
  report: undefined,
};

interface StageFacts {
  readonly at: string;
  readonly inForce: InForce;
  readonly now: number;
  readonly running: SlotName;
}

/** What is said of the work on a job while it goes on; undefined where there is nothing to be said. `at` aside the same as long as nothing changes. */
export function stageReport(
  { job: held, trial }: UpdateState,
  step: UpdateStep,
  { at, inForce, now, running }: StageFacts,
): JobUpdate | undefined {
  const stage = stages[step.kind];
  const job = trial?.job ?? held?.job.id;
  if (stage === undefined || job === undefined) return undefined;
  const passed = held?.passed.map(({ reason }) => reason) ?? [];
  const tried = trial !== undefined && (stage === 'waiting' || stage === 'trial');
  const onTrial = tried && trial.slot === running;
  // How long a self-test has held changes every few seconds: whoever wants to know looks at the unit.
  const reasons = step.kind === 'wait' && !onTrial ? [...passed, step.reason] : passed;
  return {
    job,
    at,
    status: trial === undefined && held?.begun === false ? 'QUEUED' : 'IN_PROGRESS',
    step: onTrial ? 'trial' : tried ? 'switching' : stage,
    ...(step.kind === 'wait' && !onTrial && step.until - now > 60_000
      ? { waitsUntil: new Date(step.until).toISOString() }
      : {}),
    reasons: reasons.slice(0, 50),
    inForce: inForceOf(inForce),
  };
}
