import { mayAsk, waitForNextDay } from './bytes-of-day.ts';
import { planJob } from './plan-job.ts';
import { planTrial } from './plan-trial.ts';
import type { UpdateState } from './update-state.ts';
import type { UpdateFacts, UpdateStep } from './update-step.ts';

/**
 * What is done next: a function of what is remembered and of what is the case, and of nothing else.
 *
 * Guarantees: no slot is switched to but one that holds a verified job's targets; a job that has ended is not begun again; every plan is a
 * step that goes on, or a wait with its reason and its end; a job's downloads and its switch lie inside the windows of job and unit.
 */
export function planUpdate(state: UpdateState, facts: UpdateFacts): UpdateStep {
  const { now, word } = facts;
  if (facts.restartAsked) return wait(now + patience, 'restarting: the start of the other slot was asked for');
  const resume = facts.resume !== undefined && facts.resume.at > now ? facts.resume : undefined;
  const trial = planTrial(state, facts);
  // A fault holds up the step that failed, and no other that a trial asks for: its end, and a person's word, come through.
  if (trial !== undefined) return trial.kind === resume?.of ? wait(resume.at, resume.reason) : trial;
  if (resume !== undefined) return wait(resume.at, resume.reason);
  const untold = [...state.ended, ...state.refusals].some(({ told }) => !told);
  if (untold && facts.mayReport) return { kind: 'report' };
  if (word !== undefined) return planWord(word, state, facts);
  const asks = mayAsk(facts.check, state, now, facts.limits);
  if (facts.check !== undefined && asks) return { kind: 'check', from: facts.check };
  // Nobody knows yet what of it is wanted still.
  if (state.litter && !(facts.forgot && state.job === undefined)) return { kind: 'clean', free: false };
  if (state.job !== undefined) return planJob(state.job, state, facts);
  if (!asks) return waitForNextDay(now, facts.limits.bytesPerDay ?? Infinity);
  // Without a link, or a clock, nobody can be asked though it is time.
  return { kind: 'idle', until: facts.nextCheck > now ? facts.nextCheck : now + patience };
}

/** Without a trial. */
function planWord(word: NonNullable<UpdateFacts['word']>, state: UpdateState, { slots }: UpdateFacts): UpdateStep {
  if (word.kind === 'confirm') return { kind: 'decline', reason: 'nothing is on trial: what runs is confirmed' };
  if (slots.before === undefined && state.job?.begun === true)
    return { kind: 'decline', reason: `job ${state.job.job.id} has taken the place of the version before` };
  return { kind: 'go-back', reason: word.reason };
}

const patience = 60_000;
const wait = (until: number, reason: string): UpdateStep => ({ kind: 'wait', until, reason });
