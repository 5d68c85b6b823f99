import type { Frame } from '../capture/frame.ts';
import type { Detection } from '../detect/detection.ts';
import type { Detector } from '../detect/detector.ts';
import type { Clock } from '../kernel/clock.ts';

/**
 * A detector that can be told to rest: while `share` is below 1, no frame is admitted after an inference until it has worked for no more
 * than that share of the time. Results are those of the detector; frames that are not admitted are the caller's to count as skipped.
 */
export class DetectorPace implements Pick<Detector, 'detect'> {
  readonly #detector: Pick<Detector, 'detect'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #share: () => number;
  #rested = 0;

  /** `share` above 0, and 1 for a detector that never rests. */
  constructor(detector: Pick<Detector, 'detect'>, clock: Pick<Clock, 'monotonic'>, share: () => number) {
    this.#detector = detector;
    this.#clock = clock;
    this.#share = share;
  }

  async detect(frame: Frame): Promise<readonly Detection[]> {
    const began = this.#clock.monotonic();
    const found = await this.#detector.detect(frame);
    const now = this.#clock.monotonic();
    this.#rested = now + (now - began) * (1 / this.#share() - 1);
    return found;
  }

  /** Whether the detector may be given a frame now. */
  admits(): boolean {
    return this.#share() >= 1 || this.#clock.monotonic() >= this.#rested;
  }
}
