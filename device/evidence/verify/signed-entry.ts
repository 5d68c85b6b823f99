import { hash } from 'node:crypto';
import { join } from 'node:path';
import { type Checkpoint, longestNote, type NoteKeys, readCheckpoint } from './checkpoint.ts';
import type { CommonRecord } from './common-shape.ts';
import { leafOf, readRecord } from './entry.ts';
import type { Finding, Ledger } from './finding.ts';
import { verifies } from './keys.ts';
import { leafHash, rootByInclusion } from './merkle.ts';
import { type InclusionText, isProofFault, longestProof, readInclusion } from './proof-text.ts';
import { type Content, readUpTo } from './read-file.ts';
import { recordFault } from './record-shape.ts';
import { shown } from './shape.ts';
import { firstDifference } from './text-forms.ts';

const longestRecord = 16 * 1024 * 1024;

/** Paths in a pack of an entry that stands on its own: record, signature, leaf and its place in the log. */
export interface EntryFiles {
  readonly record: string;
  readonly signature: string;
  readonly leaf: string;
  readonly inclusion: string;
}

export interface SignedEntry {
  readonly record: CommonRecord;
  /** True where the schema is known and the record has its shape. */
  readonly sound: boolean;
}

/** One entry outside its journal: every file of it is read, and each is held against the others to tell which one is wrong. */
export class EntryAudit {
  readonly #folder: string;
  readonly #keys: NoteKeys;
  readonly #ledger: Ledger;

  constructor(folder: string, keys: NoteKeys, ledger: Ledger) {
    this.#folder = folder;
    this.#keys = keys;
    this.#ledger = ledger;
  }

  /** The record, where it can be read. `checkpoint` is that of the pack, where it is good. */
  async entry(files: EntryFiles, checkpoint: Checkpoint | undefined): Promise<SignedEntry | undefined> {
    const record = await this.#bytes('record', files.record, longestRecord);
    const signature = await this.#bytes('signature', files.signature, 1024);
    const leaf = await this.#bytes('leaf', files.leaf, 1024);
    const inclusion = await this.#bytes('inclusion-proof', files.inclusion, longestProof);
    const stated = record === undefined ? undefined : this.#record(record, files.record);
    const signed =
      record !== undefined && signature !== undefined && this.#signature(record, signature, files.signature);
    if (record === undefined || signature === undefined) return stated;
    const expected = leafOf(record, signature);
    const proof = inclusion === undefined ? undefined : this.#proof(inclusion, files.inclusion, checkpoint);
    if (leaf !== undefined) this.#leaf(leaf, expected, files, proof);
    if (proof !== undefined) this.#included(signed ? expected : (leaf ?? expected), proof, stated, files.inclusion);
    return stated;
  }

