import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { AppendFile, storeFault } from '../durable-file.ts';
import { AtalayaError } from '../errors.ts';
import type { Files } from '../files.ts';
import { decodeFrame, encodeFrame, frameBytes, longestPayload, payloadHash } from './journal-frame.ts';
import { type OpenedJournal, openSegments, type TornTail } from './journal-opening.ts';
import { checkClosed, endsWrongly, openSegment, readDescription, readFrames, withSegment } from './journal-reading.ts';
import { createSegment, damaged, type Segment, segmentOf } from './journal-segments.ts';

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

/** What the start found. */
export interface JournalOpening {
  readonly segments: number;
  readonly last: number;
  readonly torn: TornTail | undefined;
}

/** A closed segment that was checked whole. */
export interface CheckedSegment {
  readonly name: string;
  readonly bytes: number;
}

interface Waiting {
  readonly sequence: number;
  readonly payload: Buffer;
  readonly sha256: string;
  readonly done: (position: JournalPosition) => void;
  readonly failed: (fault: AtalayaError) => void;
}

/** As much is written at once at most. */
const batchBytes = 1024 * 1024;

/**
 * The append-only record of everything that a unit has sealed; the one truth from which all else is rebuilt.
 *
 * Guarantees: an append that has resolved is on the medium and is found by every later opening; sequence numbers begin at 1 and
 * have no gaps; appends that wait for one another share a durable write. After the first failed write the journal accepts nothing
 * more and says why each time; to go on it must be opened anew. An append that was refused may still be found after a failed write
 * or a crash: whole, and then as good as any other. One journal per folder at a time: the caller holds the lock.
 *
 * An opening reads the last segment alone; damage inside a closed one is found by whoever reads it, and by `check`.
 */
export class Journal {
  readonly opening: JournalOpening;
  readonly #folder: string;
  readonly #options: JournalOptions;
  readonly #segments: Segment[];
  #file: AppendFile;
  /** Over the last segment as far as it is durable. */
  #hash: Hash;
  #next: number;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #fault: AtalayaError | undefined;
  #closed = false;

  constructor(
    folder: string,
    options: JournalOptions,
    { segments, last, torn, hash }: OpenedJournal,
    file: AppendFile,
  ) {
    this.#folder = folder;
    this.#options = options;
    this.opening = { segments: segments.length, last, torn };
    this.#segments = [...segments];
    this.#file = file;
    this.#hash = hash;
    this.#next = last + 1;
  }

  /**
   * Checks the last segment, and the closed ones by their ends; cuts a torn tail off, keeping its bytes in a file beside the segments.
   * Throws `store-damaged` naming segment and byte, `store-version-unknown`, `store-full` or `store-failed`.
   */
  static async open(folder: string, options: JournalOptions): Promise<Journal> {
    const opened = await openSegments(options.files, folder, options.atLeast);
    const { name } = opened.segments.at(-1) as Segment;
    return new Journal(folder, options, opened, await AppendFile.open(options.files, join(folder, name), opened.end));
  }

  /** Sequence number of the newest entry that was given a number. */
  get last(): number {
    return this.#next - 1;
  }

  /** Sequence number that the next append gets. */
  get next(): number {
    return this.#next;
  }

  /** Why nothing is accepted any more, where that is so. */
  get fault(): AtalayaError | undefined {
    return this.#fault;
  }

