import { updateJob } from '../contract/job.ts';
import type { TrialAllowance } from '../contract/slots.ts';
import type { TrialRecord } from './update-state.ts';

/** Terms of a trial that no job states. */
export const usualTrial = updateJob.shape.trial.parse(undefined);

/** Minutes that whoever guards the launcher leaves the unit beyond its own deadline: it knows why a trial failed. */
const graceMinutes = 2;

/** What the slots are told of a trial. */
export const trialAllowance = ({
  starts,
  deadlineSeconds,
}: Pick<TrialRecord, 'starts' | 'deadlineSeconds'>): TrialAllowance => ({
  starts,
  minutes: Math.ceil(deadlineSeconds / 60) + graceMinutes,
});
