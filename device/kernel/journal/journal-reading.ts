import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { storeFault } from '../durable-file.ts';
import { type AtalayaError, systemCode } from '../errors.ts';
import type { Files, OpenFile } from '../files.ts';
import { announcedBytes, decodeFrame, type Frame, longestPayload } from './journal-frame.ts';
import {
  type Description,
  damaged,
  describe,
  longestDescription,
  type Previous,
  type Segment,
} from './journal-segments.ts';

/** An entry, and where in its segment it begins and how many bytes it takes. */
export interface PlacedFrame {
  readonly frame: Frame;
  readonly offset: number;
  readonly bytes: number;
}

const chunkBytes = 1024 * 1024;
const endBytes = 16 * 1024;

/** Opens a segment for `work` and closes it. Throws `store-damaged` where the file is missing, `store-failed` where it cannot be read. */
export async function withSegment<T>(
  files: Files,
  folder: string,
  segment: Segment,
  work: (file: OpenFile) => Promise<T>,
): Promise<T> {
  const file = await openSegment(files, folder, segment);
  try {
    return await work(file);
  } catch (error) {
    throw storeFault(error, `cannot read ${segment.name}`);
  } finally {
    await file.close().catch(() => undefined);
  }
}

export async function openSegment(files: Files, folder: string, segment: Segment): Promise<OpenFile> {
  try {
    return await files.open(join(folder, segment.name), 'read');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw damaged(segment, 0, 'the file is missing');
    throw storeFault(error, `cannot open ${segment.name}`);
  }
}

/** The first line of a segment; `hash`, where it is given, takes its bytes. */
export async function readDescription(file: OpenFile, segment: Segment, hash?: Hash): Promise<Description> {
  const content = await readPart(file, 0, longestDescription);
  const description = describe(content, segment);
  hash?.update(content.subarray(0, description.next));
  return description;
}

/** The last entry of a segment whose entries begin at `begin`, found from the end of the file; or what is wrong there, and at which byte. */
export async function lastEntry(
  file: OpenFile,
  begin: number,
  bytes: number,
): Promise<number | { readonly at: number; readonly reason: string }> {
  for (let window = endBytes; ; window *= 16) {
    const from = Math.max(begin, bytes - window);
    const content = await readPart(file, from, Math.max(0, bytes - from));
    const mark = content.lastIndexOf(lastMark, -lastMark.byteLength);
    if (mark === -1 && from > begin && window <= longestPayload) continue;
    const frame = decodeFrame(content, mark + 1);
    const reason = typeof frame === 'string' ? frame : misplaced(frame, frame.sequence, from + mark + 1);
    if (reason !== undefined) return { at: from + mark + 1, reason };
    const { sequence, next } = frame as Frame;
    return next === content.byteLength ? sequence : { at: from + next, reason: 'what follows is not an entry' };
  }
}

/**
 * The entries of a segment from byte `from`, where entry `sequence` stands, to byte `end`, each checked: hash, place and number. The
 * content is read in parts, so that other work gets its turn. `hash`, where it is given, takes all bytes.
 */
export async function* readFrames(
  file: OpenFile,
  segment: Segment,
  { from, end, sequence }: { readonly from: number; readonly end: number; readonly sequence: number },
  hash?: Hash,
): AsyncGenerator<PlacedFrame> {
  let expected = sequence;
  let needed = chunkBytes;
  for (let at = from; at < end; ) {
    const asked = Math.min(needed, end - at);
    const content = await readPart(file, at, asked);
    if (content.byteLength < asked) throw damaged(segment, at + content.byteLength, 'the file ends too early');
    let done = 0;
    needed = chunkBytes;
    while (done < content.byteLength) {
      const bytes = announcedBytes(content, done);
      if (done + bytes > content.byteLength && at + content.byteLength < end) {
        needed = Math.max(chunkBytes, bytes);
        break;
      }
      const frame = checkedFrame(content, done, segment, expected, at);
      yield { frame, offset: at + done, bytes: frame.next - done };
      expected += 1;
      done = frame.next;
    }
    hash?.update(content.subarray(0, done));
    at += done;
  }
}

/** Checks every byte of a closed segment, and whether it is the file that its successor was written after; returns its bytes. */
export function checkClosed(segment: Segment, successor: Segment, previous: Previous | null) {
  return async (file: OpenFile): Promise<number> => {
    const hash = createHash('sha256');
    const { next: from } = await readDescription(file, segment, hash);
    const end = await file.size();
    let last = segment.first - 1;
    for await (const { frame } of readFrames(file, segment, { from, end, sequence: segment.first }, hash)) {
      last = frame.sequence;
    }
    if (last + 1 !== successor.first) throw endsWrongly(segment, end, last, successor);
    if (previous?.bytes !== end || previous.sha256 !== hash.digest('hex')) {
      throw damaged(segment, 0, `it is whole, but not the file that ${successor.name} was written after`);
    }
    return end;
  };
}

export function endsWrongly(segment: Segment, end: number, last: number, successor: Segment): AtalayaError {
  return damaged(segment, end, `it ends with entry ${last}, and ${successor.name} follows it`);
}

/** A whole frame whose hash is right can still stand in the wrong place: pasted, repeated, or with others missing before it. */
export function misplaced(frame: Frame, sequence: number, at: number): string | undefined {
  if (frame.mark !== 'J1') return 'a segment is described in its middle';
  if (frame.sequence !== sequence) return `entry ${sequence} is expected here and entry ${frame.sequence} found`;
  if (frame.durable > at) return `entry ${sequence} claims ${frame.durable} bytes before it`;
  return undefined;
}

function checkedFrame(content: Buffer, offset: number, segment: Segment, sequence: number, before: number): Frame {
  const frame = decodeFrame(content, offset);
  if (typeof frame === 'string') throw damaged(segment, before + offset, frame);
  const reason = misplaced(frame, sequence, before + offset);
  if (reason !== undefined) throw damaged(segment, before + offset, reason);
  return frame;
}

async function readPart(file: OpenFile, position: number, bytes: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe(bytes);
  return content.subarray(0, await file.read(content, position));
}

const lastMark = Buffer.from('\nJ1 ', 'latin1');
