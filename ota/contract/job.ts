import { z } from 'zod';
import { instant, reason, unitId } from '../../cloud-bridge/contract/names.ts';
import { jobId, nonce, targetName } from './names.ts';

/**
 * What a unit is to become: the signed field `atalaya` of the director's targets metadata, which is of that unit alone. Every other word
 * about a job, over MQTT or on a stick, is only a hint to look there.
 */

/** A daily window, UTC, as `01:30`; one that ends before it begins goes over midnight. */
export const dailyWindow = z.strictObject({
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is no time such as 01:30'),
  to: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is no time such as 05:00'),
});
export type DailyWindow = z.infer<typeof dailyWindow>;

const neverConfirmed = (trial: unknown): string => {
  const { holdSeconds, deadlineSeconds } = trial as { readonly holdSeconds: number; readonly deadlineSeconds: number };
  return `could never be confirmed: its self-test is to hold for ${holdSeconds} s, and its trial is over after ${deadlineSeconds} s`;
};

export const updateJob = z.strictObject({
  id: jobId,
  /** Whole targets that are installed together; none: whatever job there was is given up. Patches that lead to them stand beside them in the same metadata. */
  install: z.array(targetName).max(20),
  /** Comes back in the signed version report. */
  nonce,
  issued: instant,
  notBefore: instant.optional(),
  /** Not begun after it. */
  expires: instant,
  /** Units begin at moments drawn over so many seconds. */
  spreadSeconds: z.int().min(0).max(604_800).default(0),
  /** The unit switches inside of these only; downloads too. Always, where there is none. */
  windows: z.array(dailyWindow).max(10).default([]),
  /** Of downloads, by the link. The unit's own bounds count besides. */
  bytesPerSecond: z.int().min(1024).optional(),
  bytesPerDay: z.int().min(65_536).optional(),
  trial: z
    .strictObject({
      /** The self-test has to hold for so long without a break. */
      holdSeconds: z.int().min(5).max(86_400).default(600),
      /** Rolled back where it has not held by then, counted from the first start. */
      deadlineSeconds: z.int().min(30).max(172_800).default(3600),
      /** Starts that the trial may use up. */
      starts: z.int().min(1).max(10).default(3),
    })
    .refine(({ holdSeconds, deadlineSeconds }) => holdSeconds < deadlineSeconds, {
      error: ({ input }) => neverConfirmed(input),
    })
    .prefault({}),
});
export type UpdateJob = z.infer<typeof updateJob>;
export type UpdateJobInput = z.input<typeof updateJob>;

/** The field `atalaya` of the director's targets metadata. */
export const directorField = z.strictObject({ unit: unitId, job: updateJob });
export type DirectorField = z.infer<typeof directorField>;

/** As AWS IoT Jobs has them. The last five are ends. */
export const jobStatuses = ['QUEUED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'REJECTED', 'CANCELED', 'REMOVED'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Where in its work a unit is. */
export const jobSteps = [
  'checking',
  'waiting',
  'downloading',
  'installing',
  'switching',
  'trial',
  'confirmed',
  'rolled-back',
  'refused',
  'failed',
  'canceled',
] as const;
export type JobStep = (typeof jobSteps)[number];

/** What the unit says of its newest job; retained. */
export const jobUpdate = z.looseObject({
  /** Absent where metadata was refused before a job was known. */
  job: jobId.optional(),
  at: instant,
  status: z.enum(jobStatuses),
  step: z.enum(jobSteps),
  /** Bytes. */
  progress: z.looseObject({ done: z.number().min(0), total: z.number().min(0) }).optional(),
  /** Not before. */
  waitsUntil: instant.optional(),
  /** Each as `code: words`. Of what ended badly, of a wait, and of a patch in whose place the whole was taken. */
  reasons: z.array(reason).max(50),
  /** Seconds without a judged frame while the program was changed. */
  interruptionS: z.number().min(0).optional(),
  /** What is in force: version and release of the program. */
  inForce: z.looseObject({ version: z.string().max(64), release: z.int().min(0) }).optional(),
});
export type JobUpdate = z.infer<typeof jobUpdate>;

/** A hint that there is something new for this unit; nothing in it is believed. Retained; emptied when it is over. */
export const jobNotify = z.looseObject({ job: jobId });
