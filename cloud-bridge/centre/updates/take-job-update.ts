import type { JobUpdate } from '../../../ota/contract/job.ts';
import type { JobEnd } from '../../contract/updates.ts';
import { type GivenJob, isEnd, type UnitUpdate, withdraws } from './update-documents.ts';

/**
 * What is known of a unit's updates after it has said something; the same object where it is no news. What it said comes again: retained,
 * not acknowledged, by a second bridge that is slower. An end is the last word on a job, whatever the clock of the unit says afterwards.
 */
export function takeJobUpdate(before: UnitUpdate, update: JobUpdate): UnitUpdate {
  const newest = before.newest && settled(before.newest, before.before, update);
  const earlier = before.before && takenBack(settled(before.before, undefined, update), newest);
  const said = isLater(update, before) ? update : before.said;
  if (said === before.said && newest === before.newest && earlier === before.before) return before;
  return {
    ...before,
    ...(newest === undefined ? {} : { newest }),
    ...(earlier === undefined ? {} : { before: earlier }),
    ...(said === undefined ? {} : { said }),
  };
}

/** A job that takes back another one is over when the unit says that the other one is. */
function settled(given: GivenJob, before: GivenJob | undefined, update: JobUpdate): GivenJob {
  if (given.became !== undefined || !isEnd(update)) return given;
  const about =
    update.job !== undefined && (update.job === given.job.id || (withdraws(given) && update.job === before?.job.id));
  return about ? { ...given, became: endOf(update) } : given;
}

/** Of two that end together a unit tells the newest alone. */
function takenBack(given: GivenJob, newest: GivenJob | undefined): GivenJob {
  if (given.became !== undefined || newest === undefined || !withdraws(newest)) return given;
  return newest.became?.status === 'CANCELED' ? { ...given, became: newest.became } : given;
}

const endOf = ({ status, step, at, reasons }: JobUpdate): JobEnd => ({ status, step, at, reasons: [...reasons] });

function isLater(update: JobUpdate, { said, newest }: UnitUpdate): boolean {
  if (said === undefined) return true;
  if (update.job === said.job) {
    if (isEnd(said) && said.job !== undefined) return false;
    return isEnd(update) || Date.parse(update.at) >= Date.parse(said.at);
  }
  // Of two jobs the one that was given last, and else what was said last.
  if (newest !== undefined && said.job === newest.job.id) return false;
  if (newest !== undefined && update.job === newest.job.id) return true;
  return Date.parse(update.at) >= Date.parse(said.at);
}
