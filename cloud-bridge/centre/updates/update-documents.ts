import type { JobUpdate, UpdateJobInput } from '../../../ota/contract/job.ts';
import type { VersionReport } from '../../../ota/contract/version-report.ts';
import type { JobEnd, ReportVerdict } from '../../contract/updates.ts';

/** A job as it was given to a unit. One before the newest is the document `update-job/{unit}/{number, 12 digits}`. */
export interface GivenJob {
  /** Counts the jobs of the unit, from 1. */
  readonly number: number;
  readonly job: UpdateJobInput;
  readonly by: string;
  readonly rollout?: string;
  /** When the director had signed it. */
  readonly assigned?: string;
  /** Why it has not yet: it is asked again. */
  readonly waits?: string;
  /** Why the director never will. */
  readonly refused?: string;
  /** When the broker had the hint. */
  readonly notified?: string;
  readonly became?: JobEnd;
  /** When the hint was taken from the broker again. */
  readonly cleared?: string;
}

export interface KeptReport {
  readonly report: VersionReport;
  readonly came: string;
  readonly verdict: ReportVerdict;
  /** Of `refused`. */
  readonly reason?: string;
}

/** The document `update/{unit}`. */
export interface UnitUpdate {
  readonly unit: string;
  readonly newest?: GivenJob;
  /** The job before it: it may still come to an end. */
  readonly before?: GivenJob;
  readonly said?: JobUpdate;
  readonly report?: KeptReport;
}

export const jobKey = (unit: string, number: number): string => `${unit}/${String(number).padStart(12, '0')}`;

/** Whether it takes back what was given before. */
export const withdraws = ({ job }: GivenJob): boolean => job.install.length === 0;

/** Nothing more is expected of it. */
export const isOver = ({ became, refused }: GivenJob): boolean => became !== undefined || refused !== undefined;

/** Whether the broker, or the director, does not have what it is to have. */
export function isPending(given: GivenJob): boolean {
  if (given.refused !== undefined) return false;
  if (given.became !== undefined) return given.notified !== undefined && given.cleared === undefined;
  return given.assigned === undefined || given.notified === undefined;
}

const ends: ReadonlySet<JobUpdate['status']> = new Set(['SUCCEEDED', 'FAILED', 'REJECTED', 'CANCELED', 'REMOVED']);
export const isEnd = ({ status }: Pick<JobUpdate, 'status'>): boolean => ends.has(status);
