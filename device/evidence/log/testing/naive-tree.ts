import { createHash } from 'node:crypto';

/**
 * The definitions of RFC 6962 section 2.1 written down as they stand, recursion and all, and the checks of RFC 9162 sections 2.1.3.2
 * and 2.1.4.2. Shares nothing with the log.
 */

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const leaf = (data: Uint8Array): Buffer => sha256(Buffer.of(0), data);
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

export function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaf(leaves[0]!);
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return node(naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

/** The root that an inclusion proof leads to, or undefined where its length is wrong. */
export function rootFromInclusion(
  index: number,
  size: number,
  leafHash: Buffer,
  proof: readonly Buffer[],
): Buffer | undefined {
  let fn = BigInt(index);
  let sn = BigInt(size) - 1n;
  if (fn > sn) return undefined;
  let root = leafHash;
  for (const hash of proof) {
    if (sn === 0n) return undefined;
    if (fn % 2n === 1n || fn === sn) {
      root = node(hash, root);
      while (fn % 2n === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      root = node(root, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? root : undefined;
}

export function consistencyHolds(
  from: number,
  to: number,
  oldRoot: Buffer,
  newRoot: Buffer,
  proof: readonly Buffer[],
): boolean {
  if (from === to) return proof.length === 0 && oldRoot.equals(newRoot);
  const powerOfTwo = Number.isInteger(Math.log2(from));
  const path = powerOfTwo ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined || proof.length === 0) return false;
  let fn = BigInt(from) - 1n;
  let sn = BigInt(to) - 1n;
  while (fn % 2n === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let fr = first;
  let sr = first;
  for (const hash of path) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      fr = node(hash, fr);
      sr = node(hash, sr);
      while (fn % 2n === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      sr = node(sr, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && fr.equals(oldRoot) && sr.equals(newRoot);
}
