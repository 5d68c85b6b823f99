import { hash } from 'node:crypto';

/** RFC 6962 §2.1. All hashes are 32 bytes. */

const leafMark = Buffer.of(0x00);

export const leafHash = (leaf: Uint8Array): Buffer => hash('sha256', Buffer.concat([leafMark, leaf]), 'buffer');

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(65);
  bytes[0] = 0x01;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return hash('sha256', bytes, 'buffer');
}

/** Root of no entries: the hash of nothing. */
export const emptyRoot = (): Buffer => hash('sha256', Buffer.alloc(0), 'buffer');

/** The roots of the full subtrees of a growing tree, the largest first: all that its root and its growth need. */
export class Frontier {
  readonly #peaks: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(leaf: Buffer): void {
    let node = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2)
      node = nodeHash(this.#peaks.pop() as Buffer, node);
    this.#peaks.push(node);
    this.#size += 1;
  }

  root(): Buffer {
    return (
      this.#peaks.reduceRight<Buffer | undefined>((right, left) => (right ? nodeHash(left, right) : left), undefined) ??
      emptyRoot()
    );
  }
}

/** Root of a full subtree. `hashes` is a power of two of 32-byte hashes, one after the other. */
export function subtreeRoot(hashes: Buffer): Buffer {
  let level: Buffer[] = [];
  for (let at = 0; at < hashes.byteLength; at += 32) level.push(hashes.subarray(at, at + 32));
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let at = 0; at < level.length; at += 2) above.push(nodeHash(level[at] as Buffer, level[at + 1] as Buffer));
    level = above;
  }
  return level[0] as Buffer;
}

const odd = (value: number) => value % 2 === 1;
const half = (value: number) => Math.floor(value / 2);

/**
 * The root that an inclusion proof gives for a leaf (RFC 9162 §2.1.3.2, the algorithm for the proofs of RFC 6962 §2.1.1); undefined
 * where the proof has not the length that index and size ask for.
 */
export function rootByInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (index >= size) return undefined;
  let node = index;
  let last = size - 1;
  let root = leaf;
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (odd(node) || node === last) {
      root = nodeHash(sibling, root);
      while (!odd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else root = nodeHash(root, sibling);
    node = half(node);
    last = half(last);
  }
  return last === 0 ? root : undefined;
}

/**
 * True where the proof shows that the tree of `newSize` begins with the entries of the tree of `oldSize` (RFC 9162 §2.1.4.2, the
 * algorithm for the proofs of RFC 6962 §2.1.2).
 */
export function isConsistent(
  older: { readonly size: number; readonly root: Buffer },
  newer: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root);
  if (older.size === 0) return proof.length === 0 && older.root.equals(emptyRoot());
  let node = older.size - 1;
  let last = newer.size - 1;
  while (odd(node)) {
    node = half(node);
    last = half(last);
  }
  const path = node === 0 ? [older.root, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let oldRoot = first;
  let newRoot = first;
  for (const sibling of path) {
    if (last === 0) return false;
    if (odd(node) || node === last) {
      oldRoot = nodeHash(sibling, oldRoot);
      newRoot = nodeHash(sibling, newRoot);
      while (!odd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else newRoot = nodeHash(newRoot, sibling);
    node = half(node);
    last = half(last);
  }
  return last === 0 && oldRoot.equals(older.root) && newRoot.equals(newer.root);
}
