import { AtalayaError } from '../../kernel/errors.ts';

/** Keeps faults that nobody expects out of the frame path, and tells of them without their messages, which might quote a plate. */
export class Guard {
  readonly #onFault: (fault: AtalayaError) => void;

  constructor(onFault: (fault: AtalayaError) => void) {
    this.#onFault = onFault;
  }

  /** What `work` gives; undefined where it throws. */
  run<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      this.broken();
      return undefined;
    }
  }

  broken(): void {
    this.#onFault(new AtalayaError('internal', 'a step of the plate watch broke down'));
  }
}
