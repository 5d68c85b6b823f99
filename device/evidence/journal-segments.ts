import { join } from 'node:path';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { partEnding, readWholeFile, storeFault, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type Files, listIfThere } from '../kernel/files.ts';
import { decodeFrame, encodeFrame, type Frame, provenDurable } from './journal-frame.ts';

/** A file of the journal, named by the sequence number of its first entry. */
export interface Segment {
  readonly name: string;
  readonly first: number;
}

const format = 'atalaya/journal/1';
const namePattern = /^(\d{12})\.journal$/;

export const segmentName = (first: number): string => `${first.toString().padStart(12, '0')}.journal`;

/** The segments of a folder in order; unfinished files of an earlier run are removed. */
export async function listSegments(files: Files, folder: string): Promise<readonly Segment[]> {
  const segments: Segment[] = [];
  try {
    for (const name of await listIfThere(files, folder)) {
      const first = namePattern.exec(name)?.[1];
      if (first !== undefined) segments.push({ name, first: Number(first) });
      else if (name.endsWith(partEnding)) await files.remove(join(folder, name));
    }
  } catch (error) {
    throw storeFault(error, `cannot read the folder ${folder}`);
  }
  return segments;
}

/** Makes an empty segment; returns it and its length in bytes. */
export async function createSegment(files: Files, folder: string, first: number): Promise<[Segment, number]> {
  const name = segmentName(first);
  const payload = Buffer.from(canonicalJson({ first, format }));
  const content = Buffer.concat(encodeFrame('S1', first, 0, payload));
  await writeWholeFile(files, join(folder, name), content);
  return [{ name, first }, content.byteLength];
}

export async function readSegment(files: Files, folder: string, segment: Segment, scratch?: Buffer): Promise<Buffer> {
  const content = await readWholeFile(files, join(folder, segment.name), scratch);
  if (content === undefined) throw damaged(segment, 0, 'the file is missing');
  return content;
}

/** What stands at the end of the last segment and was never acknowledged. */
export interface TornTail {
  readonly segment: string;
  /** Where the cut was made: the length of the segment after it. */
  readonly byte: number;
  /** How many bytes were cut off. */
  readonly bytes: number;
  readonly reason: string;
}

export interface SegmentScan {
  /** Sequence number of the last whole entry; one less than `first` where the segment has none. */
  readonly last: number;
  /** Where the last whole entry ends. */
  readonly end: number;
  readonly torn: TornTail | undefined;
}

/**
 * Checks every entry of a segment.
 *
 * Throws `store-damaged`, naming segment and byte, for anything that was acknowledged and is not whole: any fault in a closed
 * segment, and in the last one any fault that a later entry proves to lie before its durable end. What is left, a fault at the
 * end of the last segment, is the torn tail of an append that never finished.
 */
export function scanSegment(content: Buffer, segment: Segment, isLast: boolean): SegmentScan {
  let at = skipDescription(content, segment);
  let last = segment.first - 1;
  while (at < content.byteLength) {
    const frame = decodeFrame(content, at);
    const reason = typeof frame === 'string' ? frame : misplaced(frame, last + 1, at);
    if (reason !== undefined) {
      if (!isLast || typeof frame !== 'string' || provenDurable(content, at)) throw damaged(segment, at, reason);
      return { last, end: at, torn: { segment: segment.name, byte: at, bytes: content.byteLength - at, reason } };
    }
    last += 1;
    at = (frame as Frame).next;
  }
  return { last, end: at, torn: undefined };
}

/** Checks the first line of a segment; returns where its entries begin. */
export function skipDescription(content: Buffer, segment: Segment): number {
  const frame = decodeFrame(content, 0);
  if (typeof frame === 'string') throw damaged(segment, 0, frame);
  const payload = frame.payload.toString();
  if (payload === canonicalJson({ first: segment.first, format }) && frame.mark === 'S1') return frame.next;
  const written = /"format":"([^"]*)"/.exec(payload)?.[1];
  if (written !== undefined && written !== format) {
    throw new AtalayaError(
      'store-version-unknown',
      `${segment.name} has the format ${written}; this software knows ${format}`,
      {
        hint: 'Open the store with the software that wrote it.',
      },
    );
  }
  throw damaged(segment, 0, 'the first line does not describe this segment');
}

/** A whole frame whose hash is right can still stand in the wrong place: pasted, repeated, or with others missing before it. */
function misplaced(frame: Frame, sequence: number, at: number): string | undefined {
  if (frame.mark !== 'J1') return 'a segment is described in its middle';
  if (frame.sequence !== sequence) return `entry ${sequence} is expected here and entry ${frame.sequence} found`;
  if (frame.durable > at) return `entry ${sequence} claims ${frame.durable} bytes before it`;
  return undefined;
}

export function damaged(segment: Segment, byte: number, reason: string): AtalayaError {
  return new AtalayaError(
    'store-damaged',
    `the journal is damaged in segment ${segment.name} at byte ${byte}: ${reason}`,
    {
      hint: 'Keep the folder as it is, check the disk, and restore the segment from a copy.',
    },
  );
}
