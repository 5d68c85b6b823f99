import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { backoff } from '../../device/kernel/supervise.ts';
import { milliseconds, toIso } from '../../device/kernel/units.ts';
import { reasonLine, reasonOf, refusedUpdate } from '../contract/refusals.ts';
import type { SlotsState } from '../contract/slots.ts';
import { executors } from './execute-steps.ts';
import { takeRequest } from './person-request.ts';
import { planUpdate } from './plan-update.ts';
import type { Done, Execute } from './step-executor.ts';
import { UpdateDesk } from './update-desk.ts';
import type { HistoryEntry } from './update-history.ts';
import type { UpdateParts } from './update-parts.ts';
import { type Answer, gatherFacts, hint, newSession, type UpdateSession } from './update-session.ts';
import { emptyState, readUpdateState, type UpdateState } from './update-state.ts';
import type { UpdateStep } from './update-step.ts';
import { UpdateTeller } from './update-teller.ts';

const afterFault = { first: milliseconds(1000), most: milliseconds(300_000) };
/** Faults of this unit after which a job is given up. */
const mostFaults = 5;
const buildSteps: ReadonlySet<UpdateStep['kind']> = new Set([
  'download',
  'prepare',
  'install',
  'carry',
  'complete',
  'clean',
]);

export interface NewestJob {
  readonly id: string;
  readonly nonce: string;
  /** From then on it does not run out. */
  readonly begun: boolean;
}

/** One step after the other: looks at what is the case, plans, says what is done, and does it. */
export class UpdateWork {
  readonly #parts: UpdateParts;
  readonly #desk: UpdateDesk;
  readonly #teller: UpdateTeller;

  private constructor(parts: UpdateParts, desk: UpdateDesk) {
    this.#parts = parts;
    this.#desk = desk;
    this.#teller = new UpdateTeller(desk);
  }

  /** What is remembered. What is damaged is begun again from what the slots, the downloads and the history say. Throws what the parts throw. */
  static async open(parts: UpdateParts): Promise<UpdateWork> {
    const { files, root, clock, history, slots, trust } = parts;
    const read = await readUpdateState(files, root);
    const found = await slots.state();
    const { goingBack, ...known } =
      read.kind === 'read'
        ? read.state
        : { ...emptyState, ended: withGivenUp(history.entries, found, toIso(clock.utc())) };
    // Of a going back that was never begun nothing is left.
    const state = goingBack === undefined || found.trial === undefined ? known : { ...known, goingBack };
    const session = { ...newSession(clock.monotonic()), forgot: read.kind !== 'read' };
    const desk = new UpdateDesk(parts, session, retold(state));
    if (read.kind === 'damaged') {
      parts.tell('what was remembered of updates is damaged; it is begun again from what is there');
      await desk.note({ event: 'damage' });
    }
    const { confirmed, trial } = found;
    await desk.stateOwed();
    if (trial === undefined && confirmed.record !== undefined) await trust.confirmed(confirmed.record.parts);
    const work = new UpdateWork(parts, desk);
    await work.#takeRequest();
    // Left before this start: of what the person saw then nothing may be so any more.
    if (session.word?.kind === 'confirm') {
      session.word.answer({ good: false, words: 'the unit was started anew meanwhile: look at it, and ask again' });
      session.word = undefined;
    }
    return work;
  }

  get state(): UpdateState {
    return this.#desk.state;
  }

  get session(): UpdateSession {
    return this.#desk.session;
  }

  /** The job that is worked on, or the newest that has ended. */
  get newestJob(): NewestJob | undefined {
    const { job, ended } = this.state;
    if (job !== undefined) return { id: job.job.id, nonce: job.job.nonce, begun: job.begun };
    const last = ended.findLast((one) => one.job !== undefined && one.nonce !== undefined);
    return last?.job === undefined || last.nonce === undefined
      ? undefined
      : { id: last.job, nonce: last.nonce, begun: true };
  }

  get standing(): UpdateTeller['standing'] {
    return this.#teller.standing;
  }

  /** A word, of anybody, that there is something new: `job` where it says which. One that is known already is nothing new. */
  hinted(job?: string): void {
    const { state, session, parts } = this.#desk;
    const known = state.job?.job.id === job || state.ended.some((one) => one.job === job);
    if (job === undefined || !known) hint(session, parts.clock.monotonic());
  }

