import type { Infraction } from '../judge/infraction.ts';
import type { RawData } from '../judge/raw-data.ts';
import { makeFolders, storeFault } from '../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import type { Space } from '../kernel/files.ts';
import { sha256 } from '../kernel/hash.ts';
import { withDeadline } from '../kernel/timer.ts';
import type { CalibrationRecord } from '../scene/calibration-record.ts';
import type { Custody } from './custody.ts';
import type { IndexEntry } from './index/index-store.ts';
import type { Ledger, LedgerOpening } from './ledger.ts';
import { makePackage, noPackage, type PackageContent, type PackageFields } from './make-package.ts';
import { openStoreParts, type StoreParts } from './open-store.ts';
import { ClipJpegs } from './pictures/clip-jpegs.ts';
import type { InfractionFrames } from './pictures/stills.ts';
import { makeEvidenceRecord } from './record/make-record.ts';
import { type Entry, indexEntryOf } from './record/read-entry.ts';
import type { EvidenceRecord, Provenance } from './record/record.ts';
import { readingOf } from './retention/plan-retention.ts';
import { type Retained, Retention } from './retention/retention.ts';
import type { PackageSealer } from './sealing/package-sealer.ts';
import { type CompleteOptions, completeOptions, type Lock, type StoreOptions, wantedFree } from './store-options.ts';
import { Turnstile } from './turnstile.ts';

/** What belongs to an infraction besides its frames. */
export interface SealContext extends Omit<PackageContent, 'track'> {
  readonly provenance: Provenance;
  /** What the judge had in hand; its points also say where the accused is in the frames that are shown. */
  readonly raw: RawData;
  readonly calibration: CalibrationRecord;
}

/** Evidence that is on disk. */
export interface SealedEvidence {
  readonly id: string;
  readonly sequence: number;
  /** Of the record's canonical JSON: what is signed, and what the log holds. */
  readonly recordSha256: string;
  readonly record: EvidenceRecord;
}

/** What the opening found and did. */
export interface StoreOpening extends LedgerOpening {
  /** Erasures of an earlier run that were finished. */
  readonly finishedErasures: number;
}

export interface StoreStatus {
  /** Entries of every kind. */
  readonly entries: number;
  /** Why nothing is sealed any more, where that is so. */
  readonly fault: AtalayaError | undefined;
  /** Why the index on disk is behind, where it is; evidence is not concerned. */
  readonly indexFault: AtalayaError | undefined;
  /** Why the newest entries have no signed checkpoint, where one was due. */
  readonly checkpointFault: AtalayaError | undefined;
}

/** Packages of so many infractions are made at the same time; the frames of the others wait. */
const stagedAtOnce = 2;

/**
 * The evidence of a unit.
 *
 * Guarantees: a seal that has resolved is on the medium, pictures and record, signed, and every later opening finds it; a record is
 * there whole or not at all, and the files that it names are there before it; the files are encrypted before they touch the medium, and
 * nothing here opens them. One process at a time. After the first fault of the disk nothing is sealed any more until the store is opened
 * anew, and each refusal says why; where only the reserve is left, evidence is refused until there is room. A seal that was refused may
 * still be found later, whole, where the fault was an fsync or the plug, or the deadline passed while the record was made durable: it is
 * then evidence as any other.
 */
export class EvidenceStore {
  readonly opening: StoreOpening;
  /** What is done to evidence after its seal. */
  readonly custody: Custody;
  readonly ledger: Ledger;
  readonly #folder: string;
  readonly #options: CompleteOptions;
  readonly #lock: Lock;
  readonly #sealer: PackageSealer;
  readonly #turnstile = new Turnstile(stagedAtOnce);
  readonly #jpegs = new ClipJpegs();
  readonly #sealing = new Set<Promise<unknown>>();
  readonly #retention: Retention;
  #retaining: Promise<Retained> | undefined;
  #fault: AtalayaError | undefined;
  #closing: Promise<void> | undefined;

