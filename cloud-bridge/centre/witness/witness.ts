import { readCheckpoint, type TreeHead } from '../../../device/evidence/log/checkpoint.ts';
import { formatNote, type Note, type NoteKey, noteKey, parseVkey } from '../../../device/evidence/log/note.ts';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { LedgerEntry } from '../../contract/events.ts';
import type { Archive } from '../archive/archive.ts';
import { type CosignedHead, GrowingTree, type LeafEdge } from './leaf-edge.ts';
import type { WitnessKey } from './witness-key.ts';

/** The key of a unit that signs its checkpoints. */
export interface PinnedKey {
  readonly id: string;
  readonly vkey: string;
}

export type Witnessed =
  | { readonly kind: 'cosigned'; readonly note: string; readonly head: CosignedHead }
  /** Entries that it covers have not come yet; to be asked again when they have. */
  | { readonly kind: 'waiting'; readonly have: number; readonly size: number }
  /** Of an earlier state that was cosigned: nothing is the matter. */
  | { readonly kind: 'older'; readonly size: number }
  /** Not what the unit's key signed. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Signed by the unit, and at odds with what it has shown before. */
  | { readonly kind: 'inconsistent'; readonly reason: string };

/** Heads that are remembered. */
const remembered = 64;
/** Entries that are read at once. */
const page = 500;

/**
 * The witness at the centre (https://c2sp.org/tlog-witness, without its protocol): it signs a unit's checkpoint when the entries that the
 * unit has delivered are exactly the tree that the checkpoint states, and that tree goes on from the one that it signed last.
 *
 * Calls for one unit come one after the other. Throws what the archive throws.
 */
export class Witness {
  readonly #archive: Archive;
  readonly #key: WitnessKey;
  readonly #clock: Clock;

  constructor(archive: Archive, key: WitnessKey, clock: Clock) {
    this.#archive = archive;
    this.#key = key;
    this.#clock = clock;
  }

  get vkey(): string {
    return this.#key.vkey;
  }

  /** `stream`: the numbering of the ledger entries that the unit delivers now. */
  async witness(unit: string, note: string, pinned: PinnedKey, stream: string | undefined): Promise<Witnessed> {
    const key = unitKey(unit, pinned);
    if (key === undefined) return { kind: 'refused', reason: 'the verifier key that the unit states is not its own' };
    const read = readCheckpoint(Buffer.from(note), key);
    if (read.kind !== 'good') return { kind: 'refused', reason: read.reason };
    const { checkpoint, signatures } = read;
    const document = await this.#archive.document('leaf-edge', edgeKey(unit, pinned));
    const edge = document?.value as unknown as LeafEdge | undefined;
    const known = judgeKnown(checkpoint, edge);
    if (known !== undefined && known.kind !== 'again') return known;
    const own = signatures.filter(({ name, keyId }) => name === key.name && keyId.equals(key.id));
    if (known !== undefined) return this.#cosigned(checkpoint.text, own, known.head);
    if (checkpoint.size > 0 && stream === undefined) return { kind: 'waiting', have: 0, size: checkpoint.size };
    if (edge !== undefined && edge.size > 0 && edge.stream !== stream) {
      return {
        kind: 'inconsistent',
        reason: `the unit has begun another ledger under the same key; of the one before it ${edge.size} entries were cosigned`,
      };
    }
    const tree = await this.#grown(unit, edge ?? { size: 0, nodes: [] }, stream ?? '', checkpoint.size);
    if (tree.size < checkpoint.size) return { kind: 'waiting', have: tree.size, size: checkpoint.size };
    if (!tree.root.equals(checkpoint.root)) {
      return {
        kind: 'inconsistent',
        reason: `the ${checkpoint.size} entries that the unit has delivered are not the tree that it has signed`,
      };
    }
    const head = { size: checkpoint.size, root: checkpoint.root.toString('base64'), at: toIso(this.#clock.utc()) };
    const next: LeafEdge = {
      stream: stream ?? '',
      size: tree.size,
      nodes: tree.nodes,
      cosigned: [...(edge?.cosigned ?? []), head].slice(-remembered),
    };
    // Durable before it is signed: a witness that forgot what it signed would sign a second history.
    const put = await this.#archive.putDocument(
      'leaf-edge',
      edgeKey(unit, pinned),
      next as unknown as JsonValue,
      document?.version ?? 0,
    );
    // Another bridge was before us: it has cosigned, and is asked again with the next checkpoint.
    if (!put) return { kind: 'older', size: checkpoint.size };
    return this.#cosigned(checkpoint.text, own, head);
  }

  /** The newest head that was cosigned. */
  async head(unit: string, pinned: PinnedKey): Promise<CosignedHead | undefined> {
    const document = await this.#archive.document('leaf-edge', edgeKey(unit, pinned));
    return (document?.value as unknown as LeafEdge | undefined)?.cosigned.at(-1);
  }

  #cosigned(text: string, own: Note['signatures'], head: CosignedHead): Witnessed {
    const time = BigInt(Math.floor(this.#clock.utc() / 1000));
    const note = formatNote({ text, signatures: [...own, this.#key.cosign(text, time)] });
    return { kind: 'cosigned', note, head };
  }

  /** The tree with the entries that are archived, up to `size`, as far as they follow one another without a gap. */
  async #grown(
    unit: string,
    edge: Pick<LeafEdge, 'size' | 'nodes'>,
    stream: string,
    size: number,
  ): Promise<GrowingTree> {
    const tree = new GrowingTree(edge);
    while (tree.size < size) {
      const events = await this.#archive.events({
        ...{ unit, lane: 'infraction', stream, afterSequence: tree.size, order: 'sequence' },
        limit: Math.min(page, size - tree.size),
      });
      if (events.length === 0) break;
      for (const { kind, sequence, data } of events) {
        if (sequence !== tree.size + 1 || (kind !== 'infraction' && kind !== 'audit')) return tree;
        tree.append(data as unknown as LedgerEntry);
      }
    }
    return tree;
  }
}

type Known =
  | Exclude<Witnessed, { kind: 'cosigned' | 'waiting' }>
  | { readonly kind: 'again'; readonly head: CosignedHead };

/** What follows from what was cosigned before; undefined for a newer state. */
function judgeKnown({ size, root }: TreeHead, edge: LeafEdge | undefined): Known | undefined {
  if (edge === undefined || size > edge.size || edge.cosigned.length === 0) return undefined;
  const same = edge.cosigned.find((head) => head.size === size);
  if (same !== undefined && same.root !== root.toString('base64')) {
    return { kind: 'inconsistent', reason: `another tree of ${size} entries was cosigned before` };
  }
  if (size === edge.size && same !== undefined) return { kind: 'again', head: same };
  // What replaced entries that were cosigned shows as soon as it grows beyond them, and as an event in another one's place before that.
  return { kind: 'older', size };
}

const edgeKey = (unit: string, { id }: PinnedKey): string => `${unit}/${id}`;

/** The key of the checkpoints: named after the unit, and the same key that signs its records. */
function unitKey(unit: string, { id, vkey }: PinnedKey): NoteKey | undefined {
  try {
    const stated = parseVkey(vkey);
    const spki = stated.publicKey.export({ format: 'der', type: 'spki' });
    const key = noteKey(`atalaya/${unit}`, stated.algorithm, spki);
    return stated.algorithm !== 'cosignature' && key.id.equals(stated.id) && sha256(spki) === id ? stated : undefined;
  } catch (error) {
    if (isAtalayaError(error)) return undefined;
    throw error;
  }
}