  /**
   * Does the next step, and gives it; of a wait it only says so. A fault of a step is no fault of this: it is told, counted, and waited
   * out. Throws where not even the state can be looked at.
   */
  async next(signal: AbortSignal, beat: () => void): Promise<UpdateStep> {
    const desk = this.#desk;
    await this.#takeRequest();
    await this.#reopenStick();
    const facts = await gatherFacts(desk.state, desk.session, this.#parts, signal);
    const step = planUpdate(desk.state, facts);
    await this.#teller.announce(step, facts);
    if (step.kind === 'idle' || step.kind === 'wait') return step;
    await this.#do(step, signal, this.#teller.progressing(step, facts, beat));
    await this.#teller.settled();
    return step;
  }

  async #do(step: Extract<UpdateStep, { kind: Done }>, signal: AbortSignal, beat: () => void): Promise<void> {
    try {
      // The table gives each kind the executor of just that kind.
      await (executors[step.kind] as Execute<Done>)(step, this.#desk, { signal, beat });
      this.#teller.fault = undefined;
      if (step.kind !== 'check') this.session.row = 0;
    } catch (error) {
      if (!signal.aborted) await this.#faulted(error, step);
    }
  }

  async #faulted(error: unknown, step: UpdateStep): Promise<void> {
    const { parts, session, state } = this.#desk;
    const wait = backoff(afterFault, session.row, parts.random);
    session.row += 1;
    session.resume = { at: parts.clock.monotonic() + wait, reason: wordsOf(error), of: step.kind };
    this.#teller.fault = wordsOf(error);
    if (error instanceof AtalayaError && error.disposition === 'retry') return;
    parts.tell(`the step ${step.kind} of an update failed; again in ${Math.ceil(wait / 1000)} s`, error);
    if (!buildSteps.has(step.kind) || state.job === undefined) return;
    try {
      await this.#countFault(error, state.job);
    } catch (second) {
      parts.tell('nor could that be written down', second);
    }
  }

  async #countFault(error: unknown, { job: { id }, faults }: NonNullable<UpdateState['job']>): Promise<void> {
    this.#desk.forgetBuilding();
    if (isAtalayaError(error, 'store-full')) {
      const refused = refusedUpdate('no-room', wordsOf(error));
      return this.#desk.end({ job: id, outcome: 'refused', reasons: [reasonOf(refused)] });
    }
    if (faults + 1 >= mostFaults) return this.#desk.end({ job: id, outcome: 'failed', reasons: [wordsOf(error)] });
    await this.#desk.changeHeld((held) => ({ ...held, faults: held.faults + 1 }));
  }

  async #takeRequest(): Promise<void> {
    const { session, parts } = this.#desk;
    const request = await takeRequest(parts.files, parts.root).catch(() => undefined);
    if (request === undefined) return;
    const answer = (words: Answer) => {
      this.#teller.answer = { id: request.id, ...words };
    };
    session.resume = undefined;
    if (request.act === 'install') {
      try {
        const source = await parts.stick(request.from);
        session.stick = { folder: request.from, source, checked: false, answer };
      } catch (error) {
        answer({ good: false, words: wordsOf(error) });
      }
      return;
    }
    session.word =
      request.act === 'confirm'
        ? { kind: 'confirm', answer }
        : { kind: 'roll-back', reason: reasonLine(request.reason), answer };
  }

  /** The stick that the job came from, after a start. */
  async #reopenStick(): Promise<void> {
    const { session, parts, state } = this.#desk;
    const folder = state.job?.stick;
    if (folder === undefined || session.stick !== undefined || state.trial !== undefined) return;
    if (session.stickAfter > parts.clock.monotonic()) return;
    try {
      session.stick = { folder, source: await parts.stick(folder), checked: true, answer: () => undefined };
    } catch {
      // It is not there now; the link serves as well.
    }
  }
}

export const wordsOf = (error: unknown): string =>
  reasonLine(
    error instanceof AtalayaError
      ? `${error.code}: ${error.message}`
      : `internal: ${error instanceof Error ? error.message : String(error)}`,
  );

/** Whether the last word was kept where it was told is not known here: each start says it once more, and it says the same. */
const retold = (state: UpdateState): UpdateState => ({
  ...state,
  ended: state.ended.map((one, at) => (at === state.ended.length - 1 ? { ...one, told: false } : one)),
});

/**
 * What has ended by the history; and the job of a slot that was given up, whatever became of what was remembered of it. Not one that was installed
 * there since, and not tried yet.
 */
function withGivenUp(entries: readonly HistoryEntry[], slots: SlotsState, at: string): UpdateState['ended'] {
  const ended = endedIn(entries);
  const { rolledBack } = slots;
  if (rolledBack === undefined) return ended;
  const views = [slots.confirmed, slots.running, ...slots.others];
  const job = views.find(({ slot }) => slot === rolledBack.slot)?.record?.job;
  if (job === undefined || ended.some((one) => one.job === job)) return ended;
  if (entries.findLast((one) => one.job === job)?.event === 'installed') return ended;
  return [...ended, { job, outcome: 'rolled-back', at, reasons: [reasonLine(rolledBack.reason)], told: false }];
}

/** What the history knows of jobs that have ended: they are not begun again. It was told when it happened. */
const endedIn = (entries: readonly HistoryEntry[]): UpdateState['ended'] =>
  entries
    .flatMap(({ event, job, at, reasons }) =>
      job !== undefined &&
      (event === 'succeeded' ||
        event === 'rolled-back' ||
        event === 'refused' ||
        event === 'failed' ||
        event === 'canceled')
        ? [{ job, outcome: event, at, reasons: reasons.slice(0, 50), told: true }]
        : [],
    )
    .slice(-50);
