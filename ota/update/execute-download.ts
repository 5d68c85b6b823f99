import { isAtalayaError } from '../../device/kernel/errors.ts';
import { backoff } from '../../device/kernel/supervise.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { type RefusalCode, reasonLine, reasonOf, type UpdateRefused } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import { mayAsk } from './bytes-of-day.ts';
import { noSource } from './no-source.ts';
import { requestPath } from './person-request.ts';
import type { Execute } from './step-executor.ts';
import type { UpdateDesk } from './update-desk.ts';
import { checkOf, sourceOf } from './update-session.ts';
import { type HeldJob, withBytes } from './update-state.ts';
import type { Where } from './update-step.ts';

/** How often what was downloaded is counted durably and reported, ms. */
const countEvery = 15_000;
/** Whether somebody wants something is looked at so often, ms. */
const lookEvery = 2000;
/** Files that are not what the metadata says are asked for so often. */
const mostTries = { link: 5, stick: 2 };
/** Of a file that the link did not give as it should be. */
const askAgain = { first: milliseconds(30_000), most: milliseconds(3_600_000) };
/** A centre may not have the file yet, or not have it whole. */
const notThere: ReadonlySet<RefusalCode> = new Set(['target-absent', 'target-truncated']);
/** Such a file is waited for until the job would run out, but not longer than so after it was taken, ms. */
const longestMissing = 30 * 86_400_000;
/** For a stick that was pulled out, ms. */
const lookAgain = 60_000;

/** Fetches what is missing of a file, until the window closes or the bytes of the day are used up; a file that is here is checked. */
export const executeDownload: Execute<'download'> = async (step, desk, { signal, beat }) => {
  const { parts, session } = desk;
  const { target, until, most } = step;
  const from = sourceOf(desk.state, session, parts);
  await desk.changeHeld((held) => (held.begun ? held : { ...held, begun: true }));
  const metered = from?.where === 'link';
  const over = new AbortController();
  const done = new AbortController();
  let last: number | undefined;
  let fresh = 0;
  let counted = 0;
  let countedAt = parts.clock.monotonic();
  const count = async () => {
    if (!metered || fresh === counted) return;
    const more = fresh - counted;
    await desk.change((state) => withBytes(state, parts.clock.utc(), more));
    counted += more;
  };
  const watch = async () => {
    while (!done.signal.aborted) {
      const left = until === undefined ? lookEvery : until - parts.clock.utc();
      if (left <= 0) return over.abort();
      await parts.timer.sleep(milliseconds(Math.min(lookEvery, left)), done.signal);
      if (done.signal.aborted) return;
      // A person stands there, or the director may want something else: the download goes on afterwards where it is.
      const asked = await parts.files.look(requestPath(parts.root)).catch(() => undefined);
      const due = checkOf(session, parts, parts.clock.monotonic());
      // Whom the plan would not ask yet nothing is broken off for.
      const asks = due !== undefined && mayAsk(due, desk.state, parts.clock.utc(), parts.limits());
      if (asked !== undefined || asks) return over.abort();
      if (parts.clock.monotonic() - countedAt < countEvery) continue;
      countedAt = parts.clock.monotonic();
      await count();
    }
  };
  const watching = watch();
  // A fault of counting is that of the step, once the fetch has ended.
  watching.catch(() => over.abort());
  const rate = () => {
    if (!metered) return undefined;
    const least = Math.min(desk.state.job?.job.bytesPerSecond ?? Infinity, parts.limits().bytesPerSecond ?? Infinity);
    return least === Infinity ? undefined : least;
  };
  const progress = (bytes: number) => {
    beat();
    fresh += Math.max(0, bytes - (last ?? bytes));
    last = bytes;
    session.progress = { sha256: target.sha256, done: bytes, total: target.length };
    if (most !== undefined && fresh >= most) over.abort();
  };
  try {
    const fetched = await parts.downloads.fetch(target, from?.source ?? noSource, {
      signal: AbortSignal.any([signal, over.signal]),
      rate,
      progress,
    });
    if (fetched.kind === 'complete') {
      session.ready[target.sha256] = fetched.path;
      session.missed = undefined;
    }
    if (fetched.kind === 'refused') await refused(desk, target, fetched, from?.where);
  } catch (error) {
    if (from?.where === 'stick' && isAtalayaError(error, 'link-down')) {
      // It was pulled out. The link serves as well, and it may be put in again.
      session.stick = undefined;
      session.stickAfter = parts.clock.monotonic() + lookAgain;
    } else throw error;
  } finally {
    done.abort();
    await watching;
    await count();
  }
};

/**
 * A patch is passed over, and that is said. The whole is waited for where the link does not have it yet, and asked for again where it is not what
 * it should be; then the job is refused. A stick does not become another by waiting.
 */
async function refused(
  desk: UpdateDesk,
  target: Target,
  refusal: UpdateRefused,
  from: Where | undefined,
): Promise<void> {
  const { job: held } = desk.state;
  if (held === undefined) return;
  if (target.description.patchFrom !== undefined) return passOver(desk, target, refusal);
  const missing = notThere.has(refusal.code);
  if (missing && from !== 'stick' && desk.parts.clock.utc() <= missingUntil(held))
    return askLater(desk, target, reasonOf(refusal));
  const most = refusal.code === 'no-room' || (missing && from === 'stick') ? 1 : mostTries[from ?? 'link'];
  if (held.faults + 1 < most) {
    await desk.changeHeld((one) => ({ ...one, faults: one.faults + 1 }));
    if (from === 'stick') desk.parts.tell(reasonOf(refusal));
    else askLater(desk, target, reasonOf(refusal));
    return;
  }
  await desk.end({ job: held.job.id, outcome: 'refused', reasons: [reasonOf(refusal)] });
}

const missingUntil = ({ job, taken }: HeldJob): number =>
  Math.min(Date.parse(job.expires), Date.parse(taken) + longestMissing);

/** Other work, and a newer job, do not wait for it. */
function askLater({ parts, session }: UpdateDesk, { sha256 }: Target, reason: string): void {
  const row = session.missed?.sha256 === sha256 ? session.missed.row + 1 : 0;
  const wait = backoff(askAgain, row, parts.random);
  session.missed = { sha256, row, at: parts.clock.monotonic() + wait, reason: reasonLine(reason) };
  if (row === 0) parts.tell(`${reason}; it is asked for again`);
}

/** The whole is taken in place of this patch. */
export async function passOver(desk: UpdateDesk, patch: Target, refusal: UpdateRefused): Promise<void> {
  const reason = reasonLine(`${reasonOf(refusal)}; the whole is taken in place of ${patch.target}`);
  const { job } = desk.state;
  await desk.note({ event: 'fallback', ...(job === undefined ? {} : { job: job.job.id }), reasons: [reason] });
  await desk.changeHeld((held) => ({ ...held, passed: [...held.passed, { target: patch.target, reason }] }));
  desk.parts.tell(reason);
}

export const executeClean: Execute<'clean'> = async ({ free }, desk) => {
  const { parts, session, state } = desk;
  const { job } = state;
  await parts.downloads.keepOnly(job === undefined ? [] : [...job.install, ...job.patches]);
  session.building = undefined;
  if (free) {
    await parts.slots.prepare();
    session.freeable = undefined;
    session.freed = true;
  }
  await desk.change((before) => ({ ...before, litter: false }));
};
