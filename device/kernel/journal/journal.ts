import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { AppendFile, storeFault } from '../durable-file.ts';
import { AtalayaError } from '../errors.ts';
import { removeSegment } from './journal-forgetting.ts';
import { decodeFrame, encodeFrame, frameBytes, longestPayload, payloadHash } from './journal-frame.ts';
import { type OpenedJournal, openSegments, type SizedSegment } from './journal-opening.ts';
import { checkClosed, endsWrongly, openSegment, readDescription, readFrames, withSegment } from './journal-reading.ts';
import { createSegment, damaged, type Segment, segmentOf } from './journal-segments.ts';
import type { CheckedSegment, JournalEntry, JournalOpening, JournalOptions, JournalPosition } from './journal-types.ts';

export type { CheckedSegment, JournalEntry, JournalOpening, JournalOptions, JournalPosition } from './journal-types.ts';

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
  readonly #segments: SizedSegment[];
  /** Bytes of all segments but the last. */
  #closedBytes: number;
  #file: AppendFile;
  /** Over the last segment as far as it is durable. */
  #hash: Hash;
  #next: number;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #forgetting: Promise<void> = Promise.resolve();
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
    this.#closedBytes = segments.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
    this.#file = file;
    this.#hash = hash;
    this.#next = last + 1;
  }

  /**
   * Checks the last segment, and the closed ones by their ends; cuts a torn tail off, keeping its bytes in a file beside the segments.
   * Throws `store-damaged` naming segment and byte, `store-version-unknown`, `store-full` or `store-failed`.
   */
  static async open(folder: string, options: JournalOptions): Promise<Journal> {
    const { atLeast, headless = false } = options;
    const opened = await openSegments(options.files, folder, { atLeast, headless });
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

  /** Segments in order, each with its durable bytes; the last one is being written. */
  get segments(): readonly { readonly first: number; readonly bytes: number }[] {
    const last = this.#segments.length - 1;
    return this.#segments.map(({ first, bytes }, i) => ({ first, bytes: i === last ? this.#file.length : bytes }));
  }

  /** Durable bytes of all segments. */
  get bytes(): number {
    return this.#closedBytes + this.#file.length;
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
   * checked. `after`, a position of this journal before `from`, spares reading its segment up to there. What is forgotten meanwhile may
   * be left out. Throws `store-damaged` naming segment and byte.
   */
  async *entries(from = 1, after?: JournalPosition): AsyncGenerator<JournalEntry> {
    let segment = this.#segments.findLast(({ first }) => first <= from) ?? this.#segments[0];
    while (segment !== undefined) {
      const { first } = segment;
      yield* this.#entriesOf(segment, from, after?.segment === first && after.sequence < from ? after : undefined);
      segment = this.#segments.find((other) => other.first > first);
    }
  }

  /**
   * Gives up the closed segments whose entries are all below `before`, the oldest first: whatever is left after a power cut is the end of
   * the journal, without a gap. Of a journal that was opened `headless` alone. Throws `store-failed`.
   */
  forget(before: number): Promise<void> {
    if (this.#options.headless !== true) {
      return Promise.reject(new AtalayaError('internal', 'this journal keeps everything'));
    }
    const done = this.#forgetting.then(() => this.#forget(before));
    this.#forgetting = done.catch(() => undefined);
    return done;
  }

  /** Checks every byte of every closed segment, one after the other. Throws `store-damaged` naming segment and byte. */
  async *check(): AsyncGenerator<CheckedSegment> {
    const { files } = this.#options;
    for (let segment = this.#segments[0]; segment !== undefined; ) {
      const { first } = segment;
      const successor = this.#segments.find((other) => other.first > first);
      if (successor === undefined) return;
      const { previous } = await withSegment(files, this.#folder, successor, (file) =>
        readDescription(file, successor),
      );
      const check = checkClosed(segment, successor, previous);
      yield { name: segment.name, bytes: await withSegment(files, this.#folder, segment, check) };
      segment = successor;
    }
  }

  /** Lets the waiting appends finish, then closes. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#working;
    await this.#forgetting;
    await this.#file.close().catch(() => undefined);
  }

  async *#entriesOf(segment: Segment, from: number, after: JournalPosition | undefined): AsyncGenerator<JournalEntry> {
    const file = await openSegment(this.#options.files, this.#folder, segment).catch((error: unknown) => {
      if (this.#holds(segment)) throw error;
      return undefined;
    });
    if (file === undefined) return;
    try {
      let at = after === undefined ? (await readDescription(file, segment)).next : after.offset + after.bytes;
      let sequence = after === undefined ? segment.first : after.sequence + 1;
      for (;;) {
        const successor = this.#successor(segment);
        const end = successor === undefined ? this.#file.length : await file.size();
        for await (const { frame, offset, bytes } of readFrames(file, segment, { from: at, end, sequence })) {
          const position = { sequence, segment: segment.first, offset, bytes, sha256: frame.sha256 };
          if (sequence >= from) yield { position, payload: frame.payload };
          sequence += 1;
          at = offset + bytes;
        }
        if (successor !== undefined) {
          if (sequence !== successor.first && this.#holds(segment)) {
            throw endsWrongly(segment, at, sequence - 1, successor);
          }
          return;
        }
        // It may have been closed meanwhile, after some more entries.
        if (this.#successor(segment) === undefined) return;
      }
    } catch (error) {
      throw storeFault(error, `cannot read ${segment.name}`);
    } finally {
      await file.close().catch(() => undefined);
    }
  }

  /** False where it was forgotten. */
  #holds({ first }: Segment): boolean {
    return first >= (this.#segments[0] as Segment).first;
  }

  #successor({ first }: Segment): Segment | undefined {
    return this.#segments.find((other) => other.first > first);
  }

  async #forget(before: number): Promise<void> {
    for (;;) {
      const [oldest, successor] = this.#segments;
      if (oldest === undefined || successor === undefined || successor.first > before) return;
      // Nobody begins to read it from here on; whoever reads it has it open.
      this.#segments.shift();
      this.#closedBytes -= oldest.bytes;
      try {
        await removeSegment(this.#options.files, this.#folder, oldest);
      } catch (error) {
        this.#segments.unshift(oldest);
        this.#closedBytes += oldest.bytes;
        throw error;
      }
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
    const bytes = this.#file.length;
    const previous = { bytes, sha256: this.#hash.digest('hex') };
    const content = await createSegment(files, this.#folder, segment, previous);
    const file = await AppendFile.open(files, join(this.#folder, segment.name), content.byteLength);
    await this.#file.close().catch(() => undefined);
    const closed = this.#segments.pop() as SizedSegment;
    this.#segments.push({ ...closed, bytes }, { ...segment, bytes: content.byteLength });
    this.#closedBytes += bytes;
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
