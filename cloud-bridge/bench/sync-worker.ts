import { explain } from '../../device/kernel/errors.ts';
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

process.once('message', (job: Job) => {
  work(job)
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ fault: explain(error) }),
    )
    .then((answer) => process.send?.(answer, () => process.exit(0)));
});

// Nobody is left to be told.
process.once('disconnect', () => process.exit(1));
