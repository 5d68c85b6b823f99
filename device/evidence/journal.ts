import { join } from 'node:path';
import { canonicalJson, type JsonValue } from '../kernel/canonical-json.ts';
import { AppendFile, makeFolders, storeFault, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { decodeFrame, encodeFrame, frameBytes, longestPayload, payloadHash } from './journal-frame.ts';
import {
  createSegment,
  damaged,
  listSegments,
  readSegment,
  type Segment,
  scanSegment,
  segmentName,
  skipDescription,
  type TornTail,
} from './journal-segments.ts';

export interface JournalOptions {
  readonly files: Files;
  /** A segment that has reached this many bytes is closed and the next one begun. */
  readonly segmentBytes: number;
  /** Sequence number that is known from elsewhere to have been acknowledged: a journal that ends before it is damaged, not torn. */
  readonly atLeast: number;
}

/** Where an entry stands. */
export interface JournalPosition {
  readonly sequence: number;
  /** Sequence number of the first entry in the same segment. */
  readonly segment: number;
  /** Byte of the segment at which the entry begins. */
  readonly offset: number;
  /** Bytes of the entry with its head. */
  readonly bytes: number;
  /** Of the payload, hexadecimal. */
  readonly sha256: string;
}

export interface JournalEntry {
  readonly position: JournalPosition;
  /** Canonical JSON, its hash checked. */
  readonly payload: Buffer;
}

/** What the start-up scan found. */
export interface JournalOpening {
  readonly segments: number;
  readonly last: number;
  readonly torn: TornTail | undefined;
}

interface Waiting {
  readonly sequence: number;
  readonly payload: Buffer;
  readonly sha256: string;
  readonly done: (position: JournalPosition) => void;
  readonly failed: (fault: AtalayaError) => void;
}

/** As much is written with one fsync at most. */
const batchBytes = 1024 * 1024;

/**
 * The append-only record of everything that a unit has sealed; the one truth from which all else is rebuilt.
 *
 * Guarantees: an append that has resolved is on the medium and is found by every later opening; sequence numbers begin at 1 and
 * have no gaps; appends that wait for one another share an fsync. After the first failed write or fsync the journal accepts
 * nothing more and says why each time; to go on it must be opened anew. An append that was refused may still be found after a
 * failed fsync or a crash: whole, and then as good as any other. One journal per folder at a time: the caller holds the lock.
 */
export class Journal {
  readonly opening: JournalOpening;
  readonly #folder: string;
  readonly #options: JournalOptions;
  readonly #segments: Segment[];
  #file: AppendFile;
  #next: number;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #fault: AtalayaError | undefined;
  #closed = false;

  constructor(folder: string, options: JournalOptions, opening: JournalOpening, segments: Segment[], file: AppendFile) {
    this.#folder = folder;
    this.#options = options;
    this.opening = opening;
    this.#segments = segments;
    this.#file = file;
    this.#next = opening.last + 1;
  }

  /**
   * Checks every entry of every segment and cuts a torn tail off, keeping its bytes in a file beside the segments. Throws
   * `store-damaged` naming segment and byte, `store-version-unknown`, `store-full` or `store-failed`.
   */
  static async open(folder: string, options: JournalOptions): Promise<Journal> {
    const { files, atLeast } = options;
    await makeFolders(files, folder);
    const segments = [...(await listSegments(files, folder))];
    let last = 0;
    let end = 0;
    const scratch = Buffer.allocUnsafe(options.segmentBytes + batchBytes);
    let torn: { tail: TornTail; content: Buffer } | undefined;
    for (const [i, segment] of segments.entries()) {
      if (segment.first !== last + 1) throw missing(last + 1);
      const content = await readSegment(files, folder, segment, scratch);
      const scan = scanSegment(content, segment, i === segments.length - 1);
      last = scan.last;
      end = scan.end;
      if (scan.torn !== undefined) torn = { tail: scan.torn, content };
    }
    if (last < atLeast) {
      const segment = segments.at(-1) ?? { name: segmentName(1), first: 1 };
      throw damaged(segment, end, `it ends with entry ${last}, and entry ${atLeast} had been acknowledged`);
    }
    if (segments.length === 0) {
      const [segment, length] = await createSegment(files, folder, 1);
      segments.push(segment);
      end = length;
    }
    if (torn !== undefined) await cut(files, folder, torn.tail, torn.content);
    const current = segments.at(-1) as Segment;
    await settle(files, folder, current);
    const file = await AppendFile.open(files, join(folder, current.name), end);
    return new Journal(folder, options, { segments: segments.length, last, torn: torn?.tail }, segments, file);
  }

  /** Sequence number of the newest entry that was given a number. */
  get last(): number {
    return this.#next - 1;
  }

  /** Why nothing is accepted any more, where that is so. */
  get fault(): AtalayaError | undefined {
    return this.#fault;
  }

  /**
   * Appends what `build` makes for the next sequence number. Resolves when it is on the medium. `build` runs at once and exactly
   * once; where it throws, no number is used.
   */
  append(build: (sequence: number) => JsonValue): Promise<JournalPosition> {
    return new Promise((done, failed) => {
      if (this.#closed) throw new AtalayaError('store-closed', 'the journal is closed');
      if (this.#fault !== undefined) throw stopped(this.#fault);
      const sequence = this.#next;
      const payload = Buffer.from(canonicalJson(build(sequence)));
      if (payload.byteLength > longestPayload) {
        throw new AtalayaError('internal', `an entry of ${payload.byteLength} bytes is too long for the journal`);
      }
      this.#next = sequence + 1;
      this.#waiting.push({ sequence, payload, sha256: payloadHash(payload), done, failed });
      this.#working ??= this.#work();
    });
  }

  /** The entry at a position that this journal has given out. Throws `store-damaged` where it is not whole any more. */
  async read(position: JournalPosition): Promise<Buffer> {
    const segment = { name: segmentName(position.segment), first: position.segment };
    try {
      const file = await this.#options.files.open(join(this.#folder, segment.name), 'read');
      try {
        const content = Buffer.allocUnsafe(position.bytes);
        const frame = decodeFrame(content.subarray(0, await file.read(content, position.offset)), 0);
        if (typeof frame === 'string') throw damaged(segment, position.offset, frame);
        if (frame.sequence !== position.sequence || frame.sha256 !== position.sha256) {
          throw damaged(segment, position.offset, `entry ${position.sequence} is expected here, another one found`);
        }
        return frame.payload;
      } finally {
        await file.close();
      }
    } catch (error) {
      throw storeFault(error, `cannot read ${segment.name}`);
    }
  }

  /** The durable entries from a sequence number on, in order, as far as they are durable when their segment is read. */
  async *entries(from = 1): AsyncGenerator<JournalEntry> {
    const begin = this.#segments.findLastIndex((segment) => segment.first <= from);
    for (let i = Math.max(0, begin); i < this.#segments.length; i += 1) {
      const segment = this.#segments[i] as Segment;
      const length = i === this.#segments.length - 1 ? this.#file.length : undefined;
      const content = (await readSegment(this.#options.files, this.#folder, segment)).subarray(0, length);
      for (let at = skipDescription(content, segment); at < content.byteLength; ) {
        const frame = decodeFrame(content, at);
        if (typeof frame === 'string') throw damaged(segment, at, frame);
        const { sequence, sha256, payload, next } = frame;
        const position = { sequence, segment: segment.first, offset: at, bytes: next - at, sha256 };
        if (sequence >= from) yield { position, payload };
        at = next;
      }
    }
  }

  /** Lets the waiting appends finish, then closes. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#working;
    await this.#file.close().catch(() => undefined);
  }

  /** Writes batch after batch until nothing waits. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0 && this.#fault === undefined) {
      const batch = this.#takeBatch();
      try {
        if (this.#file.length >= this.#options.segmentBytes) await this.#rotate(batch[0]?.sequence ?? this.#next);
        await this.#write(batch);
      } catch (error) {
        this.#fault = storeFault(error, 'the journal cannot go on');
        for (const { failed } of [...batch, ...this.#waiting.splice(0)]) failed(stopped(this.#fault));
      }
    }
    this.#working = undefined;
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    const stop = this.#waiting.findIndex(({ payload }, i) => {
      bytes += frameBytes(payload);
      return i > 0 && bytes > batchBytes;
    });
    return this.#waiting.splice(0, stop === -1 ? this.#waiting.length : stop);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const segment = (this.#segments.at(-1) as Segment).first;
    const durable = this.#file.length;
    await this.#file.append(
      batch.flatMap(({ sequence, payload, sha256 }) => encodeFrame('J1', sequence, durable, payload, sha256)),
    );
    let offset = durable;
    for (const { sequence, payload, sha256, done } of batch) {
      const bytes = frameBytes(payload);
      done({ sequence, segment, offset, bytes, sha256 });
      offset += bytes;
    }
  }

  async #rotate(first: number): Promise<void> {
    const { files } = this.#options;
    const [segment, length] = await createSegment(files, this.#folder, first);
    const file = await AppendFile.open(files, join(this.#folder, segment.name), length);
    await this.#file.close().catch(() => undefined);
    this.#segments.push(segment);
    this.#file = file;
  }
}

/**
 * Makes what the scan has read durable: after a crash of the program, entries may stand in the page cache alone, and from now on
 * they count.
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

function missing(sequence: number): AtalayaError {
  return damaged({ name: segmentName(sequence), first: sequence }, 0, 'the segment is missing');
}

function stopped(fault: AtalayaError): AtalayaError {
  return new AtalayaError(fault.code, `the journal has stopped accepting: ${fault.message}`, {
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    cause: fault,
  });
}
