import { blockStep } from '../../cloud-bridge/contract/stream.ts';

/** Which steps of `blockStep` bytes of a file are here; the last one of a file may have fewer bytes. */
export class StepMap {
  /** Bytes of the file. */
  readonly length: number;
  readonly #bits: Uint8Array;
  #done: number;

  constructor(length: number, bits: Uint8Array = new Uint8Array(bitmapBytes(length))) {
    this.length = length;
    this.#bits = bits;
    this.#done = countBytes(length, bits);
  }

  /** Bytes that are here. */
  get done(): number {
    return this.#done;
  }

  get whole(): boolean {
    return this.#done === this.length;
  }

  /** Of the step in which this byte lies. */
  has(offset: number): boolean {
    const step = Math.floor(offset / blockStep);
    return ((this.#bits[step >> 3] ?? 0) & (1 << (step & 7))) !== 0;
  }

  /** Marks the whole steps of these bytes, of which the first begins at `offset`; says how many bytes are new. */
  add(offset: number, bytes: number): number {
    const before = this.#done;
    for (let at = offset; at < offset + bytes; at += blockStep) {
      const size = Math.min(blockStep, this.length - at);
      if (at + size > offset + bytes || this.has(at)) continue;
      const step = at / blockStep;
      this.#bits[step >> 3] = (this.#bits[step >> 3] ?? 0) | (1 << (step & 7));
      this.#done += size;
    }
    return this.#done - before;
  }

  /** As it is now, a bit a step, the first in the lowest bit of the first byte. */
  bits(): Uint8Array {
    return Uint8Array.from(this.#bits);
  }

  copy(): StepMap {
    return new StepMap(this.length, this.bits());
  }

  /** Without the steps that do not lie wholly before `end`. */
  before(end: number): StepMap {
    const cut = new StepMap(this.length);
    for (let at = 0; at < this.length; at += blockStep) {
      const size = Math.min(blockStep, this.length - at);
      if (at + size <= end && this.has(at)) cut.add(at, size);
    }
    return cut;
  }
}

export const bitmapBytes = (length: number): number => Math.ceil(Math.ceil(length / blockStep) / 8);

function countBytes(length: number, bits: Uint8Array): number {
  let done = 0;
  for (let at = 0, step = 0; at < length; at += blockStep, step += 1) {
    if (((bits[step >> 3] ?? 0) & (1 << (step & 7))) !== 0) done += Math.min(blockStep, length - at);
  }
  return done;
}
