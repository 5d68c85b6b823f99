import { readWholeFile } from '../../device/kernel/durable-file.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { slotRecordSchemaId, startName } from '../contract/bundle.ts';
import { longestReason } from '../contract/refusals.ts';
import type { SlotName, WritableSlot } from '../contract/slots.ts';

/**
 * The state of the slots as it lies on the disk, read as the launcher reads it. Each file is one line that ends with one newline; whatever
 * is not of its form is damaged.
 *
 *     confirmed    SLOT [BEFORE]        missing: the image. BEFORE was confirmed before it
 *     trial        SLOT STARTS MINUTES  starts that are left, minutes that it began with
 *     minutes      MINUTES              that are left of the trial; missing: as many as it began with
 *     rolled-back  SLOT REASON          as long as it is there, no trial is in force
 *
 * `trial` is written by the unit and counted down by the launcher's `run`, `minutes` by its `guard` alone: who counts one cannot undo the other.
 */
export const stateFiles = {
  confirmed: 'confirmed',
  trial: 'trial',
  minutes: 'minutes',
  rolledBack: 'rolled-back',
} as const;

export const slotRecordName = 'slot.json';
/** How a slot's record begins: the launcher knows one by it, and by its closing brace. */
export const recordBeginning = `{"schema":"${slotRecordSchemaId}",`;

export const writableSlots: readonly WritableSlot[] = ['a', 'b'];

/** The largest number that a state file holds. */
export const mostCounted = 9999;

export interface SlotsOnDisk {
  /** Undefined where the file is damaged. */
  readonly confirmed: SlotName | undefined;
  readonly before: SlotName | undefined;
  readonly trial: TrialOnDisk;
  /** Whether the file is there; what it says, as far as it can be read. */
  readonly rolledBack: { readonly slot: SlotName | undefined; readonly reason: string } | undefined;
}

/** `moot`: what is left of a trial that is over. `damaged`: nobody knows which slot it was of; `slot` is likely. */
export type TrialOnDisk =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'on' | 'moot' | 'damaged';
      readonly slot: SlotName;
      readonly starts: number;
      /** Left, and at the beginning. */
      readonly minutes: number;
      readonly allowed: number;
    };

const number = '(0|[1-9][0-9]{0,3})';
const forms = {
  confirmed: /^(a|b|image)(?: (?!\1\n)(a|b|image))?\n$/,
  trial: new RegExp(`^(a|b|image) ${number} ${number}\\n$`),
  minutes: new RegExp(`^${number}\\n$`),
};

/** Reads the state; changes nothing. Throws `store-failed`. */
export async function readState(files: TreeFiles, root: string): Promise<SlotsOnDisk> {
  const confirmedLine = await lineOf(files, `${root}/${stateFiles.confirmed}`);
  const [, slot, before] = forms.confirmed.exec(confirmedLine ?? '') ?? [];
  const confirmed = confirmedLine === undefined ? 'image' : (slot as SlotName | undefined);
  const rolledBack = await readRolledBack(files, root);
  const trial = await readTrial(files, root, confirmed, rolledBack !== undefined);
  return { confirmed, before: before as SlotName | undefined, trial, rolledBack };
}

async function readTrial(
  files: TreeFiles,
  root: string,
  confirmed: SlotName | undefined,
  over: boolean,
): Promise<TrialOnDisk> {
  const line = await lineOf(files, `${root}/${stateFiles.trial}`);
  if (line === undefined) return { kind: 'none' };
  const [, slot, starts, minutes] = forms.trial.exec(line) ?? [];
  if (slot === undefined) {
    return { kind: over ? 'moot' : 'damaged', slot: otherThan(confirmed), starts: 0, minutes: 0, allowed: 0 };
  }
  const left = await lineOf(files, `${root}/${stateFiles.minutes}`);
  const allowed = Number(minutes);
  return {
    kind: over || slot === confirmed ? 'moot' : 'on',
    slot: slot as SlotName,
    starts: Number(starts),
    minutes: left === undefined ? allowed : Math.min(allowed, Number(forms.minutes.exec(left)?.[1] ?? 0)),
    allowed,
  };
}

async function readRolledBack(files: TreeFiles, root: string): Promise<SlotsOnDisk['rolledBack']> {
  const path = `${root}/${stateFiles.rolledBack}`;
  const node = await files.look(path);
  if (node === undefined) return undefined;
  const text = node.kind === 'file' ? await textOf(files, path) : '';
  const [, slot, reason] = /^(a|b|image) ([^\n]*)/.exec(text) ?? [];
  return { slot: slot as SlotName | undefined, reason: reason?.slice(0, longestReason) ?? '' };
}

/** A short file's text; undefined where there is nothing, and empty where it is no short file. */
async function lineOf(files: TreeFiles, path: string): Promise<string | undefined> {
  const node = await files.look(path);
  if (node === undefined) return undefined;
  if (node.kind !== 'file' || node.size > 64) return '';
  return (await readWholeFile(files, path))?.toString('latin1');
}

/** A file's text as a shell takes it: without zero bytes. */
async function textOf(files: TreeFiles, path: string): Promise<string> {
  return (await readWholeFile(files, path))?.toString().replaceAll('\0', '') ?? '';
}

/** The slot that an update would have been written to. */
export const otherThan = (slot: SlotName | undefined): WritableSlot => (slot === 'a' ? 'b' : 'a');

export const programFolder = (root: string, image: string, slot: SlotName): string =>
  slot === 'image' ? image : `${root}/${slot}/program`;

/** Whether a slot can be started, as the launcher judges it. Throws `store-failed`. */
export async function isWhole(files: TreeFiles, root: string, image: string, slot: SlotName): Promise<boolean> {
  const start = await files.look(`${programFolder(root, image, slot)}/${startName}`);
  const startable = start?.kind === 'file' && start.executable;
  if (slot === 'image') {
    // Without `start` the launcher runs Node itself.
    const entries = ['js', 'ts'].map((entry) => files.look(`${image}/device/cli/atalaya-unit.${entry}`));
    return startable || (await Promise.all(entries)).some((node) => node?.kind === 'file');
  }
  const record = `${root}/${slot}/${slotRecordName}`;
  if (!startable || (await files.look(record))?.kind !== 'file') return false;
  const text = (await textOf(files, record)).replace(/\n+$/, '');
  return text.startsWith(recordBeginning) && text.slice(recordBeginning.length).endsWith('}');
}

/** The slot that no start takes but as the last resort: the one on trial, or the one that was given up. */
export const avoided = ({ trial, rolledBack }: SlotsOnDisk): SlotName | undefined =>
  trial.kind === 'on' || trial.kind === 'damaged' ? trial.slot : rolledBack?.slot;

/** In which order a start that is no trial looks for a whole slot. */
export function startOrder(confirmed: SlotName | undefined, avoid: SlotName | undefined): readonly SlotName[] {
  const others = writableSlots.filter((slot) => slot !== avoid);
  return [...new Set<SlotName>([...(confirmed === undefined ? [] : [confirmed]), ...others, 'image', 'a', 'b'])];
}

/** The slot that a start takes where no trial is on; undefined where none is whole. Throws `store-failed`. */
export async function firstWhole(
  files: TreeFiles,
  root: string,
  image: string,
  order: readonly SlotName[],
): Promise<SlotName | undefined> {
  for (const slot of order) {
    if (await isWhole(files, root, image, slot)) return slot;
  }
  return undefined;
}
