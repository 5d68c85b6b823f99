import { join } from 'node:path';
import type { Infraction } from '../judge/infraction.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import type { Clock } from '../kernel/clock.ts';
import { makeFolders, storeFault } from '../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { type Files, systemFiles } from '../kernel/files.ts';
import { FolderLock } from '../kernel/folder-lock.ts';
import { sha256 } from '../kernel/hash.ts';
import { systemTimer, type Timer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import { BlobStore } from './blob-store.ts';
import { highestIndexed, type IndexEntry, IndexStore } from './index-store.ts';
import { Journal } from './journal.ts';
import type { TornTail } from './journal-segments.ts';
import { buildRecord, indexEntryOf, momentOf, readEntry } from './make-record.ts';
import type { EvidenceFile, EvidenceRecord, Provenance } from './record.ts';
import { type InfractionFrames, makeStills, type Still, type StillContext } from './stills.ts';
import { Turnstile } from './turnstile.ts';

export interface StoreOptions {
  /** Id of the unit, in every record and every id. */
  readonly unit: string;
  /** Id of this start of the machine or of the program. */
  readonly boot: string;
  readonly clock: Clock;
  readonly timer?: Timer;
  readonly files?: Files;
  /** Takes the folder for this process alone. */
  readonly takeLock?: (folder: string) => Promise<Lock>;
  /** Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Longest time of one seal, waiting included; default 10 s. */
  readonly sealDeadline?: Milliseconds;
}

export interface Lock {
  release(): Promise<void>;
}

/** What belongs to an infraction besides its frames. */
export interface SealContext extends StillContext {
  readonly provenance: Provenance;
}

/** Evidence that is on disk. */
export interface SealedEvidence {
  readonly id: string;
  readonly sequence: number;
  /** Of the record's canonical JSON: what a signature will sign and a log will hold. */
  readonly recordSha256: string;
  readonly record: EvidenceRecord;
  /** The record's files with the paths at which their bytes lie, named by their hash. */
  readonly files: readonly (EvidenceFile & { readonly path: string })[];
}

/** What the opening found and did. */
export interface StoreOpening {
  readonly records: number;
  readonly segments: number;
  readonly torn: TornTail | undefined;
  /** Documents of the index that were made anew. */
  readonly rebuiltDocuments: number;
}

export interface StoreStatus {
  readonly records: number;
  /** Why nothing is sealed any more, where that is so. */
  readonly fault: AtalayaError | undefined;
  /** Why the index on disk is behind, where it is; evidence is not concerned. */
  readonly indexFault: AtalayaError | undefined;
}

/** Stills of so many infractions are made at the same time; the frames of the others wait. */
const stagedAtOnce = 2;

/**
 * The evidence of a unit.
 *
 * Guarantees: a seal that has resolved is on the medium, pictures and record, and every later opening finds it; a record is there
 * whole or not at all, and the files that it names are there before it. One process at a time. After the first fault of the disk
 * nothing is sealed any more until the store is opened anew, and each refusal says why. A seal that was refused may still be found
 * later, whole, where the fault was an fsync or the plug: it is then evidence as any other.
 */
export class EvidenceStore {
  readonly opening: StoreOpening;
  readonly #options: Required<StoreOptions>;
  readonly #lock: Lock;
  readonly #blobs: BlobStore;
  readonly #journal: Journal;
  readonly #index: IndexStore;
  readonly #turnstile = new Turnstile(stagedAtOnce);
  readonly #sealing = new Set<Promise<unknown>>();
  #fault: AtalayaError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Required<StoreOptions>, lock: Lock, blobs: BlobStore, journal: Journal, index: IndexStore) {
    this.#options = options;
    this.#lock = lock;
    this.#blobs = blobs;
    this.#journal = journal;
    this.#index = index;
    const { segments, last, torn } = journal.opening;
    this.opening = { records: last, segments, torn, rebuiltDocuments: index.rebuilt };
  }

  /**
   * Locks the folder (made where it is missing), checks the journal, cuts a torn tail, and brings the index level. Throws
   * `store-locked`, `store-damaged` naming segment and byte, `store-version-unknown`, `store-full` or `store-failed`.
   */
  static async open(folder: string, options: StoreOptions): Promise<EvidenceStore> {
    const complete: Required<StoreOptions> = {
      timer: systemTimer,
      files: systemFiles,
      takeLock: FolderLock.take,
      segmentBytes: 16 * 1024 * 1024,
      sealDeadline: milliseconds(10_000),
      ...options,
    };
    const { files, segmentBytes } = complete;
    await makeFolders(files, folder);
    const lock = await complete.takeLock(folder);
    try {
      const indexFolder = join(folder, 'index');
      const atLeast = await highestIndexed(files, indexFolder);
      const journal = await Journal.open(join(folder, 'journal'), { files, segmentBytes, atLeast });
      const blobs = await BlobStore.open(files, join(folder, 'blobs'));
      const source = (from: number) => indexEntries(journal, from);
      const index = await IndexStore.open(indexFolder, { files, last: journal.opening.last, source });
      return new EvidenceStore(complete, lock, blobs, journal, index);
    } catch (error) {
      await lock.release();
      throw storeFault(error, `cannot open the evidence in ${folder}`);
    }
  }

  get status(): StoreStatus {
    return { records: this.#index.last, fault: this.#fault ?? this.#journal.fault, indexFault: this.#index.fault };
  }

  /**
   * Seals an infraction: stills, their bytes on disk, then the record in the journal, then its line in the index.
   *
   * The frames are read until the promise settles. Throws `store-full` or `store-failed`, from then on each time;
   * `deadline-exceeded`, after which the store goes on; `frame-damaged`; `store-closed`.
   */
  async seal(infraction: Infraction, frames: InfractionFrames, context: SealContext): Promise<SealedEvidence> {
    this.#accept();
    const given = new AbortController();
    const work = this.#seal(infraction, frames, context, given.signal);
    const settled = work.catch(() => undefined).finally(() => this.#sealing.delete(settled));
    this.#sealing.add(settled);
    try {
      return await withDeadline(work, this.#options.sealDeadline, 'sealing', this.#options.timer);
    } catch (error) {
      given.abort();
      throw error;
    }
  }

  /** Lines of the index in order of sequence, `from` included. */
  async *list(from = 1): AsyncGenerator<IndexEntry> {
    for (let sequence = Math.max(1, from); sequence <= this.#index.last; sequence += 1) {
      const entry = await this.#index.get(sequence);
      if (entry !== undefined) yield entry;
    }
  }

  /** The record of a sequence number, or undefined where there is none. Throws `store-damaged` where it is not whole any more. */
  async read(sequence: number): Promise<SealedEvidence | undefined> {
    const entry = await this.#index.get(sequence);
    if (entry === undefined) return undefined;
    return this.#sealed(readEntry(await this.#journal.read(entry.position), sequence));
  }

  /** The bytes of a file of a record, their hash checked. Throws `store-damaged`. */
  readFile(file: Pick<EvidenceFile, 'sha256'>): Promise<Buffer> {
    return this.#blobs.get(file.sha256);
  }

  /**
   * Refuses what comes new, lets what is being sealed finish, writes the index out and gives the folder back. May be called twice.
   *
   * Throws `deadline-exceeded` where that takes longer than `deadline`: the folder then stays locked until the process ends, since
   * a write may still be under way.
   */
  close(deadline: Milliseconds = milliseconds(4000)): Promise<void> {
    this.#closing ??= withDeadline(this.#close(), deadline, 'closing the evidence store', this.#options.timer);
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#sealing);
    await this.#journal.close();
    await this.#index.flush();
    await this.#lock.release();
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
  ): Promise<SealedEvidence> {
    const leave = await this.#turnstile.enter();
    try {
      mayGoOn(given);
      const stills = await makeStills(frames, infraction, this.#options.unit, context);
      // From here on the frames are not read any more; after a missed deadline they may already show something else.
      mayGoOn(given);
      const files = await Promise.all(stills.map((still) => this.#store(still)));
      mayGoOn(given);
      return await this.#commit(infraction, context, files);
    } catch (error) {
      if (isAtalayaError(error, 'store-full') || isAtalayaError(error, 'store-failed')) this.#fault ??= error;
      throw error;
    } finally {
      leave();
    }
  }

  async #store({ content, frame, ...about }: Still): Promise<EvidenceFile> {
    const blob = await this.#blobs.put(content);
    return { ...about, ...blob, frame: frame.sequence, time: momentOf(frame.time) };
  }

  async #commit(
    infraction: Infraction,
    { provenance, track }: SealContext,
    files: readonly EvidenceFile[],
  ): Promise<SealedEvidence> {
    const { unit, boot, clock } = this.#options;
    const made: EvidenceRecord[] = [];
    const position = await this.#journal.append((sequence) => {
      const record = buildRecord({ sequence, unit, boot, clock, infraction, provenance, track, files });
      made.push(record);
      return { type: 'evidence', record };
    });
    const record = made[0] as EvidenceRecord;
    // The journal acknowledges in order, so the index never has a gap.
    this.#index.add(indexEntryOf(record, position));
    return this.#sealed(record);
  }

  #sealed(record: EvidenceRecord): SealedEvidence {
    return {
      id: record.id,
      sequence: record.sequence,
      recordSha256: sha256(canonicalJson(record)),
      record,
      files: record.files.map((file) => ({ ...file, path: this.#blobs.path(file.sha256) })),
    };
  }
}

/** A seal that has missed its deadline ends before its next step. */
function mayGoOn(given: AbortSignal): void {
  if (given.aborted) throw new AtalayaError('deadline-exceeded', 'the seal was given up');
}

async function* indexEntries(journal: Journal, from: number): AsyncGenerator<IndexEntry> {
  for await (const { position, payload } of journal.entries(from)) {
    yield indexEntryOf(readEntry(payload, position.sequence), position);
  }
}
