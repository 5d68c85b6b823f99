import { z } from 'zod';
import { dailyWindow, jobStatuses, jobSteps, jobUpdate, updateJob } from '../../ota/contract/job.ts';
import { targetName } from '../../ota/contract/names.ts';
import { actId, instant, reason, shortText, unitId } from './names.ts';

/** Updates as the centre gives them to units and shows them to people. */

/** What units are to become, and how: a job but for what is of one unit. */
export const updateOrder = z.strictObject({
  /** Published whole targets. Of each component every unit gets the one that is for its hardware. */
  targets: z.array(targetName).min(1).max(40),
  /** A job that is not begun by then is refused by its unit. */
  expires: instant,
  trial: updateJob.shape.trial.unwrap().optional(),
  windows: z.array(dailyWindow).max(10).optional(),
  spreadSeconds: z.int().min(0).max(604_800).optional(),
  bytesPerSecond: z.int().min(1024).optional(),
  bytesPerDay: z.int().min(65_536).optional(),
});
export type UpdateOrder = z.infer<typeof updateOrder>;

/** How a job of a unit ended. */
export const jobEnd = z.looseObject({
  status: z.enum(jobStatuses),
  step: z.enum(jobSteps),
  at: instant,
  reasons: z.array(reason),
});
export type JobEnd = z.infer<typeof jobEnd>;

/** A job as the centre gave it to a unit. */
export const givenJob = z.looseObject({
  /** Counts the jobs of the unit, from 1. */
  number: z.int().min(1),
  job: z.looseObject({
    id: z.string(),
    /** None: what was given before is taken back. */
    install: z.array(z.string()),
    issued: instant,
    expires: instant,
  }),
  /** Name of who gave it. */
  by: shortText,
  rollout: actId.optional(),
  /** When the director had signed it; absent where it has not. */
  assigned: instant.optional(),
  /** Why it has not yet; it is asked again. */
  waits: reason.optional(),
  /** Why the director never will. */
  refused: reason.optional(),
  /** When the broker had the hint. */
  notified: instant.optional(),
  became: jobEnd.optional(),
});
export type GivenJobView = z.infer<typeof givenJob>;

/** Whether what a unit says of its versions is believed. `no-key`: the unit has not said which key it signs with. `unchecked`: nobody here checks. */
export const reportVerdicts = ['good', 'refused', 'no-key', 'unchecked'] as const;
export type ReportVerdict = (typeof reportVerdicts)[number];

export const reportView = z.looseObject({
  /** As it came: `ota/contract/version-report.ts`. */
  report: z.looseObject({
    at: instant,
    job: z.string().optional(),
    hardware: z.array(z.string()).optional(),
    slot: z.string(),
    trial: z.boolean(),
    parts: z.array(
      z.looseObject({
        kind: z.string(),
        name: z.string(),
        version: z.string(),
        release: z.int(),
        target: z.string().optional(),
      }),
    ),
    refused: z.array(z.looseObject({ at: instant, reason: z.string() })),
  }),
  came: instant,
  verdict: z.enum(reportVerdicts),
  /** Of `refused`. */
  reason: reason.optional(),
});

/** How it stands with the updates of a unit. */
export const unitUpdateView = z.looseObject({
  unit: unitId,
  /** The newest that was given; absent where none ever was. */
  newest: givenJob.optional(),
  said: jobUpdate.optional(),
  report: reportView.optional(),
});
export type UnitUpdateView = z.infer<typeof unitUpdateView>;
