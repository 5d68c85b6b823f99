import { answerJob } from '../../device/bench/job-process.ts';
import { sendBare } from './sync-bare-loop.ts';
import { drainQueues } from './sync-drain-queues.ts';
import { runFleetJob } from './sync-fleet-job.ts';
import type { Job, JobResults } from './sync-jobs.ts';

/** Does one job and ends. */

function work(job: Job): Promise<JobResults[Job['kind']]> {
  switch (job.kind) {
    case 'bare':
      return sendBare(job);
    case 'drain':
      return drainQueues(job);
    case 'fleet':
      return runFleetJob(job);
  }
}

answerJob(work);
