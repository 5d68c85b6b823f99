import type { Stretch } from './patch-form.ts';

/** Bytes of a run that is looked for, and of a block of the base that is taken or left. */
const run = 12;
const block = 8192;
const factor = 0x01000193;
/** One run of so many is looked at, by what it is and not by where. */
const sampled = 16;

/** Which blocks of a base are likest to some content, by the short runs of bytes that both have. 8 bytes of memory for each 8 of the base. */
export class LikeBlocks {
  readonly #base: Buffer;
  readonly #mask: number;
  readonly #hashes: Int32Array;
  /** Number of the block and one. */
  readonly #blocks: Int32Array;

  constructor(base: Buffer) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1024, base.byteLength / sampled)));
    this.#base = base;
    this.#mask = slots - 1;
    this.#hashes = new Int32Array(slots);
    this.#blocks = new Int32Array(slots);
    eachRun(base, (hash, at) => {
      const slot = hash & this.#mask;
      if (this.#blocks[slot] !== 0) return;
      this.#hashes[slot] = hash;
      this.#blocks[slot] = Math.floor(at / block) + 1;
    });
  }

  /** Stretches of the base, ascending, of `most` bytes together: `wanted` as far as they go, then the likest blocks. */
  choose(content: Buffer, wanted: readonly Stretch[], most: number): Stretch[] {
    const scores = new Float64Array(Math.ceil(this.#base.byteLength / block));
    eachRun(content, (hash) => {
      const slot = hash & this.#mask;
      const number = this.#blocks[slot] ?? 0;
      if (number !== 0 && this.#hashes[slot] === hash) scores[number - 1] = (scores[number - 1] ?? 0) + 1;
    });
    for (const { offset, length } of wanted) {
      for (let i = Math.floor(offset / block); i * block < offset + length; i++) {
        scores[i] = (scores[i] ?? 0) + block;
      }
    }
    const ranked = [...scores.keys()].filter((i) => (scores[i] ?? 0) > 0);
    ranked.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    return stretchesOf(
      ranked.slice(0, Math.floor(most / block)).sort((a, b) => a - b),
      this.#base.byteLength,
    );
  }
}

function stretchesOf(blocks: readonly number[], end: number): Stretch[] {
  const stretches: { offset: number; length: number }[] = [];
  for (const i of blocks) {
    const offset = i * block;
    const length = Math.min(block, end - offset);
    const last = stretches.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += length;
    else stretches.push({ offset, length });
  }
  return stretches;
}

const leaving = Array.from({ length: run }).reduce<number>((power) => Math.imul(power, factor), 1);

function eachRun(bytes: Buffer, take: (hash: number, at: number) => void): void {
  let hash = 0;
  for (let i = 0; i < bytes.byteLength; i++) {
    hash = (Math.imul(hash, factor) + (bytes[i] ?? 0) + 1) | 0;
    if (i < run - 1) continue;
    if (i >= run) hash = (hash - Math.imul((bytes[i - run] ?? 0) + 1, leaving)) | 0;
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x2c1b3c6d);
    mixed ^= mixed >>> 13;
    if (mixed >>> 0 < 2 ** 32 / sampled) take(Math.imul(mixed, 0x9e3779b1), i - run + 1);
  }
}
