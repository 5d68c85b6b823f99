import { isAtalayaError } from '../../device/kernel/errors.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { reasonOf, type UpdateRefused } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import type { Execute } from './execute-steps.ts';
import { noSource } from './no-source.ts';
import type { UpdateDesk } from './update-desk.ts';
import { sourceOf } from './update-session.ts';
import { shortened } from './update-state.ts';
import { dayOf } from './windows.ts';

/** How often what was downloaded is counted durably and reported, ms. */
const countEvery = 15_000;
/** Files of another hash, or that the source does not have, are asked for so often. */
const mostTries = 2;
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
  const count = async () => {
    if (!metered || fresh === counted) return;
    const more = fresh - counted;
    const day = dayOf(parts.clock.utc());
    await desk.change((state) => ({
      ...state,
      bytes: { day, bytes: (state.bytes.day === day ? state.bytes.bytes : 0) + more },
    }));
    counted += more;
  };
  const watch = async () => {
    while (!done.signal.aborted) {
      const left = until === undefined ? countEvery : until - parts.clock.utc();
      if (left <= 0) return over.abort();
      await parts.timer.sleep(milliseconds(Math.min(countEvery, left)), done.signal);
      if (!done.signal.aborted) await count();
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
    if (fetched.kind === 'complete') session.ready[target.sha256] = fetched.path;
    if (fetched.kind === 'refused') await refused(desk, target, fetched);
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

/** A patch is passed over, and that is said; the whole is asked for once more, and then the job is refused. */
async function refused(desk: UpdateDesk, target: Target, refusal: UpdateRefused): Promise<void> {
  const { job: held } = desk.state;
  if (held === undefined) return;
  if (target.description.patchFrom !== undefined) return passOver(desk, target, refusal);
  if (refusal.code !== 'no-room' && held.faults + 1 < mostTries) {
    desk.parts.tell(reasonOf(refusal));
    await desk.changeHeld((one) => ({ ...one, faults: one.faults + 1 }));
    return;
  }
  await desk.end({ job: held.job.id, outcome: 'refused', reasons: [reasonOf(refusal)] });
}

/** The whole is taken in place of this patch. */
export async function passOver(desk: UpdateDesk, patch: Target, refusal: UpdateRefused): Promise<void> {
  const reason = shortened(`${reasonOf(refusal)}; the whole is taken in place of ${patch.target}`);
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
    session.freed = true;
  }
  await desk.change((before) => ({ ...before, litter: false }));
};
