import { join } from 'node:path';
import { isAtalayaError, systemCode } from '../../kernel/errors.ts';
import { isAction } from './action-shape.ts';
import type { CommonRecord } from './common-shape.ts';
import { type Entry, leafOf, readEntry } from './entry.ts';
import type { Finding, Ledger } from './finding.ts';
import { durableBy, type Fault, type Frame, headBytes, nextAfter, SegmentReader } from './frames.ts';
import type { History } from './history.ts';
import type { PublicKey } from './keys.ts';
import type { LogAudit } from './log-audit.ts';
import { type Evidence, isEvidence, recordFault } from './record-shape.ts';
import { headFault, type SegmentDigest } from './segment-head.ts';
import { shown } from './shape.ts';
import { SignatureQueue } from './signature-queue.ts';
import { reasonOf } from './text-forms.ts';

export interface JournalParts {
  readonly folder: string;
  readonly key: PublicKey;
  readonly workers: number;
  readonly ledger: Ledger;
  readonly log: LogAudit;
  readonly history: History;
  /** Called between batches with the bytes of the journal that were checked; throws to stop. */
  readonly step: (bytes: number) => void;
}

/** Where the journal ends in something that may be a torn tail. */
export interface Tail {
  readonly path: string;
  readonly byte: number;
  readonly says: string;
}

/** Jumps of sequence numbers that come to more than this are not followed: they would only fill tables. */
const widestGap = 1_000_000;

/** Reads the journal from its first entry to its last and checks all that an entry says of itself. */
export class JournalAudit {
  /** Sequence number of the last entry. */
  last = 0;
  tail: Tail | undefined;
  unit: string | undefined;
  readonly #parts: JournalParts;
  readonly #signatures: SignatureQueue;
  #previous: SegmentDigest | undefined;
  #bytes = 0;
  /** Entries that are missing. */
  #missing = 0;
  /** Bytes of the segment that is read which later heads claim to have been durable; looked for once, at its first fault. */
  #durable: number | undefined;

  constructor(parts: JournalParts, unit: string | undefined) {
    this.#parts = parts;
    this.unit = unit;
    this.#signatures = new SignatureQueue(parts.key, parts.workers, parts.ledger);
  }

  async run(segments: readonly string[]): Promise<void> {
    for (const [index, name] of segments.entries()) {
      this.#parts.ledger.counts.segments += 1;
      await this.#segment(name, index === segments.length - 1);
    }
    await this.#signatures.finish();
    await this.#parts.log.settle();
  }

