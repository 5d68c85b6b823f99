import { join } from 'node:path';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { acceptanceFiles, readAcceptance } from '../../accept/acceptance.ts';
import { beginning, isExpired, type Progress, progress, testHoldsMinutes } from '../../accept/plan-acceptance.ts';
import { writeOutput } from '../write-output.ts';

const file = 'steps.json';

export const keepProgress = (folder: string, now: Progress): Promise<void> =>
  writeOutput(join(folder, file), `${JSON.stringify(now)}\n`);

export interface Going {
  readonly progress: Progress;
  /** Why something of an earlier call does not count any more; undefined where all of it does, or there was none. */
  readonly says?: string;
}

/**
 * Where an earlier call ended, or the beginning. Throws `usage-invalid` for a folder whose acceptance is of another unit, or decided:
 * such a document is not written over.
 */
export async function goingOn(
  folder: string,
  { unit, key, now, at }: { readonly unit: string; readonly key: string; readonly now: number; readonly at: string },
): Promise<Going> {
  const other = (why: string) =>
    new AtalayaError('usage-invalid', `${folder} ${why}`, { hint: 'Name another folder with --out.' });
  const written = await readWholeFile(systemFiles, join(folder, acceptanceFiles.document));
  if (written !== undefined) {
    const document = readAcceptance(written, join(folder, acceptanceFiles.document));
    if (document.unit !== unit) throw other(`holds the acceptance of ${document.unit}`);
    if (document.outcome !== 'incomplete') throw other(`holds an acceptance that was decided: ${document.outcome}`);
  }
  const fresh = beginning(unit, key, at);
  const kept = await readWholeFile(systemFiles, join(folder, file));
  if (kept === undefined) return { progress: fresh };
  const before = read(kept);
  if (before === undefined) return { progress: fresh, says: `${file} cannot be read: the acceptance begins anew.` };
  if (before.unit !== unit) throw other(`holds a begun acceptance of ${before.unit}`);
  if (before.key !== key) return { progress: fresh, says: 'Somebody else began this acceptance: it begins anew.' };
  const tested = before.tested === null ? undefined : Date.parse(before.tested);
  if (tested !== undefined && (isExpired(tested, now) || tested > now + 60_000)) {
    const says = `The test of the earlier call is more than ${testHoldsMinutes / 60} hours old, or of a time to come: the acceptance begins anew.`;
    return { progress: fresh, says };
  }
  const picture = await readWholeFile(systemFiles, join(folder, acceptanceFiles.picture));
  const same = before.picture !== null && picture !== undefined && sha256(picture) === before.picture.sha256;
  // Whoever calls again wants to go on, whatever was given up before.
  const going = { ...before, picture: same ? before.picture : null, givenUp: false };
  return { progress: going, says: 'Going on where the earlier call ended.' };
}

function read(content: Buffer): Progress | undefined {
  try {
    return progress.safeParse(JSON.parse(content.toString())).data;
  } catch {
    return undefined;
  }
}
