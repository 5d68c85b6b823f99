import type { Camera, CameraInfo } from '../capture/camera.ts';
import type { Frame, Picture } from '../capture/frame.ts';
import { recordingClock } from '../capture/frame-times.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';

/** Plays pictures that are decoded already, again and again, at a stated rate of timestamps: what is left to measure is not decoding. */
export class MemoryCamera implements Camera {
  readonly #pictures: readonly Picture[];
  readonly #count: number;
  readonly #rate: number;

  constructor(pictures: readonly Picture[], count: number, rate: number) {
    this.#pictures = pictures;
    this.#count = count;
    this.#rate = rate;
  }

  async open(): Promise<CameraInfo> {
    const first = this.#pictures[0];
    return { name: 'memory', width: first?.width ?? 0, height: first?.height ?? 0, frames: this.#count };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    for (let sequence = 0; sequence < this.#count && !signal.aborted; sequence += 1) {
      const picture = this.#pictures[sequence % this.#pictures.length];
      if (picture === undefined) return;
      const elapsed = milliseconds((sequence * 1000) / this.#rate);
      yield {
        sequence,
        time: { utc: utcMilliseconds(1.7e12 + elapsed), elapsed, clock: recordingClock },
        picture,
        original: undefined,
      };
    }
  }

  release(): void {}

  async close(): Promise<void> {}
}
