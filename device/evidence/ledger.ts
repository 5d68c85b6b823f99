import { canonicalJson, type JsonValue } from '../kernel/canonical-json.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Journal, JournalEntry, JournalOpening, JournalPosition } from '../kernel/journal/journal.ts';
import type { Timer } from '../kernel/timer.ts';
import { CheckpointKeeper, type CheckpointRhythm } from './checkpoint-keeper.ts';
import type { IndexEntry, IndexStore } from './index/index-store.ts';
import type { Checkpoint } from './log/checkpoint.ts';
import type { TransparencyLog } from './log/transparency-log.ts';
import { type LedgerParts, type LedgerPartsOptions, openLedgerParts, type PublicKeyTexts } from './open-ledger.ts';
import type { ActionRecord } from './record/action-record.ts';
import { leafOf, payloadOf, type SignedRecord } from './record/envelope.ts';
import type { RecordHead } from './record/make-record.ts';
import { type Entry, readEntry } from './record/read-entry.ts';

export interface LedgerOptions extends LedgerPartsOptions {
  readonly boot: string;
  readonly timer: Timer;
  readonly checkpoints: CheckpointRhythm;
}

/** What the opening found and did. */
export interface LedgerOpening extends JournalOpening {
  /** Documents of the index that were made anew. */
  readonly rebuiltDocuments: number;
  /** True where the hashes of the log were made anew from the journal. */
  readonly rebuiltTiles: boolean;
  /** Why the log was not opened as it was left, where that is so. */
  readonly logReason: string | undefined;
}

/** An entry that is on the medium. */
export interface Committed<R> extends SignedRecord {
  readonly record: R;
  readonly sequence: number;
}

/**
 * The one way in which anything is stated: a record gets its number, is signed, goes to the journal, and when it is on the medium, into
 * the log and the index.
 *
 * Guarantees: numbers are given in the order of the calls, without gaps, and none twice; what has resolved is durable and signed; an
 * entry is in the log if and only if it is in the journal; a checkpoint never covers what is not durable. Checkpoints are signed beside
 * the commits and never delay one.
 */
export class Ledger {
  readonly opening: LedgerOpening;
  /** The signing key as others verify with it: SubjectPublicKeyInfo in PEM, and the verifier key of signed notes. */
  readonly publicKey: PublicKeyTexts;
  readonly #options: LedgerOptions;
  readonly #journal: Journal;
  readonly #index: IndexStore;
  readonly #log: TransparencyLog;
  readonly #keeper: CheckpointKeeper;
  #turn: Promise<unknown> = Promise.resolve();
  /** Ends when the newest entry that has a number is on the medium and listed, or refused. */
  #settled: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #watchers = new Set<() => void>();

  constructor(options: LedgerOptions, { journal, index, log, publicKey }: LedgerParts) {
    this.#options = options;
    this.#journal = journal;
    this.#index = index;
    this.#log = log;
    this.#keeper = new CheckpointKeeper(log, options.checkpoints, options.timer);
    this.publicKey = publicKey;
    this.opening = {
      ...journal.opening,
      rebuiltDocuments: index.rebuilt,
      rebuiltTiles: log.opening.rebuiltTiles,
      logReason: log.opening.reason,
    };
  }

  /**
   * Checks the end of the journal, cuts a torn tail, and brings index and log level with it. Throws `store-damaged`,
   * `store-version-unknown`, `key-mismatch` where another key has signed here, `store-full` or `store-failed`.
   */
  static async open(folder: string, options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(options, await openLedgerParts(folder, options));
    ledger.#keeper.see();
    return ledger;
  }

  /** Entries that are durable and listed. */
  get last(): number {
    return this.#index.last;
  }

  /** Why nothing is accepted any more, where that is so. */
  get fault(): AtalayaError | undefined {
    return this.#journal.fault;
  }

  get indexFault(): AtalayaError | undefined {
    return this.#index.fault;
  }

  /** Why the newest entries have no checkpoint, where one was due; it is tried again with the next entry, or in time. */
  get checkpointFault(): AtalayaError | undefined {
    return this.#keeper.fault;
  }

  /** The newest state of the log that was signed. */
  get checkpointed(): Checkpoint | undefined {
    return this.#log.latest;
  }

