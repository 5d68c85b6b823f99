import type { Clock } from '../kernel/clock.ts';
import { systemTimer, type Timer } from '../kernel/timer.ts';
import { milliseconds } from '../kernel/units.ts';
import type { Camera, CameraInfo } from './camera.ts';
import type { Frame } from './frame.ts';

/** Plays another camera at the pace of its timestamps: a frame is yielded no earlier than its elapsed time after the first. */
export class PacedCamera implements Camera {
  readonly #camera: Camera;
  readonly #clock: Clock;
  readonly #timer: Timer;

  constructor(camera: Camera, clock: Clock, timer: Timer = systemTimer) {
    this.#camera = camera;
    this.#clock = clock;
    this.#timer = timer;
  }

  open(signal: AbortSignal): Promise<CameraInfo> {
    return this.#camera.open(signal);
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    let origin: number | undefined;
    for await (const frame of this.#camera.frames(signal)) {
      origin ??= this.#clock.monotonic() - frame.time.elapsed;
      const wait = origin + frame.time.elapsed - this.#clock.monotonic();
      if (wait > 0) await this.#timer.sleep(milliseconds(wait), signal);
      if (signal.aborted) return this.#camera.release(frame);
      yield frame;
    }
  }

  release(frame: Frame): void {
    this.#camera.release(frame);
  }

  close(): Promise<void> {
    return this.#camera.close();
  }
}
