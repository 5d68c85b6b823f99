import { isAtalayaError } from '../../device/kernel/errors.ts';
import { stageReport } from './job-report.ts';
import { standingOf } from './make-standing.ts';
import type { UpdateDesk } from './update-desk.ts';
import type { Answer } from './update-session.ts';
import type { UpdateStanding } from './update-standing.ts';
import type { UpdateFacts, UpdateStep } from './update-step.ts';

/** While a step goes on, ms. */
const showEvery = 1000;
const tellEvery = 15_000;

/** Says what is done, where that has changed, to the centre and to whoever looks. Neither holds an update up, and no call throws. */
export class UpdateTeller {
  standing: UpdateStanding | undefined;
  /** What hinders the update now. */
  fault: string | undefined;
  /** To whoever left the newest request. */
  answer: (Answer & { readonly id: string }) | undefined;
  readonly #desk: UpdateDesk;
  #shown = '';
  #told = '';
  #busy: Promise<void> | undefined;

  constructor(desk: UpdateDesk) {
    this.#desk = desk;
  }

  async announce(step: UpdateStep, facts: UpdateFacts): Promise<void> {
    await this.#show(step, facts);
    // What ended, or was refused, is reported by itself, and takes the place of what was said before.
    if (step.kind === 'report') this.#told = '';
    await this.#report(step, facts);
  }

  /** For a step that goes on: each call is a sign of life, and from time to time it is said how far it has come. */
  progressing(step: UpdateStep, facts: UpdateFacts, beat: () => void): () => void {
    const { clock } = this.#desk.parts;
    let [shown, told] = [clock.monotonic(), clock.monotonic()];
    return () => {
      beat();
      const now = clock.monotonic();
      if (this.#busy !== undefined || now - shown < showEvery) return;
      shown = now;
      const tells = now - told >= tellEvery;
      if (tells) {
        told = now;
        this.#told = '';
      }
      this.#busy = (tells ? this.announce(step, facts) : this.#show(step, facts)).finally(() => {
        this.#busy = undefined;
      });
    };
  }

  /** Resolves when nothing is being said. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  async #show(step: UpdateStep, facts: UpdateFacts): Promise<void> {
    this.standing = standingOf(this.#desk, step, facts, { fault: this.fault, answer: this.answer });
    const { at: _, ...shown } = this.standing;
    const text = JSON.stringify(shown);
    if (text === this.#shown) return;
    try {
      await this.#desk.parts.show?.(this.standing);
      this.#shown = text;
    } catch {
      // A disk that does not take it does not take an update either, and that is told.
    }
  }

  async #report(step: UpdateStep, { slots, now }: UpdateFacts): Promise<void> {
    const { parts, state, session } = this.#desk;
    const inForce = this.#desk.programOf(slots.confirmed);
    const report = stageReport(state, step, { at: this.#desk.at(), inForce, now, running: slots.running.slot });
    if (report === undefined) return;
    const { at: _, ...content } = report;
    const text = JSON.stringify(content);
    if (text === this.#told) return;
    try {
      const { progress } = session;
      await parts.report(
        progress === undefined ? report : { ...report, progress: { done: progress.done, total: progress.total } },
      );
      this.#told = text;
    } catch (error) {
      if (!isAtalayaError(error, 'link-down')) parts.tell('the state of an update could not be reported', error);
    }
  }
}
