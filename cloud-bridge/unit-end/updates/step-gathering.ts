import { blockStep } from '../../contract/stream.ts';

/** Puts pieces that are smaller than a step together; what is larger passes. Each byte of a file comes here once. */
export class StepGathering {
  readonly #steps = new Map<number, { readonly bytes: Buffer; missing: number }>();

  /** The step, or more, that is whole with it; `length`: bytes of the file. */
  add(
    offset: number,
    bytes: Uint8Array,
    length: number,
  ): { readonly offset: number; readonly bytes: Uint8Array } | undefined {
    const start = offset - (offset % blockStep);
    const size = Math.min(blockStep, length - start);
    if (start === offset && bytes.byteLength >= size) return { offset, bytes };
    const step = this.#steps.get(start) ?? { bytes: Buffer.alloc(size), missing: size };
    step.bytes.set(bytes, offset - start);
    step.missing -= bytes.byteLength;
    if (step.missing > 0) {
      this.#steps.set(start, step);
      return undefined;
    }
    this.#steps.delete(start);
    return { offset: start, bytes: step.bytes };
  }
}
