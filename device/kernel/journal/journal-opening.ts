import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { makeFolders, readWholeFile, storeFault, writeWholeFile } from '../durable-file.ts';
import type { AtalayaError } from '../errors.ts';
import type { Files } from '../files.ts';
import { decodeFrame, type Frame, provenDurable } from './journal-frame.ts';
import { endsWrongly, lastEntry, misplaced, readDescription, withSegment } from './journal-reading.ts';
import {
  createSegment,
  damaged,
  describe,
  listSegments,
  missing,
  type Previous,
  type Segment,
  segmentOf,
} from './journal-segments.ts';

/** What stands at the end of the last segment and was never acknowledged. */
export interface TornTail {
  readonly segment: string;
  /** Where the cut was made: the length of the segment after it. */
  readonly byte: number;
  /** How many bytes were cut off. */
  readonly bytes: number;
  readonly reason: string;
}

/** A segment and its bytes; of the last one, those that it had when it was opened or begun. */
export interface SizedSegment extends Segment {
  readonly bytes: number;
}

/** A journal that is fit to be appended to. */
export interface OpenedJournal {
  readonly segments: readonly SizedSegment[];
  readonly last: number;
  readonly torn: TornTail | undefined;
  /** Bytes of the last segment. */
  readonly end: number;
  /** Over these bytes. */
  readonly hash: Hash;
}

/**
 * Checks the last segment whole, and of each closed one its first line, its size and its last line: the work does not grow with the
 * entries. Cuts a torn tail off, keeping its bytes in a file beside the segments, and begins the first segment where there is none.
 * `headless`: the first segments may have been removed.
 *
 * Throws `store-damaged` naming segment and byte, `store-version-unknown`, `store-full` or `store-failed`.
 */
export async function openSegments(
  files: Files,
  folder: string,
  { atLeast, headless }: { readonly atLeast: number; readonly headless: boolean },
): Promise<OpenedJournal> {
  await makeFolders(files, folder);
  const segments = await listSegments(files, folder);
  const current = segments.at(-1);
  if (current === undefined) {
    const first = segmentOf(1);
    if (atLeast > 0) throw behind(first, 0, 0, atLeast);
    const content = await createSegment(files, folder, first, null);
    const hash = createHash('sha256').update(content);
    const bytes = content.byteLength;
    return { segments: [{ ...first, bytes }], last: 0, torn: undefined, end: bytes, hash };
  }
  if (segments[0]?.first !== 1 && !headless) throw missing(1);
  const sized: SizedSegment[] = [];
  let before: Outline | undefined;
  for (const segment of segments.slice(0, -1)) {
    const closed = await outline(files, folder, segment);
    if (before !== undefined) checkJoint(before, segment, closed.previous);
    before = closed;
    sized.push({ ...segment, bytes: closed.bytes });
  }
  const content = await readWholeFile(files, join(folder, current.name));
  if (content === undefined) throw damaged(current, 0, 'the file is missing');
  const { previous, next } = describe(content, current);
  if (before !== undefined) checkJoint(before, current, previous);
  const { last, end, torn } = scanLast(content, current, next);
  if (last < atLeast) throw behind(current, end, last, atLeast);
  if (torn !== undefined) await cut(files, folder, torn, content);
  await settle(files, folder, current);
  const hash = createHash('sha256').update(content.subarray(0, end));
  return { segments: [...sized, { ...current, bytes: end }], last, torn, end, hash };
}

/** What can be told of a closed segment without reading it. */
interface Outline {
  readonly segment: Segment;
  readonly previous: Previous | null;
  readonly bytes: number;
  readonly last: Awaited<ReturnType<typeof lastEntry>>;
}

const outline = (files: Files, folder: string, segment: Segment): Promise<Outline> =>
  withSegment(files, folder, segment, async (file) => {
    const { previous, next } = await readDescription(file, segment);
    const bytes = await file.size();
    return { segment, previous, bytes, last: await lastEntry(file, next, bytes) };
  });

/** Does the one end where the other begins? */
function checkJoint({ segment, bytes, last }: Outline, successor: Segment, previous: Previous | null): void {
  const written = previous?.bytes ?? 0;
  if (bytes !== written) {
    const cut = `it has ${bytes} bytes, and ${successor.name} follows one of ${written}`;
    const lost =
      typeof last === 'number' && last + 1 < successor.first
        ? `; unless it was cut, ${segmentOf(last + 1).name} is missing`
        : '';
    throw damaged(segment, Math.min(bytes, written), cut + lost);
  }
  if (typeof last !== 'number') throw damaged(segment, last.at, last.reason);
  if (last + 1 < successor.first) throw missing(last + 1);
  if (last + 1 > successor.first) throw endsWrongly(segment, bytes, last, successor);
}

/**
 * Checks every entry of the last segment, given its content and where its entries begin.
 *
 * Throws `store-damaged` for any fault that a later entry proves to lie before its durable end, and for a whole entry in a wrong
 * place. What is left, a fault at the end, is the torn tail of an append that never finished.
 */
function scanLast(
  content: Buffer,
  segment: Segment,
  begin: number,
): { readonly last: number; readonly end: number; readonly torn: TornTail | undefined } {
  let at = begin;
  let last = segment.first - 1;
  while (at < content.byteLength) {
    const frame = decodeFrame(content, at);
    const reason = typeof frame === 'string' ? frame : misplaced(frame, last + 1, at);
    if (reason !== undefined) {
      if (typeof frame !== 'string' || provenDurable(content, at)) throw damaged(segment, at, reason);
      return { last, end: at, torn: { segment: segment.name, byte: at, bytes: content.byteLength - at, reason } };
    }
    last += 1;
    at = (frame as Frame).next;
  }
  return { last, end: at, torn: undefined };
}

/**
 * Makes what was read durable: after a crash of the program, entries may stand in the page cache alone, and from now on they count.
 */
async function settle(files: Files, folder: string, last: Segment): Promise<void> {
  try {
    const file = await files.open(join(folder, last.name), 'update');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await files.syncFolder(folder);
  } catch (error) {
    throw storeFault(error, `cannot make ${last.name} durable`);
  }
}

/** Cuts a torn tail off, its bytes kept aside where the disk has room for them. */
async function cut(files: Files, folder: string, tail: TornTail, content: Buffer): Promise<void> {
  const aside = join(folder, `${tail.segment}.torn-at-${tail.byte}`);
  await writeWholeFile(files, aside, content.subarray(tail.byte)).catch(() => undefined);
  try {
    const file = await files.open(join(folder, tail.segment), 'update');
    try {
      await file.truncate(tail.byte);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw storeFault(error, `cannot cut the torn tail of ${tail.segment} at byte ${tail.byte}`);
  }
}

function behind(segment: Segment, byte: number, last: number, atLeast: number): AtalayaError {
  return damaged(segment, byte, `it ends with entry ${last}, and entry ${atLeast} had been acknowledged`);
}
