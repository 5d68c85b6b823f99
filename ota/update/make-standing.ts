import { stageReport } from './job-report.ts';
import type { UpdateDesk } from './update-desk.ts';
import type { Answer } from './update-session.ts';
import type { UpdateStanding } from './update-standing.ts';
import type { UpdateFacts, UpdateStep } from './update-step.ts';

/** Where an update stands while a step is done. */
export function standingOf(
  desk: UpdateDesk,
  step: UpdateStep,
  { slots, trial, now }: UpdateFacts,
  {
    fault,
    answer,
  }: { readonly fault: string | undefined; readonly answer: (Answer & { readonly id: string }) | undefined },
): UpdateStanding {
  const { state, session } = desk;
  const { version, release } = desk.programOf(slots.running);
  const at = desk.at();
  const stage = stageReport(state, step, { at, inForce: { version, release }, now, running: slots.running.slot });
  const id = state.job?.job.id ?? state.trial?.job;
  const last = state.ended.at(-1);
  const refusal = state.refusals.at(-1);
  return {
    at,
    running: { slot: slots.running.slot, version, release },
    ...(slots.trial === undefined || state.trial === undefined
      ? {}
      : {
          trial: {
            slot: slots.trial.slot.slot,
            startsLeft: slots.trial.startsLeft,
            used: Math.floor(trial.usedSeconds),
            deadline: state.trial.deadlineSeconds,
            held: Math.floor(trial.heldSeconds),
            hold: state.trial.holdSeconds,
            failing: [...(trial.failing ?? [])],
          },
        }),
    ...(id === undefined
      ? {}
      : {
          job: {
            id,
            step: stage?.step ?? 'checking',
            reasons: [...(stage?.reasons ?? [])],
            ...(stage?.waitsUntil === undefined ? {} : { waitsUntil: stage.waitsUntil }),
            ...(session.progress === undefined
              ? {}
              : { progress: { done: session.progress.done, total: session.progress.total } }),
          },
        }),
    ...(last === undefined
      ? {}
      : {
          last: {
            outcome: last.outcome,
            at: last.at,
            reasons: last.reasons,
            ...(last.job === undefined ? {} : { job: last.job }),
          },
        }),
    ...(refusal === undefined ? {} : { refused: { at: refusal.at, reason: refusal.reason } }),
    ...(fault === undefined ? {} : { fault }),
    ...(answer === undefined ? {} : { answer }),
  };
}