  /**
   * Gives the next number to the record that `build` makes, and resolves when it is on the medium, logged and listed. `build` runs
   * once, after those of all earlier calls; where it or the signature fails, no number is used. Throws what `build` throws, the
   * keystore's faults, `store-full`, `store-failed`, `store-closed`.
   */
  async commit<R extends JsonValue>(
    build: (head: RecordHead) => R,
    lineOf: (record: R, position: JournalPosition, signed: SignedRecord) => IndexEntry,
  ): Promise<Committed<R>> {
    if (this.#closed) throw new AtalayaError('store-closed', 'the evidence store is closed');
    const turn = this.#turn.then(() => this.#number(build, lineOf));
    this.#turn = turn.catch(() => undefined);
    const { committed, durable } = await turn;
    await durable;
    this.#keeper.see();
    this.#wake();
    return committed;
  }

  /** A line of the index; undefined where there is none. */
  line(sequence: number): Promise<IndexEntry | undefined> {
    return this.#index.get(sequence);
  }

  /** An entry, its hash checked; undefined where there is none. Throws `store-damaged` where it is not whole any more. */
  async read(sequence: number): Promise<Entry | undefined> {
    const line = await this.#index.get(sequence);
    return line === undefined ? undefined : readEntry(await this.#journal.read(line.position), sequence);
  }

  /** Entries from a sequence number on, read from the journal in one pass. */
  async *entries(from = 1): AsyncGenerator<Entry & { readonly sequence: number }> {
    for await (const { position, payload } of this.#journal.entries(from)) {
      yield { ...readEntry(payload, position.sequence), sequence: position.sequence };
    }
  }

  /**
   * Entries from a sequence number on as they stand in the journal: canonical JSON of record and signature, not interpreted. `after`: where
   * an earlier entry stands, which spares reading what lies before it.
   */
  payloads(from = 1, after?: JournalPosition): AsyncGenerator<JournalEntry> {
    return this.#journal.entries(from, after);
  }

  /** Resolves when an entry above `sequence` is durable and listed, the ledger is closed, or the signal is aborted. */
  async grown(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.last <= sequence && !this.#closed && !signal.aborted) {
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

  /** Holds and releases, by the journal alone. */
  async *holdActs(): AsyncGenerator<ActionRecord> {
    for await (const { position, payload } of this.#journal.entries(1)) {
      if (!payload.includes('"kind":"hold"') && !payload.includes('"kind":"release"')) continue;
      const entry = readEntry(payload, position.sequence);
      if (entry.kind === 'action') yield entry.record;
    }
  }

  /** Signs the newest state of the log, tiles first, and resolves when that is on the medium. */
  checkpoint(): Promise<Checkpoint> {
    return this.#log.checkpoint();
  }

  /** That an entry is in the log: hashes from its leaf to the root of the newest checkpoint. */
  inclusion(sequence: number): ReturnType<TransparencyLog['inclusion']> {
    return this.#log.inclusion(sequence - 1);
  }

  /** That the log of `size` entries is the beginning of the one in the newest checkpoint. */
  consistency(size: number): ReturnType<TransparencyLog['consistency']> {
    return this.#log.consistency(size);
  }

  /** Keeps the cosignatures of known witnesses beside the newest checkpoint. Throws where the note is of another state. */
  cosign(note: string): Promise<Checkpoint> {
    return this.#log.cosign(note);
  }

  /** Lets what was begun finish, signs a last checkpoint where it can, and closes. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await this.#settled;
    this.#wake();
    await this.#index.flush();
    await this.#keeper.close(this.#journal.fault === undefined);
    await this.#journal.close();
    await this.#log.close();
  }

  #wake(): void {
    for (const seen of [...this.#watchers]) seen();
  }

  async #number<R extends JsonValue>(
    build: (head: RecordHead) => R,
    lineOf: (record: R, position: JournalPosition, signed: SignedRecord) => IndexEntry,
  ): Promise<{ readonly committed: Committed<R>; readonly durable: Promise<void> }> {
    const { unit, boot, keystore } = this.#options;
    const room = this.#index.room();
    if (room !== undefined) await room;
    const sequence = this.#journal.next;
    const record = build({ unit, boot, sequence, signer: keystore.id });
    const bytes = Buffer.from(canonicalJson(record));
    const signed = { bytes, signature: await keystore.sign(bytes) };
    // The next number is given as soon as this one is in the queue, so that commits which wait for one another share an fsync. The
    // journal acknowledges in order, and so log and index grow in order.
    const appended = this.#journal.append(sequence, payloadOf(signed));
    // Made while the disk works.
    const leaf = leafOf(signed);
    const durable = appended.then((position) => {
      this.#log.append(leaf);
      this.#index.add(lineOf(record, position, signed));
    });
    this.#settled = durable.catch(() => undefined);
    return { committed: { ...signed, record, sequence }, durable };
  }
}
