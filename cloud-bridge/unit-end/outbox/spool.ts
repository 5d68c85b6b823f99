import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Journal, JournalPosition } from '../../../device/kernel/journal/journal.ts';
import { frameBytes } from '../../../device/kernel/journal/journal-frame.ts';
import type { LaneEvent, LaneSource } from '../../contract/lane-source.ts';
import type { OutboxEvent } from '../../contract/outbox.ts';
import { type OpenedSpool, openSpool, openSpoolJournal, type SpoolOpening, type SpoolOptions } from './open-spool.ts';
import { decodeEntry, encodeEntry } from './spool-entry.ts';
import { type SpoolState, writeSpoolState } from './spool-state.ts';

export type { SpoolOpening, SpoolOptions } from './open-spool.ts';

interface Offer {
  readonly payload: Buffer;
  readonly done: (sequence: number) => void;
  readonly failed: (fault: unknown) => void;
}

/** A mark of the centre is written down after so many events, or so many milliseconds; a crash before costs sending these again. */
const marksApart = 500;
const marksApartMs = 60_000;
/** A journal whose disk was full or failed is opened anew, no more often than this. */
const reopenApartMs = 1000;

/**
 * The queue of one lane on the disk: a journal of its own whose head is given up as the centre acknowledges.
 *
 * Guarantees: when `offer` has resolved, the event is on the medium and keeps its number; events are numbered in the order of the
 * offers, and offers that wait for one another share a durable write; nothing leaves the disk that the centre has not acknowledged,
 * except in the lane of telemetry, where beyond `mostBytes` the oldest whole segments are dropped and the link of the next event to its
 * `previous` declares exactly what was. One spool per folder at a time.
 */
export class Spool implements LaneSource {
  readonly opening: SpoolOpening;
  readonly #folder: string;
  readonly #options: SpoolOptions;
  #journal: Journal;
  #state: SpoolState;
  /** What of the state is on the medium. */
  #written: SpoolState;
  #writtenAt = 0;
  #writing: Promise<void> = Promise.resolve();
  #last: number;
  /** Bytes that were given to the journal and are not durable. */
  #pending = 0;
  #offers: Offer[] = [];
  #head = 0;
  #clearing: Promise<void> | undefined;
  #durable: Promise<unknown> = Promise.resolve();
  #reopened = Number.NEGATIVE_INFINITY;
  /** Where the newest entry that was read stands. */
  #readTo: JournalPosition | undefined;
  readonly #watchers = new Set<() => void>();
  #closed = false;

  constructor(folder: string, options: SpoolOptions, { journal, state, opening }: OpenedSpool) {
    this.#folder = folder;
    this.#options = options;
    this.opening = opening;
    this.#journal = journal;
    this.#state = state;
    this.#written = state;
    this.#last = journal.last;
  }

  /** Throws `store-damaged` unless that is to be set aside, `store-version-unknown`, `store-full`, `store-failed`. */
  static async open(folder: string, options: SpoolOptions): Promise<Spool> {
    return new Spool(folder, options, await openSpool(folder, options));
  }

  get stream(): string | undefined {
    return this.#last === 0 ? undefined : this.#state.stream;
  }

  get last(): number {
    return this.#last;
  }

  get forgotten(): number {
    return this.#state.forgotten;
  }

  /** Events that the bound has dropped, ever. One that was on its way at that moment may have arrived all the same. */
  get dropped(): number {
    return this.#state.dropped;
  }

  /** Durable bytes on the disk. */
  get bytes(): number {
    return this.#journal.bytes;
  }