  async #segment(name: string, newest: boolean): Promise<void> {
    const path = `journal/${name}`;
    try {
      await using closing = new AsyncDisposableStack();
      const reader = await SegmentReader.open(join(this.#parts.folder, path));
      closing.defer(() => reader.close());
      await this.#entries(reader, path, newest);
      this.#previous = { path, bytes: reader.size, sha256: await reader.digest() };
    } catch (error) {
      if (systemCode(error) === undefined && !isAtalayaError(error, 'store-damaged')) throw error;
      this.#fail(path, 0, 'spec: segments of the journal', `The segment cannot be read (${reasonOf(error)}).`);
      this.#parts.log.break();
      this.#previous = undefined;
    }
  }

  async #entries(reader: SegmentReader, path: string, newest: boolean): Promise<void> {
    let durable = 0;
    this.#durable = undefined;
    for (;;) {
      const steps = await reader.next();
      if (steps.length === 0) break;
      for (const step of steps) {
        if ('mark' in step) {
          this.#frame(step, path, durable);
          durable = Math.max(durable, step.durable);
        } else if (!(await this.#fault(step, reader, path, newest))) return;
      }
      await this.#parts.log.settle();
      await this.#signatures.turn();
      this.#parts.step(this.#bytes);
    }
    if (reader.size === 0) this.tail = { path, byte: 0, says: 'The segment is empty.' };
    if (reader.size === 0 && !newest) this.#fail(path, 0, 'spec: segments of the journal', 'The segment is empty.');
  }

  /** False where nothing can be read after it. */
  async #fault(fault: Fault, reader: SegmentReader, path: string, newest: boolean): Promise<boolean> {
    const file = join(this.#parts.folder, path);
    const says = `What stands at byte ${fault.offset} is no whole entry: ${fault.says}.`;
    if (newest) this.#durable ??= await durableBy(file, fault.offset);
    if (newest && (this.#durable ?? 0) <= fault.offset) {
      this.tail = { path, byte: fault.byte, says };
      return false;
    }
    this.#fail(path, fault.byte, 'spec: journal entry', says, this.last + 1);
    this.#parts.log.break();
    const next = await nextAfter(file, fault);
    if (next === undefined) return false;
    await reader.skipTo(next);
    // Whatever was there counts as one entry, so that the next is not found missing as well.
    if (fault.offset > 0) this.last += 1;
    return true;
  }

  #frame(frame: Frame, path: string, durable: number): void {
    const { counts } = this.#parts.ledger;
    const bytes = headBytes + frame.length + 1;
    counts.bytes += bytes;
    this.#bytes += bytes;
    const { offset, sequence } = frame;
    if (frame.durable > offset || frame.durable < durable) {
      const says =
        'It claims more bytes of the segment to be durable than were there, or fewer than an entry before it.';
      this.#fail(path, offset + 16, 'spec: journal entry', says, sequence);
    }
    if (offset === 0) {
      const fault = headFault(frame, path, this.last + 1, this.#previous);
      if (fault !== undefined) this.#fail(path, fault.byte, fault.check, fault.says);
      if (frame.mark === 'S1') return;
    }
    if (frame.mark === 'S1') {
      this.#fail(path, offset, 'spec: segments of the journal', 'The head of a segment stands within one.');
      return;
    }
    this.#order(frame, path);
    this.#entry(frame, path);
  }

  /** Sequence numbers go 1, 2, 3 and on. */
  #order({ sequence, offset }: Frame, path: string): void {
    const expected = this.last + 1;
    if (sequence === expected) {
      this.last = sequence;
      return;
    }
    const says =
      sequence < expected
        ? `Entry ${sequence} stands where entry ${expected} must be: a number is used twice, or the order was changed.`
        : `Entry ${sequence} stands where entry ${expected} must be: ${sequence - expected} entries are missing.`;
    this.#fail(path, offset + 3, 'spec: sequence numbers without gap or repeat', says, sequence);
    this.#parts.log.break();
    if (sequence < expected || this.#missing + sequence - expected > widestGap) return;
    this.#missing += sequence - expected;
    this.last = sequence;
  }

  #entry(frame: Frame, path: string): void {
    const { ledger, log, history } = this.#parts;
    const { sequence, offset, payload } = frame;
    ledger.counts.records += 1;
    const entry = readEntry(payload);
    if ('says' in entry) {
      const { part, check, says } = entry;
      const byte = offset + headBytes + entry.byte;
      ledger.fail({ part, path, byte, entry: sequence, check, says: `Entry ${sequence}: ${says}.` });
      log.break();
      return;
    }
    const where = { path, byte: offset, entry: sequence };
    log.append(leafOf(entry.bytes, entry.signature));
    this.#signatures.add({ bytes: entry.bytes, signature: entry.signature, where });
    if (this.#identity(entry, sequence, where) && sequence <= this.last) this.#interpret(entry.record, where, history);
  }

  /** True where the record is this unit's, in this place. */
  #identity({ record }: Entry, sequence: number, where: Place): boolean {
    const { ledger, key } = this.#parts;
    this.unit ??= record.unit;
    const fail = (check: string, says: string) => ledger.fail({ ...where, part: 'record', check, says });
    if (record.sequence !== sequence) {
      fail('spec: record.sequence', `The record of entry ${sequence} says that it is number ${record.sequence}.`);
    }
    if (record.unit !== this.unit) {
      const says = `Entry ${sequence} is of the unit ${shown(record.unit)}, this log of the unit ${shown(this.unit)}.`;
      fail('spec: one unit a log', says);
    }
    if (record.signer !== key.signer) {
      fail('spec: record.signer', `Entry ${sequence} names another signer than the given key.`);
    }
    return record.sequence === sequence && record.unit === this.unit;
  }

  #interpret(record: CommonRecord, where: Place, history: History): void {
    const { ledger } = this.#parts;
    const fault = recordFault(record);
    if (fault === 'unknown') {
      ledger.counts.unknown += 1;
      history.other(record.sequence);
      const says = `Entry ${record.sequence} has the schema ${shown(record.schema)}, which this software cannot interpret; it is signed and logged.`;
      ledger.note({ ...where, part: 'record', check: 'spec: unknown schema', says });
      return;
    }
    if (isEvidence(record)) ledger.counts.evidence += 1;
    else ledger.counts.actions += 1;
    if (fault !== undefined) {
      history.other(record.sequence);
      const says = `Entry ${record.sequence}: ${fault.says}.`;
      ledger.fail({ ...where, part: 'record', check: `spec: schema ${record.schema}`, says });
    } else if (isAction(record)) history.action(record, where);
    else history.evidence(record as Evidence, where);
  }

  #fail(path: string, byte: number, check: string, says: string, entry?: number): void {
    this.#parts.ledger.fail({ part: 'journal', path, byte, check, says, ...(entry === undefined ? {} : { entry }) });
  }
}

type Place = Pick<Finding, 'path' | 'byte' | 'entry'> & { readonly path: string };
