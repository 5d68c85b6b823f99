import { join } from 'node:path';
import { canonicalJson } from '../canonical-json.ts';
import { partEnding, storeFault, writeWholeFile } from '../durable-file.ts';
import { AtalayaError } from '../errors.ts';
import { type Files, listIfThere } from '../files.ts';
import { decodeFrame, encodeFrame } from './journal-frame.ts';

/** A file of the journal, named by the sequence number of its first entry. */
export interface Segment {
  readonly name: string;
  readonly first: number;
}

/** The whole file of the segment before, as it was when it was closed. */
export interface Previous {
  readonly bytes: number;
  readonly sha256: string;
}

/** What the first line of a segment says. */
export interface Description {
  /** Null in the first segment. */
  readonly previous: Previous | null;
  /** Where the entries begin. */
  readonly next: number;
}

const format = 'atalaya/journal/2';
const namePattern = /^(\d{12})\.journal$/;
const previousPattern = /"previous":\{"bytes":(\d{1,15}),"sha256":"([0-9a-f]{64})"\}\}$/;

/** A first line is never longer. */
export const longestDescription = 512;

export function segmentOf(first: number): Segment {
  return { name: `${first.toString().padStart(12, '0')}.journal`, first };
}

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

/** Makes a segment without entries; returns its content. */
export async function createSegment(
  files: Files,
  folder: string,
  { name, first }: Segment,
  previous: Previous | null,
): Promise<Buffer> {
  const content = encodeFrame('S1', first, 0, Buffer.from(descriptionText(first, previous)));
  await writeWholeFile(files, join(folder, name), content);
  return content;
}

/** Reads and checks the first line of a segment, given at least `longestDescription` bytes of it or all there are. */
export function describe(content: Buffer, segment: Segment): Description {
  const frame = decodeFrame(content, 0);
  if (typeof frame === 'string') throw damaged(segment, 0, frame);
  const payload = frame.payload.toString();
  const [, bytes, sha256] = previousPattern.exec(payload) ?? [];
  const previous = bytes === undefined || sha256 === undefined ? null : { bytes: Number(bytes), sha256 };
  const expected =
    frame.mark === 'S1' && frame.sequence === segment.first && (previous === null) === (segment.first === 1);
  if (expected && payload === descriptionText(segment.first, previous)) return { previous, next: frame.next };
  const written = /"format":"([^"]*)"/.exec(payload)?.[1];
  if (written !== undefined && written !== format) {
    throw new AtalayaError(
      'store-version-unknown',
      `${segment.name} has the format ${written}; this software knows ${format}`,
      {
        hint: 'Read the store with the software that wrote it, and name an empty folder for this one; nothing was changed.',
      },
    );
  }
  throw damaged(segment, 0, 'the first line does not describe this segment');
}

const descriptionText = (first: number, previous: Previous | null): string =>
  canonicalJson({ first, format, previous: previous === null ? null : { ...previous } });

export function damaged(segment: Segment, byte: number, reason: string): AtalayaError {
  return new AtalayaError(
    'store-damaged',
    `the journal is damaged in segment ${segment.name} at byte ${byte}: ${reason}`,
    {
      hint: 'Keep the folder as it is, check the disk, and restore the segment from a copy.',
    },
  );
}

export function missing(first: number): AtalayaError {
  return damaged(segmentOf(first), 0, 'the segment is missing');
}