  async #bytes(part: Finding['part'], path: string, most: number): Promise<Buffer | undefined> {
    const content: Content = await readUpTo(join(this.#folder, path), most);
    if (Buffer.isBuffer(content)) return content;
    this.#ledger.fail({
      part,
      path,
      check: 'spec: audit pack',
      says: content === 'absent' ? 'The file is missing.' : content.says,
    });
    return undefined;
  }

  #record(bytes: Buffer, path: string): SignedEntry | undefined {
    const record = readRecord(bytes);
    const where = { part: 'record' as const, path };
    if ('says' in record) {
      this.#ledger.fail({ ...where, byte: record.byte, check: record.check, says: `The record: ${record.says}.` });
      return undefined;
    }
    this.#ledger.counts.records += 1;
    if (record.signer !== this.#keys.key.signer) {
      this.#ledger.fail({
        ...where,
        check: 'spec: record.signer',
        says: 'The record names another signer than the given key.',
      });
    }
    const fault = recordFault(record);
    if (fault === undefined) return { record, sound: true };
    if (fault === 'unknown') {
      this.#ledger.counts.unknown += 1;
      const says = `The schema ${shown(record.schema)} is one that this software cannot interpret.`;
      this.#ledger.note({ ...where, check: 'spec: unknown schema', says });
    } else this.#ledger.fail({ ...where, check: `spec: schema ${record.schema}`, says: `The record: ${fault.says}.` });
    return { record, sound: false };
  }

  #signature(record: Buffer, signature: Buffer, path: string): boolean {
    this.#ledger.counts.signatures += 1;
    if (verifies(this.#keys.key, record, signature)) return true;
    const check = this.#keys.key.kind === 'ed25519' ? 'RFC 8032' : 'FIPS 186-5, ECDSA';
    const says = 'The signature is not one of the given key over these bytes of the record.';
    this.#ledger.fail({ part: 'signature', path, check, says });
    return false;
  }

  /** The proof with the checkpoint that it proves for. */
  #proof(bytes: Buffer, path: string, checkpoint: Checkpoint | undefined): Proof | undefined {
    const where = { part: 'inclusion-proof' as const, path };
    const text = readInclusion(bytes);
    if (isProofFault(text)) {
      this.#ledger.fail({ ...where, byte: text.byte, check: 'C2SP tlog-proof', says: `The proof: ${text.says}.` });
      return undefined;
    }
    const difference = checkpoint === undefined ? 0 : firstDifference(text.note, Buffer.from(checkpoint.note));
    if (difference === undefined && checkpoint !== undefined) return { text, checkpoint };
    const place = { ...where, offset: text.noteAt + (checkpoint === undefined ? 0 : (difference ?? 0)) };
    const own =
      text.note.byteLength > longestNote ? undefined : readCheckpoint(text.note, this.#keys, place, this.#ledger);
    if (own === undefined) return checkpoint && { text, checkpoint };
    if (checkpoint !== undefined && own.text !== checkpoint.text) {
      const says = 'The checkpoint in the proof is another than that of the pack.';
      this.#ledger.fail({ ...where, byte: place.offset, check: 'spec: audit pack', says });
    } else if (checkpoint !== undefined) {
      const says = 'The checkpoint in the proof bears other signature lines than that of the pack.';
      this.#ledger.note({ ...where, byte: place.offset, check: 'spec: audit pack', says });
    }
    return { text, checkpoint: own };
  }

  /** Says which of leaf, record and signature is not the one of the log. */
  #leaf(leaf: Buffer, expected: Buffer, files: EntryFiles, proof: Proof | undefined): void {
    const byte = firstDifference(leaf, expected);
    if (byte === undefined) return;
    const check = 'spec: leaf of the log';
    if (proof === undefined || !gives(leaf, proof) || gives(expected, proof)) {
      const says = 'From this byte on it is not the leaf of this record and this signature.';
      this.#ledger.fail({ part: 'leaf', path: files.leaf, byte, check, says });
      return;
    }
    const says = 'One or more of its bytes are not those whose hash is in the log.';
    const [recordLine, signatureLine] = [hashLine(leaf, 0), hashLine(leaf, 1)];
    if (recordLine !== hashLine(expected, 0)) this.#ledger.fail({ part: 'record', path: files.record, check, says });
    if (signatureLine !== hashLine(expected, 1))
      this.#ledger.fail({ part: 'signature', path: files.signature, check, says });
  }

  #included(leaf: Buffer, proof: Proof, stated: SignedEntry | undefined, path: string): void {
    const { text, checkpoint } = proof;
    const where = { part: 'inclusion-proof' as const, path };
    if (stated !== undefined && text.index !== stated.record.sequence - 1) {
      const says = `The proof is for index ${text.index}, entry ${stated.record.sequence} has index ${stated.record.sequence - 1}.`;
      this.#ledger.fail({
        ...where,
        byte: 'c2sp.org/tlog-proof@v1\nindex '.length,
        check: 'spec: leaf of the log',
        says,
      });
    }
    if (gives(leaf, proof)) return;
    const says = `The proof does not lead from the leaf to the root of the checkpoint over ${checkpoint.size} entries.`;
    this.#ledger.fail({ ...where, check: 'RFC 6962 §2.1.1', says });
  }
}

interface Proof {
  readonly text: InclusionText;
  readonly checkpoint: Checkpoint;
}

function gives(leaf: Buffer, { text, checkpoint }: Proof): boolean {
  const root = rootByInclusion(leafHash(leaf), text.index, checkpoint.size, text.hashes);
  return root?.equals(checkpoint.root) === true;
}

const hashLine = (leaf: Buffer, line: number): string => leaf.toString('latin1').split('\n')[line] ?? '';

export const digestOfBytes = (bytes: Buffer): string => hash('sha256', bytes, 'hex');
