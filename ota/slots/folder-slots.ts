import { makeFolders, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { removeTree, type TreeFiles } from '../../device/kernel/tree-files.ts';
import { type SlotRecord, slotRecord, startName } from '../contract/bundle.ts';
import { reasonLine } from '../contract/refusals.ts';
import type {
  PreparedSlot,
  SlotName,
  Slots,
  SlotsState,
  SlotView,
  TrialAllowance,
  WritableSlot,
} from '../contract/slots.ts';
import {
  avoided,
  isWhole,
  mostCounted,
  otherThan,
  programFolder,
  readState,
  type SlotsOnDisk,
  slotRecordName,
  startOrder,
  stateFiles,
  writableSlots,
} from './state-files.ts';
import { forgetTrialFault, readTrialFault } from './trial-fault.ts';

/** In the launcher's words. */
const startsUsedUp = 'its starts were used up';

export interface FolderSlotsOptions {
  readonly files: TreeFiles;
  /** Folder of the slots and of their state. */
  readonly root: string;
  /** Folder of the program that the image brought. */
  readonly image: string;
  /** What the launcher said that it started; the confirmed slot where it is not told. */
  readonly running?: SlotName;
}

/** Where a state is, with what its files leave open decided. */
interface Resolved extends SlotsOnDisk {
  readonly confirmed: SlotName;
  readonly running: SlotName;
  /** Whether the file says so itself. */
  readonly said: boolean;
}

/**
 * Slots in a folder, whose state the launcher reads and counts down (`ota/launcher`).
 *
 * A trial is confirmed by the rename of `confirmed` and given up by the rename of `rolled-back`, whatever is done after it; so of two who
 * decide at once both see the same end. Steps of one object are done one after the other. Two that write at the same time are one too many:
 * a machine has one, in its unit.
 */
export class FolderSlots implements Slots {
  readonly #files: TreeFiles;
  readonly #root: string;
  readonly #image: string;
  readonly #running: SlotName | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ files, root, image, running }: FolderSlotsOptions) {
    this.#files = files;
    this.#root = root;
    this.#image = image;
    this.#running = running;
  }

  state(): Promise<SlotsState> {
    return this.#inTurn(async () => {
      const { confirmed, running, before, trial, rolledBack } = await this.#read();
      const others: SlotView[] = [];
      for (const slot of writableSlots) {
        if (slot === confirmed || (trial.kind === 'on' && slot === trial.slot)) continue;
        if (await this.#canStart(slot)) others.push(await this.#view(slot));
      }
      return {
        confirmed: await this.#view(confirmed),
        running: await this.#view(running),
        others,
        ...(before !== undefined && (await this.#canStart(before)) ? { before } : {}),
        ...(trial.kind !== 'on'
          ? {}
          : {
              trial: {
                slot: await this.#view(trial.slot),
                startsLeft: trial.starts,
                minutesLeft: trial.minutes,
              },
            }),
        ...(rolledBack === undefined
          ? {}
          : {
              rolledBack: {
                slot: rolledBack.slot ?? otherThan(confirmed),
                reason: await this.#reasonOf(rolledBack),
              },
            }),
      };
    });
  }

  prepare(): Promise<PreparedSlot> {
    return this.#inTurn(async () => {
      await makeFolders(this.#files, this.#root);
      const state = await this.#read();
      refuseDuringTrial(state);
      const slot = await this.#writable(state);
      await this.#clearTrial();
      const { confirmed, before } = state;
      await this.#sayConfirmed(state, confirmed, before === slot ? undefined : before);
      const folder = `${this.#root}/${slot}`;
      await this.#empty(folder);
      return { slot, folder };
    });
  }

  complete(slot: WritableSlot, record: SlotRecord): Promise<void> {
    return this.#inTurn(async () => {
      const state = await this.#read();
      refuseDuringTrial(state);
      if (slot === state.confirmed || slot === state.running) {
        throw refused(`slot ${slot} is the ${slot === state.confirmed ? 'confirmed' : 'running'} one`);
      }
      const start = await this.#files.look(`${programFolder(this.#root, this.#image, slot)}/${startName}`);
      if (start?.kind !== 'file' || !start.executable) throw refused(`slot ${slot} has no program/${startName} to run`);
      const { schema, job, at, parts } = slotRecord.parse(record);
      const folder = `${this.#root}/${slot}`;
      await this.#files.syncTree(folder);
      // In this order: the launcher knows a record by how it begins.
      const text = `${JSON.stringify({ schema, job, at, parts })}\n`;
      await writeWholeFile(this.#files, `${folder}/${slotRecordName}`, Buffer.from(text));
    });
  }

  startTrial(slot: WritableSlot, allowance: TrialAllowance): Promise<void> {
    return this.#inTurn(() => this.#beginTrial(slot, allowance));
  }

  confirm(): Promise<void> {
    return this.#inTurn(async () => {
      const state = await this.#read();
      const { trial, running, confirmed, rolledBack } = state;
      if (trial.kind !== 'on') {
        if (running === confirmed) return;
        throw refused(`slot ${running} is not on trial: ${rolledBack?.reason ?? 'its trial is over'}`);
      }
      if (running !== trial.slot) throw refused(`slot ${trial.slot} is on trial, and slot ${running} runs`);
      if (trial.minutes === 0) throw refused(`the minutes of slot ${trial.slot} are used up`);
      await this.#sayConfirmed(state, trial.slot, confirmed);
      // It is confirmed. What is left of the trial means nothing any more, and the next start removes it.
      await this.#clearTrial().catch(() => undefined);
    });
  }

  rollBack(reason: string): Promise<void> {
    return this.#inTurn(async () => {
      const { trial } = await this.#read();
      if (trial.kind !== 'on' && trial.kind !== 'damaged') return;
      try {
        await this.#write(stateFiles.rolledBack, `${trial.slot} ${reasonLine(reason)}`);
      } catch (error) {
        // On a full disk the reason is lost, and not the way back: a trial that is gone is over too.
        if (!isAtalayaError(error, 'store-full')) throw error;
      }
      await this.#clearTrial();
    });
  }

  goBack(allowance: TrialAllowance): Promise<void> {
    return this.#inTurn(async () => {
      const { before } = await this.#read();
      if (before === undefined) throw refused('there is no slot that was confirmed before this one');
      await this.#beginTrial(before, allowance);
    });
  }

  async #beginTrial(slot: SlotName, { starts, minutes }: TrialAllowance): Promise<void> {
    for (const [name, value] of Object.entries({ starts, minutes })) {
      if (Number.isInteger(value) && value >= 1 && value <= mostCounted) continue;
      throw new AtalayaError('usage-invalid', `${name} of a trial are 1 to ${mostCounted}, and not ${value}`);
    }
    const state = await this.#read();
    refuseDuringTrial(state);
    if (slot === state.confirmed) throw refused(`slot ${slot} is the confirmed one`);
    if (!(await isWhole(this.#files, this.#root, this.#image, slot))) throw refused(`slot ${slot} is not whole`);
    // A record whose folder could not be synced when it was written is seen, and may be gone after a power cut.
    if (slot !== 'image') await this.#files.syncFolder(`${this.#root}/${slot}`);
    await this.#sayConfirmed(state, state.confirmed, state.before);
    // First what is left of an older trial, or it would be in force again without `rolled-back`.
    await this.#clearTrial();
    await this.#remove(stateFiles.rolledBack);
    if (slot !== 'image') await forgetTrialFault(this.#files, this.#root, slot);
    await this.#write(stateFiles.trial, `${slot} ${starts} ${minutes}`);
  }

  /** The launcher knows that starts were used up, and the program that used them up knows why. */
  async #reasonOf({ slot, reason }: NonNullable<SlotsOnDisk['rolledBack']>): Promise<string> {
    if (reason === '') return 'the file that said why is damaged';
    if (slot === undefined || reason !== startsUsedUp) return reason;
    const fault = await readTrialFault(this.#files, this.#root, slot);
    return fault === undefined ? reason : `${reason}; it said: ${fault}`;
  }

  async #read(): Promise<Resolved> {
    const state = await readState(this.#files, this.#root);
    const order = startOrder(state.confirmed, avoided(state));
    const confirmed = (await this.#firstToStart(order)) ?? 'image';
    return { ...state, confirmed, running: this.#running ?? confirmed, said: confirmed === state.confirmed };
  }

  /** The slot that may be emptied: neither confirmed nor running; of two, the one that nobody could start or go back to. */
  async #writable({ confirmed, running, before }: Resolved): Promise<WritableSlot> {
    const free = writableSlots.filter((slot) => slot !== confirmed && slot !== running);
    for (const slot of free) if (!(await this.#canStart(slot))) return slot;
    const slot = free.find((one) => one !== before) ?? free[0];
    if (slot !== undefined) return slot;
    throw refused(`slot ${confirmed} is confirmed and slot ${running} runs: there is none to write to`, {
      hint: 'Start the unit again: it then runs from its confirmed slot.',
    });
  }

  async #firstToStart(order: readonly SlotName[]): Promise<SlotName | undefined> {
    for (const slot of order) if (await this.#canStart(slot)) return slot;
    return undefined;
  }

  /** As the launcher judges it: what cannot be looked at is not there. What runs was started: there it is a fault of the moment. */
  async #canStart(slot: SlotName): Promise<boolean> {
    try {
      return await isWhole(this.#files, this.#root, this.#image, slot);
    } catch (error) {
      if (slot === this.#running) throw error;
      return false;
    }
  }

  /** Removes what is there, the record first: half a slot never looks like a whole one. */
  async #empty(folder: string): Promise<void> {
    const node = await this.#files.look(folder);
    if (node !== undefined && node.kind !== 'folder') await this.#files.remove(folder);
    await makeFolders(this.#files, folder);
    const names = await this.#files.list(folder);
    if (names.length === 0) return;
    await removeTree(this.#files, `${folder}/${slotRecordName}`);
    await this.#files.syncFolder(folder);
    for (const name of names) await removeTree(this.#files, `${folder}/${name}`);
    await this.#files.syncFolder(folder);
  }

  async #view(slot: SlotName): Promise<SlotView> {
    const program = programFolder(this.#root, this.#image, slot);
    if (slot === 'image') return { slot, program };
    const record = await this.#record(slot);
    const components = `${this.#root}/${slot}/components`;
    return { slot, program, components, ...(record === undefined ? {} : { record }) };
  }

  async #record(slot: WritableSlot): Promise<SlotRecord | undefined> {
    const content = await readWholeFile(this.#files, `${this.#root}/${slot}/${slotRecordName}`);
    if (content === undefined) return undefined;
    try {
      return slotRecord.safeParse(JSON.parse(content.toString())).data;
    } catch {
      return undefined;
    }
  }

  /** Says it where the file does not say just that. */
  async #sayConfirmed(state: Resolved, slot: SlotName, before: SlotName | undefined): Promise<void> {
    if (state.said && state.confirmed === slot && state.before === before) return;
    await this.#write(stateFiles.confirmed, before === undefined || before === slot ? slot : `${slot} ${before}`);
  }

  async #write(name: string, line: string): Promise<void> {
    const path = `${this.#root}/${name}`;
    const node = await this.#files.look(path);
    if (node !== undefined && node.kind !== 'file') await removeTree(this.#files, path);
    await writeWholeFile(this.#files, path, Buffer.from(`${line}\n`));
  }

  async #clearTrial(): Promise<void> {
    await this.#remove(stateFiles.trial, stateFiles.minutes);
  }

  async #remove(...names: readonly string[]): Promise<void> {
    for (const name of names) await removeTree(this.#files, `${this.#root}/${name}`);
    await this.#files.syncFolder(this.#root);
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#last.then(step, step);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const refused = (message: string, details: { readonly hint?: string } = {}): AtalayaError =>
  new AtalayaError('act-refused', message, details);

function refuseDuringTrial({ trial }: Resolved): void {
  if (trial.kind === 'on') throw refused(`slot ${trial.slot} is on trial`, { hint: 'Confirm it, or roll it back.' });
}
