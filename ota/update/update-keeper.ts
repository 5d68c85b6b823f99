import { backoff, supervise } from '../../device/kernel/supervise.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { reasonLine } from '../contract/refusals.ts';
import { requestPath } from './person-request.ts';
import type { UpdateParts } from './update-parts.ts';
import type { Answer } from './update-session.ts';
import type { UpdateStanding } from './update-standing.ts';
import type { UpdateState } from './update-state.ts';
import { type NewestJob, UpdateWork, wordsOf } from './update-work.ts';

/** A person's request, and what the world does, is looked at so often, ms. */
const lookEvery = 2000;
const longestWait = 30_000;
/** Work that gives no sign of life for so long is begun again: to unpack a program on a slow card takes minutes. */
const deadline = milliseconds(1_200_000);
const grace = milliseconds(60_000);
const afterFault = { first: milliseconds(1000), most: milliseconds(300_000) };

/**
 * Keeps a unit at what its director wants: plans, does the step, and plans again, for as long as the unit runs.
 *
 * Guarantees: `run` ends only when it is told to, and rejects never; what a step has promised is
 * durable before the next is planned; a start after a power cut at any moment goes on by itself. Whoever starts two of them in one folder has
 * to keep them apart (`FolderLock`).
 */
export class UpdateKeeper {
  readonly #parts: UpdateParts;
  #work: UpdateWork | undefined;
  #wake = new AbortController();
  #asks: ((work: UpdateWork) => void)[] = [];
  #looping = false;

  constructor(parts: UpdateParts) {
    this.#parts = parts;
  }

  /** Undefined until the first plan. */
  get standing(): UpdateStanding | undefined {
    return this.#work?.standing;
  }

  /** What is remembered, for whoever reports versions: the newest job and what was refused. Undefined until the first plan. */
  get state(): UpdateState | undefined {
    return this.#work?.state;
  }

  /** The job that is worked on, or the newest that has ended: for reports of versions, and for `begunJob` of `TrustKeeper` where it is begun. */
  get newestJob(): NewestJob | undefined {
    return this.#work?.newestJob;
  }

  /**
   * There may be something new, by the word of anybody: `job`, where it says which. The director is asked at once, but by hints not more than
   * once a minute, and not sooner than faults let it. A job that is held or has ended is nothing new.
   */
  notified(job?: string): void {
    // Of a download, which may take hours, it is seen at once.
    this.#work?.hinted(job);
    this.#ask((work) => work.hinted(job));
  }

  /** The link has come, or something else has changed that a plan may wait for. */
  changed(): void {
    this.#ask(({ session }) => {
      session.resume = undefined;
      session.reportAfter = 0;
    });
  }

  /** Looks at what lies in a folder, and works from it while it is there. Resolves when it was looked at. */
  async install(folder: string): Promise<Answer> {
    let source: Awaited<ReturnType<UpdateParts['stick']>>;
    try {
      source = await this.#parts.stick(folder);
    } catch (error) {
      return { good: false, words: wordsOf(error) };
    }
    return new Promise((answer) => {
      this.#ask(({ session }) => {
        session.stick = { folder, source, checked: false, answer };
        session.resume = undefined;
      });
    });
  }

  /** A person vouches for the trial, whatever the self-test says. */
  confirm(): Promise<Answer> {
    return new Promise((answer) => {
      this.#ask(({ session }) => {
        session.word = { kind: 'confirm', answer };
        session.resume = undefined;
      });
    });
  }

  /** A person wants the version before: gives a trial up, or, without one, tries the slot that was confirmed before. */
  rollBack(reason: string): Promise<Answer> {
    return new Promise((answer) => {
      this.#ask(({ session }) => {
        session.word = { kind: 'roll-back', reason: reasonLine(reason), answer };
        session.resume = undefined;
      });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, random, tell } = this.#parts;
    for (let row = 0; !signal.aborted; row += 1) {
      const began = clock.monotonic();
      try {
        await supervise(({ signal: stop, beat }) => this.#attempt(stop, beat), {
          name: 'updates',
          signal,
          clock,
          timer,
          random,
          backoff: afterFault,
          deadline,
          grace,
          onFault: (fault, wait) => tell(`again in ${Math.ceil(wait / 1000)} s`, fault),
        });
      } catch (error) {
        tell('work on updates has stopped, and begins anew', error);
        // It hangs, and a second one beside it would share its files: until it has come to its end, however long that takes.
        while (this.#looping && !signal.aborted) await timer.sleep(grace, signal);
      }
      if (signal.aborted) return;
      if (clock.monotonic() - began > afterFault.most) row = 0;
      await timer.sleep(backoff(afterFault, row, random), signal);
    }
  }

  #ask(what: (work: UpdateWork) => void): void {
    this.#asks.push(what);
    this.#wake.abort();
  }

  async #attempt(signal: AbortSignal, beat: () => void): Promise<void> {
    this.#looping = true;
    try {
      await this.#loop(signal, beat);
    } finally {
      this.#looping = false;
    }
  }

  async #loop(signal: AbortSignal, beat: () => void): Promise<void> {
    this.#work ??= await UpdateWork.open(this.#parts);
    const work = this.#work;
    while (!signal.aborted) {
      beat();
      for (const ask of this.#asks.splice(0)) ask(work);
      const step = await work.next(signal, beat);
      if (step.kind === 'idle' || step.kind === 'wait') await this.#wait(step.until - this.#parts.clock.utc(), signal);
    }
  }

  async #wait(time: number, signal: AbortSignal): Promise<void> {
    const { timer, clock, files, root } = this.#parts;
    const end = clock.monotonic() + Math.min(Math.max(time, 1), longestWait);
    while (!signal.aborted && this.#asks.length === 0) {
      const left = end - clock.monotonic();
      if (left <= 0) return;
      this.#wake = new AbortController();
      await timer.sleep(milliseconds(Math.min(left, lookEvery)), AbortSignal.any([signal, this.#wake.signal]));
      if ((await files.look(requestPath(root)).catch(() => undefined)) !== undefined) return;
    }
  }
}
