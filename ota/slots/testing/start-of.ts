import { writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { systemCode } from '../../../device/kernel/errors.ts';
import { removeTree, type TreeFiles } from '../../../device/kernel/tree-files.ts';
import type { SlotName } from '../../contract/slots.ts';
import { firstWhole, isWhole, readState, startOrder, stateFiles } from '../state-files.ts';

export interface Start {
  readonly slot: SlotName;
  readonly trial: boolean;
}

/**
 * What `atalaya-launcher run` does to the state, and which slot it starts: a model for tests, held against the script by
 * `launcher.test.ts`. Undefined where there is nothing to start. Throws only where the power fails.
 */
export async function startOf(files: TreeFiles, root: string, image = `${root}/image`): Promise<Start | undefined> {
  const { confirmed, trial, rolledBack } = await readState(files, root);
  let avoid = rolledBack?.slot;
  if (trial.kind === 'moot') await clearTrial(files, root);
  if (trial.kind === 'damaged' || trial.kind === 'on') {
    avoid = trial.slot;
    const reason =
      trial.kind === 'damaged'
        ? 'the file trial was damaged'
        : !(await isWhole(files, root, image, trial.slot))
          ? 'it is not whole'
          : trial.starts === 0
            ? 'its starts were used up'
            : trial.minutes === 0
              ? 'its minutes were used up'
              : undefined;
    if (reason !== undefined) {
      await write(files, root, stateFiles.rolledBack, `${trial.slot} ${reason}`);
      await clearTrial(files, root);
    } else if (
      (await write(files, root, stateFiles.trial, `${trial.slot} ${trial.starts - 1} ${trial.allowed}`)) &&
      ((await there(files, root)) || (await write(files, root, stateFiles.minutes, String(trial.allowed))))
    ) {
      return { slot: trial.slot, trial: true };
    }
  }
  const slot = await firstWhole(files, root, image, startOrder(confirmed, avoid));
  return slot === undefined ? undefined : { slot, trial: false };
}

/** What `atalaya-launcher guard` does; true where the unit has to be started anew. */
export async function guardOf(files: TreeFiles, root: string): Promise<boolean> {
  const { trial } = await readState(files, root);
  if (trial.kind === 'none' || trial.kind === 'moot') return false;
  if (trial.kind === 'on' && !(await there(files, root))) return false;
  const left = Math.max(0, trial.minutes - 1);
  if (await write(files, root, stateFiles.minutes, String(left))) return left === 0;
  return clearTrial(files, root);
}

const there = async (files: TreeFiles, root: string): Promise<boolean> =>
  (await files.look(`${root}/${stateFiles.minutes}`)) !== undefined;

/** Whether it is durable. */
async function write(files: TreeFiles, root: string, name: string, line: string): Promise<boolean> {
  try {
    await writeWholeFile(files, `${root}/${name}`, Buffer.from(`${line}\n`));
    return true;
  } catch (error) {
    return lost(error);
  }
}

async function clearTrial(files: TreeFiles, root: string): Promise<boolean> {
  try {
    for (const name of [stateFiles.trial, stateFiles.minutes]) await removeTree(files, `${root}/${name}`);
    await files.syncFolder(root);
    return true;
  } catch (error) {
    return lost(error);
  }
}

/** A fault of the disk is the script's to live with. Nobody lives on without power, of which the memory says EIO for ever after. */
function lost(error: unknown): false {
  const code = systemCode(error) ?? systemCode((error as Error).cause);
  if (code === 'EIO') throw error;
  return false;
}
