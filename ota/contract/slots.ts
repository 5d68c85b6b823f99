import type { SlotPart, SlotRecord } from './bundle.ts';

/**
 * The places that a unit's program can run from: two that updates write, and what the image brought. The running one is never written to.
 *
 * Guarantees: every step is atomic and durable, so that a power cut leaves the state before it or after it; a slot that has no record is
 * never started; a slot on trial that is not confirmed is left again by itself after its starts or its minutes are used up; whoever starts
 * the unit (the launcher) always finds a whole slot.
 */
export interface Slots {
  state(): Promise<SlotsState>;
  /** Empties the slot that may be written and gives its folder. Throws `store-failed`, and `act-refused` while a trial is on. */
  prepare(): Promise<PreparedSlot>;
  /** Makes what was put into the prepared slot durable, and then says that it is whole. */
  complete(slot: WritableSlot, record: SlotRecord): Promise<void>;
  /** Makes a whole slot the one that the next start tries. Throws `act-refused` for one that is not whole, and while a trial is on. */
  startTrial(slot: WritableSlot, allowance: TrialAllowance): Promise<void>;
  /** Keeps the slot that is on trial; the one before stays as it is until `prepare`. Nothing where it is confirmed already. */
  confirm(): Promise<void>;
  /** The next start is of the confirmed slot. Nothing where no trial is on. */
  rollBack(reason: string): Promise<void>;
  /** Takes back to the slot that was confirmed before this one, on a person's word; as a trial. Throws `act-refused` where there is none. */
  goBack(allowance: TrialAllowance): Promise<void>;
}

export type WritableSlot = 'a' | 'b';
/** `image`: the program that came with the machine's image, or with its installation. */
export type SlotName = WritableSlot | 'image';

export interface TrialAllowance {
  /** Starts that it may use up. */
  readonly starts: number;
  /** Minutes that it may run unconfirmed, counted by whoever guards the launcher. */
  readonly minutes: number;
}

export interface PreparedSlot {
  readonly slot: WritableSlot;
  /** Empty. The program goes to `program`, every other component to `components/KIND/NAME`. */
  readonly folder: string;
}

export interface SlotView {
  readonly slot: SlotName;
  /** Absent for the image. */
  readonly record?: SlotRecord;
  /** Folder of `device/`, `node_modules/` and `bundle.json`. */
  readonly program: string;
  /** Folder of components by kind and name; absent for the image. */
  readonly components?: string;
}

export interface SlotsState {
  readonly confirmed: SlotView;
  /** The slot that the newest start took. */
  readonly running: SlotView;
  readonly trial?: { readonly slot: SlotView; readonly startsLeft: number; readonly minutesLeft: number };
  /** Whole slots that are neither confirmed nor on trial; two at most, while the image is confirmed. */
  readonly others: readonly SlotView[];
  /** The whole slot that was confirmed before this one: where `goBack` leads. */
  readonly before?: SlotName;
  /** What the launcher or `rollBack` gave up last, and why; kept until the next trial. */
  readonly rolledBack?: { readonly slot: SlotName; readonly reason: string };
}

/** Where the parts of a slot lie, below its folder. */
export const partFolder = ({ kind, name }: Pick<SlotPart, 'kind' | 'name'>): string =>
  kind === 'program' ? 'program' : `components/${kind}/${name}`;
