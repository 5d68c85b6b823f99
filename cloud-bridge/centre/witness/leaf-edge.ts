import { Frontier, leafHash } from '../../../device/evidence/log/merkle.ts';
import { leafOf } from '../../../device/evidence/record/envelope.ts';
import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { LedgerEntry } from '../../contract/events.ts';

/** A tree that the witness has signed. */
export interface CosignedHead {
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * The right edge of a unit's log as far as the witness has followed it: the document `leaf-edge/{unit}/{key}`. A log belongs to a key: a
 * unit that was given another one begins another log.
 */
export interface LeafEdge {
  /** Numbering of the ledger entries that the tree was made of. */
  readonly stream: string;
  readonly size: number;
  /** Hashes of the full subtrees, by height, in base64; those at bits that are not set in the size are empty. */
  readonly nodes: readonly string[];
  /** Newest last. */
  readonly cosigned: readonly CosignedHead[];
}

export function frontierOf({ size, nodes }: Pick<LeafEdge, 'size' | 'nodes'>): Frontier {
  return Frontier.at(size, (height) => Buffer.from(nodes[height] ?? '', 'base64'));
}

/** A tree that grows and remembers the nodes of its edge, so that it can be written down. */
export class GrowingTree {
  readonly #frontier: Frontier;
  readonly #nodes: string[];

  constructor(edge: Pick<LeafEdge, 'size' | 'nodes'>) {
    this.#frontier = frontierOf(edge);
    this.#nodes = [...edge.nodes];
  }

  get size(): number {
    return this.#frontier.size;
  }

  get root(): Buffer {
    return this.#frontier.root;
  }

  get nodes(): readonly string[] {
    return this.#nodes.map((node, height) => (Math.floor(this.size / 2 ** height) % 2 === 1 ? node : ''));
  }

  /** The next entry of the ledger. */
  append({ record, signature }: LedgerEntry): void {
    const bytes = Buffer.from(canonicalJson(record as JsonValue));
    const leaf = leafHash(leafOf({ bytes, signature: Buffer.from(signature, 'base64') }));
    this.#frontier.append(leaf, (height, hash) => {
      this.#nodes[height] = hash.toString('base64');
    });
  }
}
