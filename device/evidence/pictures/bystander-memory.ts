import type { CaptureTime } from '../../capture/frame.ts';
import type { Detection } from '../../detect/detection.ts';
import type { Region } from '../../detect/sample.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';

/** What was detected in one processed frame near the one that is shown. */
export interface NearbyFrame {
  readonly sequence: number;
  /** Time from the frame that is shown to this one; negative before it. */
  readonly offset: Milliseconds;
  /** Whatever the detector returned, doubtful ones included. */
  readonly detections: readonly Detection[];
}

/** What is known of who stands where in a frame. */
export interface Surroundings {
  /** The frame itself where it was processed, and the nearest processed ones before and after it, in order; one at least. */
  readonly frames: readonly [NearbyFrame, ...NearbyFrame[]];
  readonly searched: Searched;
}

/** Where the detector looks, pixels of the full picture; `auto` is everywhere. What lies outside is never known. */
export type Searched = readonly Region[] | 'auto';

export interface MemoryBounds {
  /** Frames from longer before the newest are forgotten. */
  readonly reach: Milliseconds;
  /** Frames at most. */
  readonly most: number;
}

/** Detections of frames further away say nothing of who stands where, milliseconds. */
export const nearby = milliseconds(300);

interface Processed {
  readonly sequence: number;
  readonly elapsed: Milliseconds;
  readonly detections: readonly Detection[];
}

/** Remembers who was seen where, for as long as frames can be asked for; bounded by time and count. */
export class BystanderMemory {
  readonly #searched: Searched;
  readonly #bounds: MemoryBounds;
  readonly #processed: Processed[] = [];

  constructor(searched: Searched, bounds: MemoryBounds) {
    this.#searched = searched;
    this.#bounds = bounds;
  }

  /** Takes what was detected in a frame; frames come in the order of capture. */
  observe(frame: { readonly sequence: number; readonly time: CaptureTime }, detections: readonly Detection[]): void {
    const { elapsed } = frame.time;
    this.#processed.push({ sequence: frame.sequence, elapsed, detections });
    const { reach, most } = this.#bounds;
    const forgotten = this.#processed.findIndex((one) => elapsed - one.elapsed <= reach);
    this.#processed.splice(0, Math.max(forgotten, this.#processed.length - most));
  }

  /** What is known around a frame; undefined where no frame within 0.3 s of it was processed, or is remembered. */
  around(frame: { readonly sequence: number; readonly time: CaptureTime }): Surroundings | undefined {
    const close = this.#processed.flatMap(({ sequence, elapsed, detections }): readonly NearbyFrame[] => {
      const offset = milliseconds(elapsed - frame.time.elapsed);
      return Math.abs(offset) <= nearby ? [{ sequence, offset, detections }] : [];
    });
    const found = [
      close.findLast(({ sequence }) => sequence < frame.sequence),
      close.find(({ sequence }) => sequence === frame.sequence),
      close.find(({ sequence }) => sequence > frame.sequence),
    ].filter((one) => one !== undefined);
    const [first, ...others] = found;
    return first === undefined ? undefined : { frames: [first, ...others], searched: this.#searched };
  }
}
