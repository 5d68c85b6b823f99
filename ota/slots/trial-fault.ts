import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import type { Files } from '../../device/kernel/files.ts';
import { removeTree, type TreeFiles } from '../../device/kernel/tree-files.ts';
import type { SlotName, WritableSlot } from '../contract/slots.ts';
import type { Launched } from './launch-environment.ts';

/** Beside a slot's program: why its program could not start, or ended, while it was on trial. `prepare` empties it with the slot. */
const faultName = 'fault';
const longest = 300;

const pathOf = (root: string, slot: SlotName): string => `${root}/${slot}/${faultName}`;

/** Left by a program on trial that ends by a fault, for whoever comes back from it. Never rejects: a disk that takes nothing hinders no end. */
export async function leaveTrialFault(files: Files, launched: Launched | undefined, words: string): Promise<void> {
  if (launched === undefined || !launched.trial || launched.running === 'image') return;
  const line = words.replaceAll(/\s+/g, ' ').trim().slice(0, longest).toWellFormed();
  await writeWholeFile(files, pathOf(launched.root, launched.running), Buffer.from(`${line}\n`)).catch(() => undefined);
}

/** Of an earlier trial, or of a program that was confirmed meanwhile. Never rejects: words alone hinder no trial. */
export const forgetTrialFault = (files: TreeFiles, root: string, slot: WritableSlot): Promise<void> =>
  removeTree(files, pathOf(root, slot)).catch(() => undefined);

/** What was left; undefined where nothing was, or nothing that can be read. */
export async function readTrialFault(files: Files, root: string, slot: SlotName): Promise<string | undefined> {
  if (slot === 'image') return undefined;
  const bytes = await readWholeFile(files, pathOf(root, slot)).catch(() => undefined);
  const line =
    bytes
      ?.subarray(0, 4 * longest)
      .toString('utf8')
      .replaceAll(/\s+/g, ' ')
      .trim() ?? '';
  return line === '' ? undefined : line;
}
