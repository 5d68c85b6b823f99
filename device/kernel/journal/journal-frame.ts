import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * One entry of a journal segment on disk, a line of text:
 *
 * ```
 * J1 SEQUENCE DURABLE LENGTH SHA256 CRC32 PAYLOAD\n
 *    12       12      8      64     8     LENGTH bytes, canonical JSON
 * ```
 *
 * Decimal fields are filled up with zeros, so the head is always 112 bytes. SHA256 is the hash of the payload; CRC32 that of all
 * before it in the head. DURABLE is how many bytes of the segment were known to be on the medium when the entry was written: an
 * entry thereby proves that everything before its DURABLE had been acknowledged, and a scan can tell a torn tail from damage. The
 * first line of a segment bears the mark `S1` instead and describes the segment.
 */
export type FrameMark = 'J1' | 'S1';

export interface Frame {
  readonly mark: FrameMark;
  readonly sequence: number;
  /** Bytes of the segment that were durable when this was written. */
  readonly durable: number;
  readonly sha256: string;
  /** A view into the buffer that was decoded. */
  readonly payload: Buffer;
  /** Where the next frame begins. */
  readonly next: number;
}

export const headBytes = 112;
export const longestPayload = 16 * 1024 * 1024;

/** The hash by which a payload is framed, hexadecimal. */
export const payloadHash = (payload: Buffer): string => hash('sha256', payload, 'hex');

/** A frame as it stands on disk. */
export function encodeFrame(
  mark: FrameMark,
  sequence: number,
  durable: number,
  payload: Buffer,
  sha256 = payloadHash(payload),
): Buffer {
  const head = `${mark} ${digits(sequence, 12)} ${digits(durable, 12)} ${digits(payload.byteLength, 8)} ${sha256}`;
  const frame = Buffer.allocUnsafe(frameBytes(payload));
  frame.write(`${head} ${crcText(head)} `, 'latin1');
  payload.copy(frame, headBytes);
  frame[frame.byteLength - 1] = 0x0a;
  return frame;
}

/** Bytes that a frame with this payload takes. */
export function frameBytes(payload: Buffer): number {
  return headBytes + payload.byteLength + 1;
}

/** Bytes of the frame whose head stands at `offset`, as far as its length can be read at all. */
export function announcedBytes(content: Buffer, offset: number): number {
  if (content.byteLength - offset < headBytes) return headBytes;
  const length = decimal(content.subarray(offset, offset + headBytes), 29, 8);
  return headBytes + Math.max(0, Math.min(length, longestPayload)) + 1;
}

/** The frame at `offset`, or in words what is wrong with it. */
export function decodeFrame(content: Buffer, offset: number): Frame | string {
  const head = decodeHead(content, offset);
  if (typeof head === 'string') return head;
  const start = offset + headBytes;
  const end = start + head.length;
  if (end + 1 > content.byteLength) return 'the entry is longer than what is left of the file';
  if (content[end] !== 0x0a) return 'the entry does not end with a line end';
  const payload = content.subarray(start, end);
  if (payloadHash(payload) !== head.sha256) return 'the hash of the payload is not the one in its head';
  return {
    mark: head.mark,
    sequence: head.sequence,
    durable: head.durable,
    sha256: head.sha256,
    payload,
    next: end + 1,
  };
}

interface Head {
  readonly mark: FrameMark;
  readonly sequence: number;
  readonly durable: number;
  readonly length: number;
  readonly sha256: string;
}

function decodeHead(content: Buffer, offset: number): Head | string {
  if (content.byteLength - offset < headBytes) return 'the head is longer than what is left of the file';
  const head = content.subarray(offset, offset + headBytes);
  const mark = head.toString('latin1', 0, 2);
  const sequence = decimal(head, 3, 12);
  const durable = decimal(head, 16, 12);
  const length = decimal(head, 29, 8);
  const spaced = spaces.every((at) => head[at] === 0x20);
  if (!spaced || (mark !== 'J1' && mark !== 'S1') || sequence < 0 || durable < 0 || length < 0) {
    return 'this is not the head of an entry';
  }
  if (crcText(head.subarray(0, checkAt - 1)) !== head.toString('latin1', checkAt, headBytes - 1)) {
    return 'the checksum of the head is wrong';
  }
  return { mark, sequence, durable, length, sha256: head.toString('latin1', 38, checkAt - 1) };
}

/** A field of decimal digits, -1 where it is something else. */
function decimal(head: Buffer, from: number, width: number): number {
  let value = 0;
  for (let at = from; at < from + width; at += 1) {
    const digit = (head[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * True where a later entry proves that byte `from` had been acknowledged. Looks at every place at which a head could begin, since
 * the damage may have hit a line end or a length.
 */
export function provenDurable(content: Buffer, from: number): boolean {
  for (let at = content.indexOf(entryMark, from + 1); at !== -1; at = content.indexOf(entryMark, at + 1)) {
    const head = decodeHead(content, at);
    if (typeof head !== 'string' && head.durable > from) return true;
  }
  return false;
}

/** Where the head has its spaces, and where its checksum begins. */
const spaces = [2, 15, 28, 37, 102, 111] as const;
const checkAt = 103;
const entryMark = Buffer.from('J1 ', 'latin1');

const crcText = (head: Buffer | string): string => crc32(head).toString(16).padStart(8, '0');

const digits = (value: number, width: number) => value.toString().padStart(width, '0');