  /**
   * Resolves with the event's number when it is on the medium. Rejects with `store-full` where the bound or the disk takes no more,
   * `store-failed`, `store-closed`, `internal` for an event that is not of this lane or not as its schema has it.
   */
  async offer(event: OutboxEvent): Promise<number> {
    if (this.#closed) throw new AtalayaError('store-closed', 'the spool is closed');
    const payload = encodeEntry(this.#options.lane, event);
    return new Promise((done, failed) => {
      this.#offers.push({ payload, done, failed });
      this.#admit();
    });
  }

  async *read(from: number): AsyncGenerator<LaneEvent> {
    const begin = Math.max(from, this.#state.droppedTo + 1);
    for await (const { position, payload } of this.#journal.entries(begin, this.#readTo)) {
      const { sequence, bytes } = position;
      if (sequence > this.#last) return;
      this.#readTo = position;
      if (sequence > this.#state.droppedTo) {
        yield decodeEntry(payload, { sequence, previous: this.#before(sequence), bytes });
      }
    }
  }

  async grown(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.#last <= sequence && !signal.aborted && !this.#closed) {
      await new Promise<void>((resolve) => {
        const seen = () => {
          this.#watchers.delete(seen);
          signal.removeEventListener('abort', seen);
          resolve();
        };
        this.#watchers.add(seen);
        signal.addEventListener('abort', seen, { once: true });
      });
    }
  }

  async forget(upTo: number): Promise<void> {
    const mark = Math.min(upTo, this.#last);
    if (mark <= this.#state.forgotten || this.#closed) return;
    this.#state = { ...this.#state, forgotten: mark };
    const removable = (this.#journal.segments[1]?.first ?? Number.POSITIVE_INFINITY) <= mark + 1;
    const due =
      mark - this.#written.forgotten >= marksApart || this.#options.clock.monotonic() - this.#writtenAt >= marksApartMs;
    if (removable || due) await this.#write();
    if (removable) await this.#journal.forget(mark + 1);
  }

  /** Lets waiting offers finish, remembers the mark, and closes. May be called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const seen of [...this.#watchers]) seen();
    while (this.#clearing !== undefined) await this.#clearing;
    await this.#durable;
    if (this.#state !== this.#written) await this.#write().catch(() => undefined);
    await this.#journal.close();
  }

  /** What an event is linked to. */
  #before(sequence: number): number {
    const { droppedTo, forgotten } = this.#state;
    return sequence === droppedTo + 1 ? Math.min(forgotten, droppedTo) : sequence - 1;
  }

  /** Gives the journal what it takes, in the order of the offers; what is in the way is cleared first. */
  #admit(): void {
    while (this.#clearing === undefined && this.#head < this.#offers.length) {
      const offer = this.#offers[this.#head] as Offer;
      const clear = this.#obstacle(frameBytes(offer.payload));
      if (clear === undefined) {
        this.#head += 1;
        this.#append(offer);
        continue;
      }
      this.#clearing = clear()
        .catch((fault: unknown) => {
          this.#head += 1;
          offer.failed(fault);
        })
        .then(() => {
          this.#clearing = undefined;
          this.#admit();
        });
    }
    if (this.#head === this.#offers.length) {
      this.#offers = [];
      this.#head = 0;
    }
  }

  #append({ payload, done, failed }: Offer): void {
    const bytes = frameBytes(payload);
    this.#pending += bytes;
    this.#durable = this.#journal.append(this.#journal.next, payload).then(
      ({ sequence }) => {
        this.#pending -= bytes;
        this.#last = sequence;
        done(sequence);
        for (const seen of [...this.#watchers]) seen();
      },
      (fault: unknown) => {
        this.#pending -= bytes;
        failed(fault);
      },
    );
  }

  /** What has to be done before so many bytes may be appended; it throws where the offer is to be refused. */
  #obstacle(bytes: number): (() => Promise<void>) | undefined {
    const { fault } = this.#journal;
    if (fault !== undefined) return () => this.#reopen(fault);
    const { mostBytes, lane } = this.#options;
    if (mostBytes === undefined) return undefined;
    const fits = this.#journal.bytes + this.#pending + bytes <= mostBytes;
    if (lane !== 'telemetry') return fits ? undefined : () => Promise.reject(this.#full(mostBytes));
    // A quarter at once, so that what is being written cannot outgrow what dropping frees.
    if (bytes > mostBytes / 4) return () => Promise.reject(this.#full(mostBytes));
    if (this.#pending > 0 && this.#pending + bytes > mostBytes / 4) {
      return async () => {
        await this.#durable;
      };
    }
    return fits || this.#journal.segments.length === 1 ? undefined : () => this.#drop();
  }

  #full(mostBytes: number): AtalayaError {
    return new AtalayaError('store-full', `the spool of the lane ${this.#options.lane} may have ${mostBytes} bytes`, {
      hint: 'Let the unit reach its centre, which empties it.',
    });
  }

  /** Drops the oldest segment. */
  async #drop(): Promise<void> {
    const droppedTo = (this.#journal.segments[1]?.first ?? 1) - 1;
    const { forgotten, droppedTo: before, dropped } = this.#state;
    const lost = Math.max(0, droppedTo - Math.max(forgotten, before));
    this.#state = { ...this.#state, droppedTo: Math.max(before, droppedTo), dropped: dropped + lost };
    // A disk that is too full for the note needs the room all the more; the next opening sees by the journal what is gone.
    await this.#write().catch(() => undefined);
    await this.#journal.forget(droppedTo + 1);
  }

  /** Everything that was acknowledged is found again; what was refused may be, and is then sent. */
  async #reopen(fault: AtalayaError): Promise<void> {
    const now = this.#options.clock.monotonic();
    if (now - this.#reopened < reopenApartMs) throw fault;
    this.#reopened = now;
    await this.#durable;
    await this.#journal.close();
    this.#journal = await openSpoolJournal(this.#folder, this.#options, this.#last);
    this.#readTo = undefined;
    this.#last = this.#journal.last;
    for (const seen of [...this.#watchers]) seen();
  }

  #write(): Promise<void> {
    const done = this.#writing.then(async () => {
      const state = this.#state;
      if (state === this.#written) return;
      await writeSpoolState(this.#options.files, this.#folder, state);
      this.#written = state;
      this.#writtenAt = this.#options.clock.monotonic();
    });
    this.#writing = done.catch(() => undefined);
    return done;
  }
}