  constructor(folder: string, options: CompleteOptions, lock: Lock, parts: StoreParts) {
    this.#folder = folder;
    this.#options = options;
    this.#lock = lock;
    this.#sealer = parts.sealer;
    this.ledger = parts.ledger;
    this.custody = parts.custody;
    const { clock, policies } = options;
    this.#retention = new Retention({
      store: this,
      clock,
      policies,
      keepFreeBytes: wantedFree(options),
      opened: readingOf(clock),
    });
    this.opening = { ...parts.ledger.opening, finishedErasures: parts.finishedErasures };
  }

  /**
   * Locks the folder (made where it is missing), checks the end of the journal, cuts a torn tail, brings index and log level, and
   * finishes erasures. Throws `store-locked`, `store-damaged` naming segment and byte, `store-version-unknown`, `key-mismatch`,
   * `store-full` or `store-failed`.
   */
  static async open(folder: string, options: StoreOptions): Promise<EvidenceStore> {
    const complete = completeOptions(options);
    await makeFolders(complete.files, folder);
    const lock = await complete.takeLock(folder);
    try {
      return new EvidenceStore(folder, complete, lock, await openStoreParts(folder, complete));
    } catch (error) {
      await lock.release();
      throw storeFault(error, `cannot open the evidence in ${folder}`);
    }
  }

  get status(): StoreStatus {
    const { last, fault, indexFault, checkpointFault } = this.ledger;
    return { entries: last, fault: this.#fault ?? fault, indexFault, checkpointFault };
  }

  /** Of the disk that the evidence lies on. Throws `store-failed`. */
  async space(): Promise<Space> {
    try {
      return await this.#options.files.space(this.#folder);
    } catch (error) {
      throw storeFault(error, `cannot tell the free space of ${this.#folder}`);
    }
  }

  /**
   * Seals an infraction: its pictures, encrypted, on disk; then the signed record in the journal; then its lines in log and index.
   *
   * The frames are read until the promise settles. A clip that is not made when half of the deadline is over gives way, so that the
   * infraction is not lost for it. Throws `store-full` or `store-failed`, from then on each time; `store-reserved` while
   * no policy can make room, and `deadline-exceeded`, after which the store goes on; `frame-damaged`; `store-closed`.
   */
  async seal(infraction: Infraction, frames: InfractionFrames, context: SealContext): Promise<SealedEvidence> {
    this.#accept();
    const given = new AbortController();
    const { clock, sealDeadline, timer } = this.#options;
    const hurry = clock.monotonic() + sealDeadline / 2;
    const inHaste = () => clock.monotonic() >= hurry || (context.inHaste?.() ?? false);
    const stage = { committing: false };
    const work = this.#seal(infraction, frames, { ...context, inHaste }, given.signal, stage);
    const settled = work.catch(() => undefined).finally(() => this.#sealing.delete(settled));
    this.#sealing.add(settled);
    try {
      return await withDeadline(work, sealDeadline, 'sealing', timer);
    } catch (error) {
      given.abort(new AtalayaError('deadline-exceeded', 'the seal was given up'));
      // A record that is being written is not taken back: whether it was kept is waited for.
      if (stage.committing && isAtalayaError(error, 'deadline-exceeded')) {
        return await withDeadline(work, sealDeadline, 'writing the record', timer);
      }
      throw error;
    }
  }

  /** Lines of the index in order of sequence, `from` included. */
  async *list(from = 1): AsyncGenerator<IndexEntry> {
    for (let sequence = Math.max(1, from); sequence <= this.ledger.last; sequence += 1) {
      const entry = await this.ledger.line(sequence);
      if (entry !== undefined) yield entry;
    }
  }

  /** The entry of a sequence number, or undefined where there is none. Throws `store-damaged` where it is not whole any more. */
  read(sequence: number): Promise<Entry | undefined> {
    return this.ledger.read(sequence);
  }

  /**
   * A file of a record as it lies sealed: an age file. Throws `usage-invalid` at once where the record names no such file, and
   * `store-damaged` where it is not what was sealed, which is known at the end.
   */
  ciphertext({ files, sealing }: Pick<EvidenceRecord, 'files' | 'sealing'>, name: string): AsyncIterable<Uint8Array> {
    const index = files.findIndex((file) => file.name === name);
    if (sealing === null || index === -1) throw new AtalayaError('usage-invalid', `the record names no file ${name}`);
    return this.#sealer.ciphertext(sealing.keys, files, index);
  }

  /**
   * Where a piece of a record's package lies: `keys`, the key file, or the body of one of its files. Undefined where the record names none
   * such. For a reader that checks the hash itself: what lies there may be missing, or damaged.
   */
  pieceOf({ files, sealing }: Pick<EvidenceRecord, 'files' | 'sealing'>, name: string): string | undefined {
    if (sealing === null) return undefined;
    if (name === 'keys') return this.#sealer.pathOf('keys', sealing.keys.sha256);
    const body = files.find((file) => file.name === name)?.body;
    return body === undefined ? undefined : this.#sealer.pathOf('body', body);
  }

  /** Erases what the policies say. Calls that overlap share one pass. Throws `store-failed` where a destruction fails. */
  retain(): Promise<Retained> {
    this.#retaining ??= this.#retention.run().finally(() => {
      this.#retaining = undefined;
    });
    return this.#retaining;
  }

  /**
   * Removes what seals that never finished have left: files that no entry names. Reads the whole journal. Throws `usage-invalid` after the
   * first seal, and where an entry of newer software may name files that this one does not know.
   */
  async sweep(): Promise<{ readonly files: number; readonly bytes: number }> {
    const named = new Set<string>();
    for await (const entry of this.ledger.entries()) {
      if (entry.kind === 'unknown') {
        throw new AtalayaError('usage-invalid', `entry ${entry.sequence} was written by newer software`, {
          hint: 'Sweep with that software: it knows which files the entry names.',
        });
      }
      if (entry.kind !== 'evidence') continue;
      if (entry.record.sealing !== null) named.add(entry.record.sealing.keys.sha256);
      for (const { body } of entry.record.files) named.add(body);
    }
    const orphans = await this.#sealer.orphans((name) => named.has(name));
    await this.#sealer.sweep(orphans);
    return { files: orphans.length, bytes: orphans.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /**
   * Refuses what comes new, lets what is being sealed finish, signs a last checkpoint, writes the index out and gives the folder back.
   * May be called twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sealing, this.#retaining?.catch(() => undefined)]);
    try {
      await this.custody.close();
      await this.ledger.close();
    } finally {
      await this.#lock.release();
    }
  }

  #accept(): void {
    if (this.#closing !== undefined) throw new AtalayaError('store-closed', 'the evidence store is closed');
    const { fault } = this.status;
    if (fault === undefined) return;
    throw new AtalayaError(fault.code, `no evidence is sealed any more: ${fault.message}`, {
      ...(fault.hint === undefined ? {} : { hint: fault.hint }),
      cause: fault,
    });
  }

  async #seal(
    infraction: Infraction,
    frames: InfractionFrames,
    context: SealContext,
    given: AbortSignal,
    stage: { committing: boolean },
  ): Promise<SealedEvidence> {
    const leave = await this.#turnstile.enter();
    try {
      given.throwIfAborted();
      await this.#needRoom();
      const fields = await this.#package(infraction, frames, context, given);
      stage.committing = !given.aborted;
      return await this.#commit(infraction, context, fields, given);
    } catch (error) {
      if (isAtalayaError(error, 'store-full') || isAtalayaError(error, 'store-failed')) this.#fault ??= error;
      throw error;
    } finally {
      leave();
    }
  }

  #package(
    infraction: Infraction,
    frames: InfractionFrames,
    context: SealContext,
    given: AbortSignal,
  ): Promise<PackageFields> | PackageFields {
    const { recipients, unit, randomBytes } = this.#options;
    if (recipients === undefined) return noPackage;
    const content = { ...context, track: context.raw.points };
    const maker = { unit, recipients, sealer: this.#sealer, randomBytes, jpegs: this.#jpegs };
    return makePackage(maker, infraction, frames, content, given);
  }

  async #commit(
    infraction: Infraction,
    { provenance, raw, calibration }: SealContext,
    fields: PackageFields,
    given: AbortSignal,
  ): Promise<SealedEvidence> {
    try {
      given.throwIfAborted();
      const { bytes, record } = await this.ledger.commit(
        (head) =>
          makeEvidenceRecord(head, { infraction, provenance, raw, calibration, ...fields }, this.#options.clock),
        (made, position, signed) => indexEntryOf({ ...signed, kind: 'evidence', record: made }, position),
      );
      return { id: record.id, sequence: record.sequence, recordSha256: sha256(bytes), record };
    } catch (error) {
      // A record that the disk refused may be found by the next start, which then needs its files; any other was never written.
      const written = isAtalayaError(error, 'store-full') || isAtalayaError(error, 'store-failed');
      if (!written) await this.#drop(fields);
      throw error;
    }
  }

  /** Destroys files that no record will name; what stays is a leftover that costs space alone. */
  async #drop({ sealing, files }: PackageFields): Promise<void> {
    if (sealing === null) return;
    const bodies = files.map(({ body }) => body);
    await this.#sealer.destroy(sealing.keys.sha256, bodies).catch(() => undefined);
  }

  /** Below the line that is to stay free, policies make room; the reserve belongs to journal and log, whatever they could do. */
  async #needRoom(): Promise<void> {
    const { reserveBytes } = this.#options;
    const wanted = wantedFree(this.#options);
    if (wanted === 0) return;
    if ((await this.space()).free < wanted) await this.retain();
    const { free } = await this.space();
    if (free >= reserveBytes) return;
    throw new AtalayaError(
      'store-reserved',
      `evidence is refused: ${megabytes(free)} are free, and ${megabytes(reserveBytes)} are kept for journal and log`,
      {
        hint: 'Let retention erase more (evidence.retention), or make room on the data disk; nothing that is sealed is lost.',
      },
    );
  }
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / 1e6)} MB`;
