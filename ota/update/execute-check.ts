import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { backoff } from '../../device/kernel/supervise.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import type { RepositorySource } from '../contract/repository.ts';
import { endedReport, refusedReport } from './job-report.ts';
import type { Execute } from './step-executor.ts';
import { takeCheck } from './take-check.ts';
import type { UpdateDesk } from './update-desk.ts';
import { type UpdateState, withBytes } from './update-state.ts';

/** The director is asked again after so long, drawn from the upper half. */
const checkEvery = { first: milliseconds(6 * 3_600_000), most: milliseconds(6 * 3_600_000) };
/** ms; no file is begun after it. */
const longestCheck = 900_000;
const checkSoon = { first: milliseconds(10_000), most: milliseconds(900_000) };

/** Looks at the metadata. A link that is down is asked again later; nothing else waits for it. */
export const executeCheck: Execute<'check'> = async ({ from }, desk, { signal, beat }) => {
  const { parts, session } = desk;
  const { stick } = session;
  const source = from === 'stick' ? stick?.source : parts.link();
  if (source === undefined) return;
  if (from === 'stick' && stick !== undefined) stick.checked = true;
  let checked: Awaited<ReturnType<typeof parts.trust.check>>;
  const end = parts.clock.monotonic() + longestCheck;
  const metered = meteredSource(source, () => {
    beat();
    signal.throwIfAborted();
    if (parts.clock.monotonic() > end)
      throw new AtalayaError('link-down', `${source.name} gives metadata without an end`);
  });
  try {
    checked = await parts.trust.check(metered.source);
  } catch (error) {
    if (from === 'link') {
      session.checksFailed += 1;
      session.nextCheck = parts.clock.monotonic() + backoff(checkSoon, session.checksFailed - 1, parts.random);
      if (!isAtalayaError(error, 'link-down')) parts.tell('the director could not be asked', error);
      await desk.change((one) => withBytes(one, parts.clock.utc(), metered.bytes));
      const outdated = parts.trust.outdated();
      return outdated === undefined
        ? undefined
        : keepRefusal(desk, takeCheck(desk.state, outdated, { at: desk.at(), stick: undefined }).state);
    }
    session.stick = undefined;
    stick?.answer({ good: false, words: error instanceof Error ? error.message : String(error) });
    return;
  }
  if (from === 'link') {
    session.checksFailed = 0;
    // Without a good clock nothing can be believed yet; it is asked again when it may have become good.
    const soon = checked.kind === 'refused' && checked.code === 'clock-not-good';
    session.clockRefused = soon ? session.clockRefused + 1 : 0;
    const wait = backoff(soon ? checkSoon : checkEvery, session.clockRefused, parts.random);
    session.nextCheck = parts.clock.monotonic() + wait;
  }
  if (checked.kind !== 'refused') session.forgot = false;
  const before = desk.state;
  const folder = from === 'stick' ? stick?.folder : undefined;
  const { state, taken } = takeCheck(before, checked, { at: desk.at(), stick: folder });
  const another = state.job?.job.id !== before.job?.job.id;
  if (another) {
    desk.forgetBuilding();
    session.ready = {};
    session.row = 0;
    session.resume = undefined;
    session.missed = undefined;
  }
  if (another && state.job !== undefined) await desk.note({ event: 'taken', job: state.job.job.id });
  await keepRefusal(desk, from === 'link' ? withBytes(state, parts.clock.utc(), metered.bytes) : state);
  if (from !== 'stick') return;
  if (taken.kind !== 'taken') session.stick = undefined;
  stick?.answer(
    taken.kind === 'taken'
      ? { good: true, words: `job ${taken.job}` }
      : {
          good: false,
          words: taken.kind === 'nothing' ? 'there is nothing new for this unit' : `${taken.code}: ${taken.detail}`,
        },
  );
};

/** What a look came to; a refusal that is new goes into history and ledger first. */
async function keepRefusal(desk: UpdateDesk, state: UpdateState): Promise<void> {
  const refusal = state.refusals.at(-1);
  if (refusal !== undefined && refusal !== desk.state.refusals.at(-1)) {
    await desk.note({ event: 'refused', reasons: [refusal.reason] });
    await desk.act('refused', (await desk.parts.slots.state()).confirmed, undefined, [refusal.reason]);
  }
  await desk.change(() => state);
}

/** Counts what came from it, though nothing became whole of it. */
function meteredSource(
  source: RepositorySource,
  before: () => void,
): { readonly source: RepositorySource; readonly bytes: number } {
  let bytes = 0;
  return {
    source: {
      name: source.name,
      metadata: async (path, most) => {
        before();
        let told = 0;
        const file = await source.metadata(path, most, (more) => {
          told += more;
          bytes += more;
        });
        // Of a source that does not tell them.
        bytes += Math.max(0, (file?.byteLength ?? 0) - told);
        return file;
      },
    },
    get bytes() {
      return bytes;
    },
  };
}

/** Not before, where it could not be told; sooner where the link comes. */
const reportAgain = { first: milliseconds(60_000), most: milliseconds(900_000) };

/** Tells what was refused, then what ended: the newest word stands. Nothing waits for it. */
export const executeReport: Execute<'report'> = async (_step, desk) => {
  try {
    await reportAll(desk);
    desk.session.reportsFailed = 0;
  } catch (error) {
    if (isAtalayaError(error) && error.disposition !== 'retry') throw error;
    const { parts, session } = desk;
    session.reportAfter = parts.clock.monotonic() + backoff(reportAgain, session.reportsFailed, parts.random);
    session.reportsFailed += 1;
  }
};

async function reportAll(desk: UpdateDesk): Promise<void> {
  const { parts } = desk;
  const { confirmed } = await parts.slots.state();
  const inForce = desk.programOf(confirmed);
  for (const refusal of desk.state.refusals) {
    if (refusal.told) continue;
    await parts.report(refusedReport(refusal, inForce));
    await desk.change((state) => ({
      ...state,
      refusals: state.refusals.map((one) => (one === refusal ? { ...one, told: true } : one)),
    }));
  }
  for (const ended of desk.state.ended) {
    if (ended.told) continue;
    await parts.report(endedReport(ended, inForce));
    await desk.change((state) => ({
      ...state,
      ended: state.ended.map((one) => (one === ended ? { ...one, told: true } : one)),
    }));
  }
}
