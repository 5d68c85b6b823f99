import type { VersionReport } from '../../../ota/contract/version-report.ts';
import { type UnitUpdate, withdraws } from './update-documents.ts';

/**
 * Why a report that the unit has signed is still not believed, in words; undefined where it is. `nonceOf`: of a job that was given before
 * the newest, undefined where no such job ever was.
 *
 * The nonce ties a report to a job (Uptane Standard 2.1.0, 5.4.2.1.1: the vehicle version manifest is fresh or it is nothing): a report of an
 * earlier job is true of then, and shows nothing of now.
 */
export function reportFault(
  { newest }: Pick<UnitUpdate, 'newest'>,
  { job, nonce }: VersionReport,
  nonceOf: (job: string) => string | undefined,
): string | undefined {
  if (job === undefined) return nonce === undefined ? undefined : 'nonce: bears one without a job';
  const expected = newest?.job.id === job ? newest.job.nonce : nonceOf(job);
  if (expected === undefined) return `job: ${job} was never given to this unit`;
  return nonce === expected ? undefined : `nonce: is not that of the job ${job}`;
}

/**
 * What a believed report lacks to show that the newest job is done: it is of another job, of a slot that is on trial, or other targets lie in
 * it; undefined where it lacks nothing.
 */
export function lacksOf({ newest, report: kept }: UnitUpdate): string | undefined {
  if (newest === undefined || withdraws(newest)) return undefined;
  if (kept === undefined) return 'no version report has come';
  if (kept.verdict !== 'good') return `its version report is not believed (${kept.reason ?? kept.verdict})`;
  const { job, trial, parts } = kept.report;
  if (job !== newest.job.id) return 'its version report is not of this job';
  if (trial) return 'its version report is of a slot on trial';
  const has = new Set(parts.map(({ target }) => target));
  const missing = newest.job.install.find((target) => !has.has(target));
  return missing === undefined ? undefined : `its version report does not name ${missing}`;
}
