import { type Milliseconds, milliseconds, toSeconds } from '../kernel/units.ts';

interface Sample {
  readonly frames: number;
  readonly at: Milliseconds;
}

/** Samples that are kept: of a long window with short looks every other one goes. */
const most = 256;

/** Frames processed a second, over a window that ends with the newest look. */
export class FrameRate {
  #samples: Sample[] = [];

  /** `frames`: processed since the start. `at`: of the monotonic clock. `window`: how far back the rate reaches. */
  look(frames: number, at: Milliseconds, window: Milliseconds): void {
    const newest = this.#samples.at(-1);
    // A count that steps back is that of another run.
    if (newest !== undefined && frames < newest.frames) this.#samples = [];
    this.#samples.push({ frames, at });
    // The newest of those that lie outside the window is where it begins.
    const begin = this.#samples.findLastIndex((one) => at - one.at >= window);
    if (begin > 0) this.#samples.splice(0, begin);
    if (this.#samples.length > most) {
      const last = this.#samples.length - 1;
      this.#samples = this.#samples.filter((_, i) => i % 2 === 0 || i === last);
    }
  }

  /** Hertz; undefined until two looks lie a second apart. */
  get rate(): number | undefined {
    const [oldest, newest] = [this.#samples[0], this.#samples.at(-1)];
    if (oldest === undefined || newest === undefined) return undefined;
    const time = milliseconds(newest.at - oldest.at);
    return time < 1000 ? undefined : (newest.frames - oldest.frames) / toSeconds(time);
  }
}
