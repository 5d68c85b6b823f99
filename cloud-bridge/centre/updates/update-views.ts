import type { UpdateBrief } from '../../contract/api-views.ts';
import type { GivenJobView, UnitUpdateView } from '../../contract/updates.ts';
import type { GivenJob, UnitUpdate } from './update-documents.ts';

/** A unit's updates in short. */
export function updateBriefOf({ newest, said, report: kept }: UnitUpdate): UpdateBrief {
  const { version, release } = kept?.report.parts.find(({ kind }) => kind === 'program') ?? said?.inForce ?? {};
  return {
    ...(version === undefined ? {} : { version }),
    ...(release === undefined ? {} : { release }),
    ...(kept === undefined ? {} : { slot: kept.report.slot, trial: kept.report.trial, verdict: kept.verdict }),
    ...(newest === undefined ? {} : { job: newest.job.id }),
    ...(said === undefined ? {} : { status: said.status, step: said.step, reasons: said.reasons }),
    ...(said?.job === undefined ? {} : { about: said.job }),
    ...(said?.progress === undefined ? {} : { progress: said.progress }),
  };
}

/** All of it, as it is shown. */
export function unitUpdateViewOf({ unit, newest, said, report }: UnitUpdate): UnitUpdateView {
  return {
    unit,
    ...(newest === undefined ? {} : { newest: jobViewOf(newest) }),
    ...(said === undefined ? {} : { said }),
    ...(report === undefined ? {} : { report: report as unknown as NonNullable<UnitUpdateView['report']> }),
  };
}

export const jobViewOf = (given: GivenJob): GivenJobView => given as unknown as GivenJobView;
