import { join } from 'node:path';
import type { Clock } from '../../../device/kernel/clock.ts';
import { makeFolders, storeFault } from '../../../device/kernel/durable-file.ts';
import { isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../../device/kernel/files.ts';
import { Journal } from '../../../device/kernel/journal/journal.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Lane } from '../../contract/outbox.ts';
import { damagedSpool, readSpoolState, type SpoolState, writeSpoolState } from './spool-state.ts';

export interface SpoolOptions {
  readonly files: Files;
  readonly lane: Lane;
  /**
   * Bytes on the disk. In the lane of telemetry the oldest whole segments are dropped beyond it, and counted; in any other an offer is
   * refused with `store-full`. Without a bound where absent.
   */
  readonly mostBytes?: number;
  /** `set-aside`: a damaged spool is moved to a folder beside it, whole, and another stream begun. `refuse`: the opening throws. */
  readonly damaged?: 'refuse' | 'set-aside';
  readonly random: Random;
  readonly clock: Clock;
}

/** What the start found. */
export interface SpoolOpening {
  /** Bytes of an offer that was never acknowledged, cut off. */
  readonly tornBytes: number;
  /** Where a damaged spool was put, and what was wrong with it. */
  readonly setAside: { readonly folder: string; readonly reason: string } | undefined;
}

export interface OpenedSpool {
  readonly journal: Journal;
  readonly state: SpoolState;
  readonly opening: SpoolOpening;
}

/** Segments of this size, of a bounded spool an eighth of it where that is less. */
const mostSegmentBytes = 1024 * 1024;
const leastSegmentBytes = 1024;

export const journalFolder = (folder: string) => join(folder, 'journal');

export function segmentBytesOf({ mostBytes }: Pick<SpoolOptions, 'mostBytes'>): number {
  if (mostBytes === undefined) return mostSegmentBytes;
  return Math.max(leastSegmentBytes, Math.min(mostSegmentBytes, Math.floor(mostBytes / 8)));
}

/** Throws `store-damaged` unless that is to be set aside, `store-version-unknown`, `store-full`, `store-failed`. */
export async function openSpool(folder: string, options: SpoolOptions): Promise<OpenedSpool> {
  await makeFolders(options.files, folder);
  try {
    return await openAsItIs(folder, options, undefined);
  } catch (error) {
    if (options.damaged !== 'set-aside' || !isAtalayaError(error, 'store-damaged')) throw error;
    const aside = await setAside(options.files, folder);
    return openAsItIs(folder, options, { folder: aside, reason: error.message });
  }
}

export function openSpoolJournal(folder: string, options: SpoolOptions, atLeast: number): Promise<Journal> {
  const { files } = options;
  return Journal.open(journalFolder(folder), {
    files,
    segmentBytes: segmentBytesOf(options),
    atLeast,
    headless: true,
  });
}

async function openAsItIs(
  folder: string,
  options: SpoolOptions,
  setAside: SpoolOpening['setAside'],
): Promise<OpenedSpool> {
  const { files, lane } = options;
  const found = await readSpoolState(files, folder);
  if (found !== undefined && found.lane !== lane) throw damagedSpool(folder, `it is of the lane ${found.lane}`);
  const empty = (await namesIn(files, journalFolder(folder))).length === 0;
  if (found === undefined && !empty) throw damagedSpool(folder, 'spool.json is missing');
  // Without any entry nobody can tell which numbers were given: they are given again, so under another name.
  const anew = found === undefined || (empty && found.forgotten === 0 && found.droppedTo === 0);
  const begun = anew ? await begin(folder, options) : found;
  const journal = await openSpoolJournal(folder, options, begun.forgotten);
  // Where the bound dropped a segment and the disk was too full to note it, the journal itself says so.
  const before = (journal.segments[0]?.first ?? 1) - 1;
  const lost = before - Math.max(begun.forgotten, begun.droppedTo);
  const state = lost > 0 ? { ...begun, droppedTo: before, dropped: begun.dropped + lost } : begun;
  // A crash may have come between the note and the removal.
  await journal.forget(Math.max(state.forgotten, state.droppedTo) + 1);
  return { journal, state, opening: { tornBytes: journal.opening.torn?.bytes ?? 0, setAside } };
}

/** The name of the numbering is on the medium before the first number is given. */
async function begin(folder: string, { files, lane, random }: SpoolOptions): Promise<SpoolState> {
  const stream = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  const state = { lane, stream, forgotten: 0, droppedTo: 0, dropped: 0 };
  await writeSpoolState(files, folder, state);
  return state;
}

async function namesIn(files: Files, folder: string): Promise<readonly string[]> {
  try {
    return await listIfThere(files, folder);
  } catch (error) {
    throw storeFault(error, `cannot read the folder ${folder}`);
  }
}

/** Moves everything of a spool to a folder beside it; returns that. After a crash in between, the rest is found damaged and follows. */
async function setAside(files: Files, folder: string): Promise<string> {
  const taken = (await namesIn(files, folder)).filter((name) => name.startsWith('damaged-')).length;
  const aside = join(folder, `damaged-${taken + 1}`);
  await makeFolders(files, aside);
  try {
    for (const name of ['journal', 'spool.json']) {
      await files.rename(join(folder, name), join(aside, name)).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOENT') throw error;
      });
    }
    await files.syncFolder(aside);
    await files.syncFolder(folder);
  } catch (error) {
    throw storeFault(error, `cannot set the damaged spool in ${folder} aside`);
  }
  return aside;
}
