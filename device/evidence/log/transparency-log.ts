import { writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { type Checkpoint, formatTreeHead, makeCheckpoint } from './checkpoint.ts';
import { consistencyProof, inclusionProof } from './merkle.ts';
import {
  isOf,
  type Note,
  type NoteKey,
  type NoteSignature,
  noteKey,
  parseNote,
  parseVkey,
  signatureHolds,
} from './note.ts';
import { checkpointPath, type LogOpening, type LogSource, type OpenedLog, openLog } from './open-log.ts';
import type { InclusionProof } from './proof.ts';
import type { RightEdge } from './right-edge.ts';
import { TileReader } from './tile-reader.ts';
import { TileFolder } from './tiles.ts';

/** Of a note that is refused because nobody configured whoever cosigned it. */
export const unknownWitness = 'it bears no cosignature of a known witness';

/** The key of the unit, as far as the log needs it. */
export interface CheckpointSigner {
  /** Name of the log: `atalaya/<unit>`. */
  readonly name: string;
  readonly algorithm: 'ed25519' | 'p256';
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Buffer;
  /** Ed25519: 64 bytes; P-256: ECDSA with SHA-256, in DER. */
  sign(message: Uint8Array): Promise<Buffer>;
}

export interface LogOptions extends LogSource {
  readonly files: Files;
  readonly signer: CheckpointSigner;
  /** Verifier keys (type 0x04) of the witnesses whose cosignatures are kept. */
  readonly witnesses?: readonly string[];
  /** Make all tiles anew from the journal, damaged or not. */
  readonly rebuild?: boolean;
}

/**
 * The Merkle tree over the journal: an append is a matter of memory, a checkpoint puts tiles and then a signed root on the medium.
 *
 * Guarantees: a checkpoint on disk has its tiles on disk; the tree that it covers is the beginning of every later one; a proof is
 * made of hashes that lead to the root. To hold them it takes a caller who appends only what is durable in the journal, in its
 * order, and is the only one who writes to the folder.
 */
export class TransparencyLog {
  readonly opening: LogOpening;
  readonly #files: Files;
  readonly #folder: string;
  readonly #tiles: TileFolder;
  readonly #edge: RightEdge;
  readonly #signer: CheckpointSigner;
  readonly #key: NoteKey;
  readonly #witnesses: readonly NoteKey[];
  #latest: Checkpoint | undefined;
  #signatures: Note['signatures'];
  /** Ends when the work on the checkpoint file that was asked for so far has ended. */
  #work: Promise<unknown> = Promise.resolve();
  /** The checkpoint that was asked for and has not begun. */
  #next: Promise<Checkpoint> | undefined;
  #closed = false;

  constructor(
    folder: string,
    tiles: TileFolder,
    { files, signer }: LogOptions,
    { own, witnesses }: { own: NoteKey; witnesses: readonly NoteKey[] },
    { edge, latest, signatures, opening }: OpenedLog,
  ) {
    this.opening = opening;
    this.#files = files;
    this.#folder = folder;
    this.#tiles = tiles;
    this.#edge = edge;
    this.#signer = signer;
    this.#key = own;
    this.#witnesses = witnesses;
    this.#latest = latest;
    this.#signatures = signatures;
  }

  /**
   * Opens the log in a folder, made where it is missing, at the size of the journal. Costs the leaves since the checkpoint and one
   * file a level; all leaves where tiles or checkpoint must be made anew (`opening` tells).
   *
   * Throws `key-mismatch` for a checkpoint of another log or key, `store-damaged` where the journal contradicts the checkpoint,
   * `usage-invalid` for a witness key that is none, `store-full` and `store-failed`.
   */
  static async open(folder: string, options: LogOptions): Promise<TransparencyLog> {
    const { files, signer, rebuild = false } = options;
    const own = noteKey(signer.name, signer.algorithm, signer.spki);
    const witnesses = (options.witnesses ?? []).map(witnessKey);
    const tiles = new TileFolder(files, folder);
    const opened = await openLog(files, folder, tiles, own, options, rebuild);
    const log = new TransparencyLog(folder, tiles, options, { own, witnesses }, opened);
    if (opened.latest === undefined && opened.edge.size > 0) await log.checkpoint();
    return log;
  }

  /** Appends the leaf of an entry that is durable in the journal; in memory, at once. Returns its index, from 0. */
  append(leaf: Buffer): number {
    if (this.#closed) throw closed();
    return this.#edge.append(leaf);
  }

  /** Leaves, those after the checkpoint included. */
  get size(): number {
    return this.#edge.size;
  }

  /** The checkpoint on the medium; none in a log that never had one. */
  get latest(): Checkpoint | undefined {
    return this.#latest;
  }

  /**
   * Puts all that was appended before the call under a signed checkpoint on the medium; the newest one again where nothing was.
   * Calls that come while one is waiting share its checkpoint. Throws `store-full` and `store-failed`, `key-mismatch` where the
   * signer gave a signature that its key does not verify; then the old checkpoint stands, and the next call tries again.
   */
  checkpoint(): Promise<Checkpoint> {
    if (this.#closed) return Promise.reject(closed());
    if (this.#next !== undefined) return this.#next;
    const next = this.#queue(() => {
      this.#next = undefined;
      return this.#publish();
    });
    this.#next = next;
    return next;
  }

  /**
   * Proof that the leaf stands in the tree of `size` leaves, by default that of the newest checkpoint. Throws `usage-invalid` where
   * that tree does not have the leaf or the log not that size, `store-damaged` where a tile is missing or damaged.
   */
  async inclusion(index: number, size?: number): Promise<InclusionProof> {
    const latest = this.#latest;
    const of = this.#sizeOr(size, latest);
    const reader = new TileReader(this.#tiles, this.#edge);
    const hashes = await inclusionProof(index, of, reader);
    const leafHash = await reader.node(0, index);
    return { index, size: of, leafHash, hashes, checkpoint: latest?.size === of ? latest : undefined };
  }

  /** Proof that the tree of `from` leaves is the beginning of that of `to`, by default the newest checkpoint's. Throws as `inclusion`. */
  async consistency(from: number, to?: number): Promise<Buffer[]> {
    return consistencyProof(from, this.#sizeOr(to, this.#latest), new TileReader(this.#tiles, this.#edge));
  }

  /**
   * Adds the cosignatures of known witnesses in a note to the stored checkpoint, each witness's newest; lines of others are left
   * out. Throws `cosignature-refused` where the note is of another text, or bears no cosignature of a known witness or a false one.
   */
  cosign(note: string): Promise<Checkpoint> {
    if (this.#closed) return Promise.reject(closed());
    return this.#queue(() => this.#cosign(note));
  }

  /** Waits for the work that was asked for. What came after the newest checkpoint is in the journal, and in the next one. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
  }

  #queue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#work.then(task);
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #publish(): Promise<Checkpoint> {
    const before = this.#latest;
    const snapshot = this.#edge.snapshot();
    if (before?.size === snapshot.size) return before;
    await this.#tiles.write(snapshot.tiles);
    const head = { origin: this.#signer.name, size: snapshot.size, root: snapshot.root };
    const checkpoint = await this.#store(head, [await this.#sign(formatTreeHead(head))]);
    this.#edge.settle(snapshot);
    await this.#tiles.removeSuperseded(before?.size ?? 0, snapshot.size);
    return checkpoint;
  }

  async #sign(text: string): Promise<NoteSignature> {
    const signature = await this.#signer.sign(Buffer.from(text));
    const line = { name: this.#key.name, keyId: this.#key.id, signature };
    if (!signatureHolds(this.#key, text, line)) {
      throw new AtalayaError(
        'key-mismatch',
        `the signature over the checkpoint is not one of the key of ${this.#key.name}`,
        {
          hint: 'Check that the keystore holds the key that the unit was enrolled with.',
        },
      );
    }
    return line;
  }

  async #store(head: Parameters<typeof makeCheckpoint>[0], signatures: Note['signatures']): Promise<Checkpoint> {
    const checkpoint = makeCheckpoint(head, signatures);
    await writeWholeFile(this.#files, checkpointPath(this.#folder), Buffer.from(checkpoint.note));
    this.#latest = checkpoint;
    this.#signatures = signatures;
    return checkpoint;
  }

  async #cosign(content: string): Promise<Checkpoint> {
    const latest = this.#latest;
    if (latest === undefined) throw refused('the log has no checkpoint yet');
    const parsed = parseNote(Buffer.from(content));
    if (!parsed.ok) throw refused(`it is not a signed note: ${parsed.reason}`);
    const { text, signatures } = parsed.note;
    if (text !== latest.text)
      throw refused(`it is not over the newest checkpoint, which is that of ${latest.size} entries`);
    const merged = new Map<NoteKey, NoteSignature>();
    for (const witness of this.#witnesses) {
      const given = signatures.filter((line) => isOf(line, witness));
      if (!given.every((line) => signatureHolds(witness, text, line))) {
        throw refused(`the cosignature of ${witness.name} does not hold`);
      }
      const stored = this.#signatures.filter((line) => isOf(line, witness) && signatureHolds(witness, text, line));
      const newest = [...stored, ...given].sort(byTime).at(-1);
      if (newest !== undefined) merged.set(witness, newest);
    }
    if (!signatures.some((line) => this.#witnesses.some((witness) => isOf(line, witness)))) {
      const whose = signatures.filter((line) => !isOf(line, this.#key)).map(({ name }) => JSON.stringify(name));
      const by = whose.length === 0 ? '' : `, and one of ${[...new Set(whose)].slice(0, 3).join(', ')}`;
      throw refused(
        `${unknownWitness}${by}`,
        "Put the witness's verifier key, which `atalaya-bridge run` prints at its start after `witness:`, into evidence.witnesses.",
      );
    }
    const own = this.#signatures.filter((line) => isOf(line, this.#key));
    return this.#store(latest, [...own, ...merged.values()]);
  }

  #sizeOr(size: number | undefined, latest: Checkpoint | undefined): number {
    const chosen = size ?? latest?.size;
    if (chosen === undefined) throw new AtalayaError('usage-invalid', 'the log has no checkpoint yet');
    if (chosen > this.size) throw new AtalayaError('usage-invalid', `the log has ${this.size} leaves, not ${chosen}`);
    return chosen;
  }
}

function witnessKey(vkey: string): NoteKey {
  const key = parseVkey(vkey);
  if (key.algorithm === 'cosignature') return key;
  throw new AtalayaError('usage-invalid', `the key of ${key.name} is of type ${key.algorithm}, not of a witness`);
}

/** The first eight bytes of a cosignature are its time, big-endian. */
function byTime(one: NoteSignature, other: NoteSignature): number {
  return Buffer.compare(one.signature.subarray(0, 8), other.signature.subarray(0, 8));
}

function closed(): AtalayaError {
  return new AtalayaError('store-closed', 'the log is closed');
}

function refused(reason: string, hint = 'Send the newest checkpoint to the witness again.'): AtalayaError {
  return new AtalayaError('cosignature-refused', `the cosigned note was not taken: ${reason}`, { hint });
}
