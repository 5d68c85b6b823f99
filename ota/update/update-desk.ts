import { toIso } from '../../device/kernel/units.ts';
import { reasonLine } from '../contract/refusals.ts';
import type { SlotsState, SlotView } from '../contract/slots.ts';
import type { HistoryEntry } from './update-history.ts';
import type { UpdateAct, UpdateParts } from './update-parts.ts';
import type { UpdateSession } from './update-session.ts';
import { type EndedJob, mostKept, type StateChange, type UpdateState, writeUpdateState } from './update-state.ts';
import type { UpdateStep } from './update-step.ts';

/** What every step works on: the parts, what is remembered, and what is known since this start. */
export class UpdateDesk {
  readonly parts: UpdateParts;
  readonly session: UpdateSession;
  #state: UpdateState;

  constructor(parts: UpdateParts, session: UpdateSession, state: UpdateState) {
    this.parts = parts;
    this.session = session;
    this.#state = state;
  }

  get state(): UpdateState {
    return this.#state;
  }

  /** Remembers it durably, and only then. Throws `store-full` and `store-failed`. */
  async change(change: StateChange): Promise<void> {
    const next = change(this.#state);
    if (next === this.#state) return;
    await writeUpdateState(this.parts.files, this.parts.root, next);
    this.#state = next;
  }

  at(): string {
    return toIso(this.parts.clock.utc());
  }

  /** Version and release of a slot's program. */
  programOf({ record }: SlotView): { version: string; release: number; tree?: string } {
    const program = record?.parts.find(({ kind }) => kind === 'program');
    if (program === undefined) return { ...this.parts.image };
    const { version, release, tree } = program;
    return { version, release, tree };
  }

  async note(entry: Omit<HistoryEntry, 'at' | 'program' | 'reasons'> & { reasons?: readonly string[] }): Promise<void> {
    const { running } = await this.parts.slots.state();
    const { version, release } = this.programOf(running);
    await this.parts.history.add({
      ...entry,
      at: this.at(),
      program: { version, release },
      reasons: (entry.reasons ?? []).map(reasonLine),
    });
  }

  /** Into the ledger; a ledger that does not take it does not hold an update back. */
  async act(outcome: UpdateAct['outcome'], view: SlotView, job: string | undefined, reasons: readonly string[]) {
    try {
      await this.parts.act?.({
        ...(job === undefined ? {} : { job }),
        outcome,
        program: this.programOf(view),
        ...besideOf(view),
        reasons: reasons.map(reasonLine),
      });
    } catch (error) {
      this.parts.tell('what became of an update could not be stated in the ledger', error);
    }
  }

  /** Ends the job, or the trial, of this id. Each part may be done over by a start after a power cut. */
  async end({ job, outcome, reasons }: Pick<Extract<UpdateStep, { kind: 'end' }>, 'job' | 'outcome' | 'reasons'>) {
    const { trust, slots } = this.parts;
    const { confirmed, running } = await slots.state();
    if (outcome === 'succeeded' && confirmed.record !== undefined) await trust.confirmed(confirmed.record.parts);
    await this.note({ event: outcome, ...(job === undefined ? {} : { job }), slot: running.slot, reasons });
    const states = outcome !== 'canceled';
    if (states) await this.act(actOf[outcome], confirmed, job, reasons);
    const held = this.#state.job?.job;
    const ended: EndedJob = {
      ...(job === undefined ? {} : { job }),
      ...(held?.id === job && held !== undefined ? { nonce: held.nonce } : {}),
      outcome,
      at: this.at(),
      reasons: reasons.slice(0, 50).map(reasonLine),
      told: false,
      ...(states && this.parts.act === undefined ? { unstated: this.programOf(confirmed) } : {}),
    };
    await this.change(({ job: before, trial, ...state }) => ({
      ...state,
      ...(before === undefined || before.job.id === job ? {} : { job: before }),
      ...(trial === undefined || trial.job === job ? {} : { trial }),
      ended: [...state.ended, ended].slice(-mostKept),
      litter: true,
    }));
    this.forgetBuilding();
  }

  /** Into the ledger what ended while nobody wrote it: beside a unit that did not run. */
  async stateOwed(): Promise<void> {
    const { act, tell } = this.parts;
    if (act === undefined) return;
    for (const one of this.#state.ended) {
      const { unstated, ...stated } = one;
      if (unstated === undefined || one.outcome === 'canceled') continue;
      try {
        const { job, outcome, reasons } = one;
        await act({ ...(job === undefined ? {} : { job }), outcome: actOf[outcome], program: unstated, reasons });
        await this.change((state) => ({ ...state, ended: state.ended.map((it) => (it === one ? stated : it)) }));
      } catch (error) {
        tell('what became of an update could not be stated in the ledger', error);
      }
    }
  }

  /** What was prepared is litter: `prepare` empties it. */
  forgetBuilding(): void {
    this.session.building = undefined;
    this.session.freeable = undefined;
    this.session.freed = false;
    this.session.progress = undefined;
  }

  changeHeld(change: (held: NonNullable<UpdateState['job']>) => NonNullable<UpdateState['job']>): Promise<void> {
    return this.change((state) => (state.job === undefined ? state : { ...state, job: change(state.job) }));
  }

  changeTrial(change: (trial: NonNullable<UpdateState['trial']>) => NonNullable<UpdateState['trial']>): Promise<void> {
    return this.change((state) => (state.trial === undefined ? state : { ...state, trial: change(state.trial) }));
  }

  /** Counts what has run on trial since it was written down last; whole seconds, so that nothing is counted twice. */
  async countTrial(slots: SlotsState): Promise<void> {
    const { trial } = this.session;
    const passed = (this.parts.clock.monotonic() - trial.countedTo) / 1000;
    const counts = slots.trial !== undefined && slots.running.slot === slots.trial.slot.slot;
    if (counts) await this.changeTrial((record) => ({ ...record, usedSeconds: record.usedSeconds + passed }));
    trial.countedTo += passed * 1000;
  }
}

const actOf = { succeeded: 'confirmed', 'rolled-back': 'rolled-back', refused: 'refused', failed: 'refused' } as const;

function besideOf({ record }: SlotView): Pick<UpdateAct, 'beside'> {
  const beside = (record?.parts ?? [])
    .filter(({ kind }) => kind !== 'program')
    .map(({ kind, name, version, release, tree }) => ({ kind, name, version, release, tree }));
  return beside.length === 0 ? {} : { beside };
}
