import { hash } from 'node:crypto';
import { AtalayaError } from '../../kernel/errors.ts';

/**
 * The Merkle tree of RFC 6962 section 2.1 over SHA-256. Sizes and indices are exact up to 2^53; no function recurses, and none costs
 * more than the logarithm of the size.
 *
 * A *node* is named by its height and its index at that height: it covers the leaves `index * 2^height` up to
 * `(index + 1) * 2^height`, all of which exist. The hash of such a full subtree never changes as the tree grows.
 */

/** Bytes of a hash. */
export const hashBytes = 32;

const leafPrefix = Buffer.of(0);
const nodePrefix = Buffer.of(1);

/** SHA-256(0x00 ‖ data). */
export function leafHash(data: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([leafPrefix, data]), 'buffer');
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer');
}

/** The root of a tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Buffer {
  return hash('sha256', '', 'buffer');
}

/** Root of the perfect subtree over so many hashes in a row; their number is a power of two. */
export function perfectRoot(hashes: Uint8Array): Buffer {
  let row = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  while (row.byteLength > hashBytes) {
    const above = Buffer.allocUnsafe(row.byteLength / 2);
    for (let at = 0; at < above.byteLength; at += hashBytes) {
      const pair = 2 * at;
      nodeHash(row.subarray(pair, pair + hashBytes), row.subarray(pair + hashBytes, pair + 2 * hashBytes)).copy(
        above,
        at,
      );
    }
    row = above;
  }
  return Buffer.from(row);
}

/** Told of every full subtree in the moment in which a leaf completes it, leaves included, from the lowest up. */
export type Completed = (height: number, hash: Buffer) => void;

/** The right edge of a tree: what it takes to go on with it and to state its root, one hash for each bit set in the size. */
export class Frontier {
  #size: number;
  /** By height; those at bits that are not set in the size are of the past. */
  readonly #nodes: Buffer[];

  constructor(size = 0, nodes: Buffer[] = []) {
    this.#size = size;
    this.#nodes = nodes;
  }

  /** The edge of a tree of so many leaves; `node` gives the hash of a full subtree. */
  static at(size: number, node: (height: number, index: number) => Buffer): Frontier {
    const nodes: Buffer[] = [];
    for (let height = 0, rest = size; rest > 0; height += 1, rest = Math.floor(rest / 2)) {
      nodes.push(rest % 2 === 1 ? node(height, rest - 1) : Buffer.alloc(0));
    }
    return new Frontier(size, nodes);
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Buffer, completed?: Completed): void {
    let current = leaf;
    let height = 0;
    completed?.(0, current);
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      current = nodeHash(this.#nodes[height]!, current);
      height += 1;
      completed?.(height, current);
    }
    this.#nodes[height] = current;
    this.#size += 1;
  }

  get root(): Buffer {
    let root: Buffer | undefined;
    for (let height = 0, rest = this.#size; rest > 0; height += 1, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) root = root === undefined ? this.#nodes[height]! : nodeHash(this.#nodes[height]!, root);
    }
    return root ?? emptyRoot();
  }
}

/** Gives the hash of a full subtree. Throws what keeps it from doing so. */
export interface HashReader {
  node(height: number, index: number): Promise<Buffer>;
}

/** Leaves from `low` up to, not including, `high`. */
interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * PATH(index, D[size]) of RFC 6962 section 2.1.1: the hashes from the leaf's sibling up to the child of the root. Throws
 * `usage-invalid` where there is no such leaf.
 */
export async function inclusionProof(index: number, size: number, reader: HashReader): Promise<Buffer[]> {
  if (!isCount(size) || !isCount(index) || index >= size) {
    throw new AtalayaError('usage-invalid', `a tree of ${size} leaves has no leaf ${index}`);
  }
  const path: Range[] = [];
  let low = 0;
  let high = size;
  while (high - low > 1) {
    const middle = low + splitOf(high - low);
    if (index < middle) {
      path.push({ low: middle, high });
      high = middle;
    } else {
      path.push({ low, high: middle });
      low = middle;
    }
  }
  return rangeHashes(path.reverse(), reader);
}

/**
 * PROOF(from, D[to]) of RFC 6962 section 2.1.2; nothing where the sizes are equal or the first tree is empty. Throws
 * `usage-invalid` where `from` is beyond `to`.
 */
export async function consistencyProof(from: number, to: number, reader: HashReader): Promise<Buffer[]> {
  if (!isCount(from) || !isCount(to) || from > to) {
    throw new AtalayaError('usage-invalid', `a tree of ${to} leaves has no earlier tree of ${from}`);
  }
  if (from === 0 || from === to) return [];
  const path: Range[] = [];
  let low = 0;
  let high = to;
  while (from !== high) {
    const middle = low + splitOf(high - low);
    if (from <= middle) {
      path.push({ low: middle, high });
      high = middle;
    } else {
      path.push({ low, high: middle });
      low = middle;
    }
  }
  // The older root itself is known to whoever checks; only where it is a part of the older tree is its hash told.
  if (low > 0) path.push({ low, high });
  return rangeHashes(path.reverse(), reader);
}

/** The root of the first `size` leaves. */
export async function rootAt(size: number, reader: HashReader): Promise<Buffer> {
  return size === 0 ? emptyRoot() : rangeHash({ low: 0, high: size }, reader);
}

async function rangeHashes(ranges: readonly Range[], reader: HashReader): Promise<Buffer[]> {
  const hashes: Buffer[] = [];
  for (const range of ranges) hashes.push(await rangeHash(range, reader));
  return hashes;
}

/** Hash of a range whose beginning is a multiple of the largest power of two within it: its full subtrees, joined from the right. */
async function rangeHash({ low, high }: Range, reader: HashReader): Promise<Buffer> {
  let joined: Buffer | undefined;
  let end = high;
  for (let height = 0, rest = high - low; rest > 0; height += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 0) continue;
    const width = 2 ** height;
    const left = await reader.node(height, (end - width) / width);
    joined = joined === undefined ? left : nodeHash(left, joined);
    end -= width;
  }
  return joined ?? emptyRoot();
}

/** The largest power of two below a width of two or more. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
