import { createHash, hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { AtalayaError } from '../../kernel/errors.ts';
import { openPlain } from './read-file.ts';

/** Bytes of a segment before the payload of an entry: `J1 SEQUENCE(12) DURABLE(12) LENGTH(8) SHA256(64) CRC32(8) `. */
export const headBytes = 112;
/** A payload beyond this is refused, so that a forged length cannot fill the memory. */
const longestPayload = 16 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

export interface Head {
  readonly mark: 'J1' | 'S1';
  readonly sequence: number;
  readonly durable: number;
  readonly length: number;
  readonly sha256: string;
}

export interface Frame extends Head {
  /** Where the frame begins in its segment. */
  readonly offset: number;
  /** Stays valid: no later read writes over it. */
  readonly payload: Buffer;
}

/** Bytes at `offset` that are no frame. */
export interface Fault {
  readonly offset: number;
  /** The nearest byte that is known to be wrong, or `offset`. */
  readonly byte: number;
  readonly says: string;
  /** Where the next frame begins, where the head is whole and tells. */
  readonly next?: number;
}

const headForm = /^(J1|S1) ([0-9]{12}) ([0-9]{12}) ([0-9]{8}) ([0-9a-f]{64}) ([0-9a-f]{8}) $/;

/** A head with a good checksum, or what is wrong with it. */
export function readHead(bytes: Buffer): Head | string {
  const text = bytes.toString('latin1', 0, headBytes);
  const match = headForm.exec(text);
  if (match === null) return 'this is not the head of an entry';
  const crc = crc32(bytes.subarray(0, 102)).toString(16).padStart(8, '0');
  if (match[6] !== crc) return 'the checksum of the head is wrong';
  return {
    mark: match[1] as Head['mark'],
    sequence: Number(match[2]),
    durable: Number(match[3]),
    length: Number(match[4]),
    sha256: match[5] as string,
  };
}

/** Reads one segment from its first byte to its last, frame by frame, and hashes it as a whole. */
export class SegmentReader {
  readonly size: number;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  /** The bytes that were read and are not yet taken; `#at` is the place of its first in the segment. */
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #read = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  static async open(path: string): Promise<SegmentReader> {
    const file = await openPlain(path);
    return new SegmentReader(file, (await file.stat()).size);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** The next frames, as many as one read gave; empty at the end. The last may be a fault: then nothing goes on without `skipTo`. */
  async next(): Promise<readonly (Frame | Fault)[]> {
    const found: (Frame | Fault)[] = [];
    for (;;) {
      const step = this.#decode();
      if (step === 'more') {
        if (found.length > 0) return found;
        if (this.#read >= this.size && this.#buffer.byteLength === 0) return found;
        await this.#fill();
        continue;
      }
      found.push(step);
      if ('says' in step) return found;
      this.#drop(headBytes + step.length + 1);
    }
  }

  /** Goes on at this place of the segment, which must not lie before the one that it stands at. */
  async skipTo(offset: number): Promise<void> {
    while (this.#at + this.#buffer.byteLength < offset && this.#read < this.size) {
      this.#drop(this.#buffer.byteLength);
      await this.#fill();
    }
    this.#drop(Math.min(offset - this.#at, this.#buffer.byteLength));
  }

  /** SHA-256 of the whole segment, in hexadecimal; reads what is left of it. The reader is of no use afterwards. */
  async digest(): Promise<string> {
    await this.skipTo(this.size);
    return this.#hash.digest('hex');
  }

  #decode(): Frame | Fault | 'more' {
    const bytes = this.#buffer;
    const atEnd = this.#read >= this.size;
    const offset = this.#at;
    if (bytes.byteLength < headBytes) {
      if (!atEnd || bytes.byteLength === 0) return 'more';
      return { offset, byte: offset, says: 'the file ends within the head of an entry' };
    }
    const head = readHead(bytes);
    if (typeof head === 'string') return { offset, byte: offset, says: head };
    if (head.length > longestPayload) return { offset, byte: offset + 29, says: 'the entry is longer than any may be' };
    const end = headBytes + head.length;
    if (bytes.byteLength < end + 1) {
      if (!atEnd) return 'more';
      return { offset, byte: this.size, says: 'the file ends within an entry' };
    }
    if (bytes[end] !== 0x0a) {
      return { offset, byte: offset + end, says: 'the entry does not end with a line end', next: offset + end + 1 };
    }
    const payload = bytes.subarray(headBytes, end);
    if (hash('sha256', payload, 'hex') !== head.sha256) {
      const says = `one or more of the ${head.length} bytes of the payload are not those whose hash is in the head`;
      return { offset, byte: offset + headBytes, says, next: offset + end + 1 };
    }
    return { ...head, offset, payload };
  }

  #drop(bytes: number): void {
    this.#buffer = this.#buffer.subarray(bytes);
    this.#at += bytes;
  }

  async #fill(): Promise<void> {
    const wanted = Math.min(chunkBytes, this.size - this.#read);
    const chunk = Buffer.allocUnsafeSlow(wanted);
    const { bytesRead } = await this.#file.read(chunk, 0, wanted, this.#read);
    if (bytesRead === 0) throw new AtalayaError('store-damaged', 'the file became shorter while it was read');
    const read = chunk.subarray(0, bytesRead);
    this.#hash.update(read);
    this.#read += bytesRead;
    this.#buffer = this.#buffer.byteLength === 0 ? read : Buffer.concat([this.#buffer, read]);
  }
}

/** Heads that are whole, from a byte of a segment on, wherever they begin; the bytes are read once, and as far as somebody asks. */
async function* headsFrom(path: string, from: number): AsyncGenerator<Head & { readonly offset: number }> {
  await using file = await openPlain(path);
  let at = from;
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, at + rest.byteLength);
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (let begin = bytes.indexOf('J1 '); begin !== -1; begin = bytes.indexOf('J1 ', begin + 1)) {
      if (begin + headBytes > bytes.byteLength) break;
      const head = readHead(bytes.subarray(begin));
      if (typeof head !== 'string') yield { ...head, offset: at + begin };
    }
    if (bytesRead === 0) return;
    const kept = Math.min(headBytes - 1, bytes.byteLength);
    at += bytes.byteLength - kept;
    rest = bytes.subarray(bytes.byteLength - kept);
  }
}

/** Where the next whole head begins after a fault; undefined where there is none. */
export async function nextAfter(path: string, fault: Fault): Promise<number | undefined> {
  if (fault.next !== undefined) return fault.next;
  for await (const { offset } of headsFrom(path, fault.offset + 1)) return offset;
  return undefined;
}

/** How many bytes of the segment had been durable, as the heads after a byte claim; what lies within cannot be a torn tail. */
export async function durableBy(path: string, after: number): Promise<number> {
  let most = 0;
  for await (const { durable } of headsFrom(path, after + 1)) most = Math.max(most, durable);
  return most;
}
