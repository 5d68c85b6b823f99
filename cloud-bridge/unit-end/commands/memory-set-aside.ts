import { join } from 'node:path';
import { storeFault } from '../../../device/kernel/durable-file.ts';
import { systemCode } from '../../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../../device/kernel/files.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../../device/kernel/units.ts';

/** A damaged memory of commands: where it was put, and what was wrong with it. */
export interface MemorySetAside {
  readonly folder: string;
  readonly reason: string;
}

export const idsFolder = 'ids';
export const repliesFolder = 'replies';
const aside = /^ids\.damaged-([0-9]{1,15})$/;

/**
 * Moves the ids, and the replies that nobody can tell from answered ones without them, to folders beside them; returns the first. `now`
 * is in the folder's name: the one rename that takes the ids away says since when they are not known, whatever comes between.
 */
export async function setMemoryAside(files: Files, folder: string, now: UtcMilliseconds): Promise<string> {
  // A clock that was set back must not make an earlier loss the newer one.
  const at = Math.max(Math.round(now), ((await forgottenBefore(files, folder)) ?? -1) + 1, 0);
  const [ids, replies] = [join(folder, `${idsFolder}.damaged-${at}`), join(folder, `${repliesFolder}.damaged-${at}`)];
  try {
    await files.rename(join(folder, idsFolder), ids);
    await files.syncFolder(folder);
    await files.rename(join(folder, repliesFolder), replies).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    await files.syncFolder(folder);
  } catch (error) {
    throw storeFault(error, `cannot set the damaged memory of commands in ${folder} aside`);
  }
  return ids;
}

/** When ids were set aside last; undefined where they never were. */
export async function forgottenBefore(files: Files, folder: string): Promise<UtcMilliseconds | undefined> {
  const names = await listIfThere(files, folder).catch((error: unknown) => {
    throw storeFault(error, `cannot read the folder ${folder}`);
  });
  const times = names.flatMap((name) => {
    const time = aside.exec(name)?.[1];
    return time === undefined ? [] : [Number(time)];
  });
  return times.length === 0 ? undefined : utcMilliseconds(Math.max(...times));
}
