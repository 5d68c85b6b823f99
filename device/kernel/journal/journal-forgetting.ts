import { join } from 'node:path';
import { storeFault } from '../durable-file.ts';
import { systemCode } from '../errors.ts';
import type { Files } from '../files.ts';
import type { Segment } from './journal-segments.ts';

/**
 * Removes a segment, and what was once cut off its end. Resolves when it is gone from the medium, so that none after it can be gone before
 * it. One that is gone already is no fault. Throws `store-failed`.
 */
export async function removeSegment(files: Files, folder: string, { name }: Segment): Promise<void> {
  try {
    const aside = (await files.list(folder)).filter((other) => other.startsWith(`${name}.torn-at-`));
    for (const one of [...aside, name]) await removeIfThere(files, join(folder, one));
    await files.syncFolder(folder);
  } catch (error) {
    throw storeFault(error, `cannot remove ${name}`);
  }
}

async function removeIfThere(files: Files, path: string): Promise<void> {
  try {
    await files.remove(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
