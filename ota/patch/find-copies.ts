import type { PatchStep, Stretch } from './patch-form.ts';

/** Bytes of a block of the base that is looked for in the result; an equal run of twice as many is always found. */
const block = 4096;
const factor = 0x01000193;

/**
 * What of `result` stands in `base` in the same bytes, in runs of a block and more, and what is fresh between. Pure; a few seconds and a table of
 * 16 bytes a block.
 */
export function findCopies(base: Buffer, result: Buffer): PatchStep[] {
  const blocks = new BlockTable(base);
  const steps: PatchStep[] = [];
  let done = 0;
  let shift = 0;
  let at = 0;
  let hash = at + block <= result.byteLength ? hashOf(result, at) : 0;
  while (at + block <= result.byteLength) {
    const found = blocks.find(hash, result, at, at + shift);
    if (found === undefined) {
      hash = rolled(hash, result[at] ?? 0, result[at + block] ?? 0);
      at += 1;
      continue;
    }
    const before = equalBefore(base, found, result, at, at - done);
    const after = equalAfter(base, found + block, result, at + block);
    const copy: Stretch = { offset: found - before, length: before + block + after };
    steps.push({ fresh: at - before - done, copy });
    shift = found - at;
    done = at + block + after;
    at = done;
    if (at + block <= result.byteLength) hash = hashOf(result, at);
  }
  if (done < result.byteLength) steps.push({ fresh: result.byteLength - done });
  return steps;
}

/** Where the blocks of the base lie, by a hash of their bytes. */
class BlockTable {
  readonly #base: Buffer;
  readonly #mask: number;
  readonly #hashes: Int32Array;
  /** Number of the block and one. */
  readonly #blocks: Int32Array;

  constructor(base: Buffer) {
    const many = Math.floor(base.byteLength / block);
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, many * 2)));
    this.#base = base;
    this.#mask = slots - 1;
    this.#hashes = new Int32Array(slots);
    this.#blocks = new Int32Array(slots);
    for (let i = 0; i < many; i++) this.#add(hashOf(base, i * block), i);
  }

  /** Where in the base the bytes of `result` at `at` stand: rather at `likely` than elsewhere. */
  find(hash: number, result: Buffer, at: number, likely: number): number | undefined {
    for (let slot = mixed(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const number = this.#blocks[slot] ?? 0;
      if (number === 0) return undefined;
      if (this.#hashes[slot] !== hash) continue;
      if (this.#equal(likely, result, at)) return likely;
      const offset = (number - 1) * block;
      if (this.#equal(offset, result, at)) return offset;
    }
  }

  #equal(offset: number, result: Buffer, at: number): boolean {
    if (offset < 0 || offset + block > this.#base.byteLength) return false;
    return this.#base.compare(result, at, at + block, offset, offset + block) === 0;
  }

  /** The first of equal hashes stays. */
  #add(hash: number, number: number): void {
    for (let slot = mixed(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      if (this.#blocks[slot] === 0) {
        this.#hashes[slot] = hash;
        this.#blocks[slot] = number + 1;
        return;
      }
      if (this.#hashes[slot] === hash) return;
    }
  }
}

/** factor^block, modulo 2^32. */
const leaving = Array.from({ length: block }).reduce<number>((power) => Math.imul(power, factor), 1);

/** Rabin and Karp's polynomial, modulo 2^32. */
function hashOf(bytes: Buffer, at: number): number {
  let hash = 0;
  for (let i = at; i < at + block; i++) hash = (Math.imul(hash, factor) + (bytes[i] ?? 0) + 1) | 0;
  return hash;
}

const rolled = (hash: number, out: number, into: number): number =>
  (Math.imul(hash, factor) + into + 1 - Math.imul(out + 1, leaving)) | 0;

const mixed = (hash: number): number => {
  const half = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (half ^ (half >>> 15)) >>> 0;
};

function equalBefore(base: Buffer, from: number, result: Buffer, at: number, most: number): number {
  let equal = 0;
  while (equal < most && equal < from && base[from - equal - 1] === result[at - equal - 1]) equal += 1;
  return equal;
}

function equalAfter(base: Buffer, from: number, result: Buffer, at: number): number {
  const most = Math.min(base.byteLength - from, result.byteLength - at);
  let equal = 0;
  for (let length = 65_536; equal + length <= most; equal += length) {
    if (base.compare(result, at + equal, at + equal + length, from + equal, from + equal + length) !== 0) break;
  }
  while (equal < most && base[from + equal] === result[at + equal]) equal += 1;
  return equal;
}