  /**
   * Appends canonical JSON as entry `sequence`, which is `next`; anything else throws `internal` and uses no number. Resolves when it
   * is on the medium. It has its number when this returns, so the next append of the same turn may bear the next one. The payload is
   * not copied and must stay as it is until then.
   */
  append(sequence: number, payload: Buffer): Promise<JournalPosition> {
    return new Promise((done, failed) => {
      if (this.#closed) throw new AtalayaError('store-closed', 'the journal is closed');
      if (this.#fault !== undefined) throw stopped(this.#fault);
      if (sequence !== this.#next) {
        throw new AtalayaError('internal', `entry ${this.#next} comes next in the journal, not ${sequence}`);
      }
      if (payload.byteLength > longestPayload) {
        throw new AtalayaError('internal', `an entry of ${payload.byteLength} bytes is too long for the journal`);
      }
      this.#next = sequence + 1;
      this.#waiting.push({ sequence, payload, sha256: payloadHash(payload), done, failed });
      this.#working ??= this.#work();
    });
  }

  /** The entry at a position that this journal has given out. Throws `store-damaged` where it is not whole any more. */
  read(position: JournalPosition): Promise<Buffer> {
    const { sequence, offset, bytes, sha256 } = position;
    const segment = segmentOf(position.segment);
    return withSegment(this.#options.files, this.#folder, segment, async (file) => {
      const content = Buffer.allocUnsafe(bytes);
      const frame = decodeFrame(content.subarray(0, await file.read(content, offset)), 0);
      if (typeof frame === 'string') throw damaged(segment, offset, frame);
      if (frame.sequence !== sequence || frame.sha256 !== sha256) {
        throw damaged(segment, offset, `entry ${sequence} is expected here, another one found`);
      }
      return frame.payload;
    });
  }

  /**
   * The entries from a sequence number on, in order, as far as they are durable when their segment is read. Everything on the way is
   * checked. Throws `store-damaged` naming segment and byte.
   */
  async *entries(from = 1): AsyncGenerator<JournalEntry> {
    const begin = this.#segments.findLastIndex((segment) => segment.first <= from);
    for (let i = Math.max(0, begin); i < this.#segments.length; i += 1) yield* this.#entriesOf(i, from);
  }

  /** Checks every byte of every closed segment, one after the other. Throws `store-damaged` naming segment and byte. */
  async *check(): AsyncGenerator<CheckedSegment> {
    const { files } = this.#options;
    for (let i = 0; i + 1 < this.#segments.length; i += 1) {
      const [segment, successor] = this.#segments.slice(i, i + 2) as [Segment, Segment];
      const { previous } = await withSegment(files, this.#folder, successor, (file) =>
        readDescription(file, successor),
      );
      const check = checkClosed(segment, successor, previous);
      yield { name: segment.name, bytes: await withSegment(files, this.#folder, segment, check) };
    }
  }

  /** Lets the waiting appends finish, then closes. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#working;
    await this.#file.close().catch(() => undefined);
  }

  async *#entriesOf(index: number, from: number): AsyncGenerator<JournalEntry> {
    const segment = this.#segments[index] as Segment;
    const file = await openSegment(this.#options.files, this.#folder, segment);
    try {
      let at = (await readDescription(file, segment)).next;
      let sequence = segment.first;
      for (;;) {
        const successor = this.#segments[index + 1];
        const end = successor === undefined ? this.#file.length : await file.size();
        for await (const { frame, offset, bytes } of readFrames(file, segment, { from: at, end, sequence })) {
          const position = { sequence, segment: segment.first, offset, bytes, sha256: frame.sha256 };
          if (sequence >= from) yield { position, payload: frame.payload };
          sequence += 1;
          at = offset + bytes;
        }
        if (successor !== undefined) {
          if (sequence !== successor.first) throw endsWrongly(segment, at, sequence - 1, successor);
          return;
        }
        // It may have been closed meanwhile, after some more entries.
        if (this.#segments[index + 1] === undefined) return;
      }
    } catch (error) {
      throw storeFault(error, `cannot read ${segment.name}`);
    } finally {
      await file.close().catch(() => undefined);
    }
  }

  /** Writes batch after batch until nothing waits. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0 && this.#fault === undefined) {
      const batch = this.#takeBatch();
      try {
        if (this.#isFull(batch)) await this.#rotate(batch[0]?.sequence ?? this.#next);
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

  /** A segment has an entry at least, or its successor would have its name. */
  #isFull(batch: readonly Waiting[]): boolean {
    const { first } = this.#segments.at(-1) as Segment;
    return this.#file.length >= this.#options.segmentBytes && batch[0]?.sequence !== first;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const segment = (this.#segments.at(-1) as Segment).first;
    const durable = this.#file.length;
    const frames = batch.map(({ sequence, payload, sha256 }) => encodeFrame('J1', sequence, durable, payload, sha256));
    const content = frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames);
    const written = this.#file.append(content);
    // While the disk works. Where it fails, nothing is appended after this any more, and the hash is not needed.
    this.#hash.update(content);
    await written;
    let offset = durable;
    for (const { sequence, payload, sha256, done } of batch) {
      const bytes = frameBytes(payload);
      done({ sequence, segment, offset, bytes, sha256 });
      offset += bytes;
    }
  }

  async #rotate(first: number): Promise<void> {
    const { files } = this.#options;
    const segment = segmentOf(first);
    const previous = { bytes: this.#file.length, sha256: this.#hash.digest('hex') };
    const content = await createSegment(files, this.#folder, segment, previous);
    const file = await AppendFile.open(files, join(this.#folder, segment.name), content.byteLength);
    await this.#file.close().catch(() => undefined);
    this.#segments.push(segment);
    this.#file = file;
    this.#hash = createHash('sha256').update(content);
  }
}

function stopped(fault: AtalayaError): AtalayaError {
  return new AtalayaError(fault.code, `the journal has stopped accepting: ${fault.message}`, {
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    cause: fault,
  });
}
