import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { CameraInfo, FrameDamage } from '../camera.ts';
import { decodeJpeg, type PictureSize } from '../decode-jpeg.ts';
import type { Frame } from '../frame.ts';
import { jpegSize } from '../jpeg-size.ts';
import { PicturePool } from '../picture-pool.ts';
import { UtcOffset } from './capture-clock.ts';
import type { LiveCamera } from './live-camera.ts';
import { middleOf } from './take-still.ts';

export interface StillCameraOptions {
  readonly name: string;
  readonly size: PictureSize;
  /** One picture as a whole JPEG, within a deadline of its own. */
  readonly take: (signal: AbortSignal) => Promise<Uint8Array>;
  /** From the start of one picture to that of the next; a picture that takes longer is followed by the next at once. */
  readonly interval: Milliseconds;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly onDamage: (damage: FrameDamage) => void;
}

/**
 * A camera that takes one picture after the other, for scenes in which nothing moves fast: a queue, a car park, the state of a lamp.
 *
 * A picture's time is the middle of the run of the program that took it, and the error of an interval is half of that run: seconds, from
 * which no speed follows.
 */
export class StillCamera implements LiveCamera {
  readonly live = true;
  readonly #options: StillCameraOptions;
  readonly #pool: PicturePool;
  readonly #closed = new AbortController();
  #first: Taken | undefined;
  #next = 0;
  #origin: number | undefined;
  readonly #utcOffset: UtcOffset;

  constructor(options: StillCameraOptions) {
    this.#options = options;
    this.#utcOffset = new UtcOffset(options.clock);
    this.#pool = new PicturePool('rgb24', options.size.width, options.size.height);
  }

  async open(signal: AbortSignal): Promise<CameraInfo> {
    this.#first ??= await this.#take(signal);
    const { name, size } = this.#options;
    return { name, ...size, frames: undefined };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    const { timer, clock, interval } = this.#options;
    // What was lost while the camera was down shows as a gap.
    if (this.#next > 0) this.#next += 1;
    const stop = AbortSignal.any([signal, this.#closed.signal]);
    while (!stop.aborted) {
      let taken = this.#first;
      this.#first = undefined;
      try {
        taken ??= await this.#take(stop);
      } catch (error) {
        if (stop.aborted) return;
        throw error;
      }
      const frame = await this.#frame(taken);
      if (frame !== undefined && stop.aborted) return this.release(frame);
      if (frame !== undefined) yield frame;
      const wait = taken.began + interval - clock.monotonic();
      if (wait > 0) await timer.sleep(milliseconds(wait), stop);
    }
  }

  release(frame: Frame): void {
    this.#pool.release(frame.picture.data);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  async #take(signal: AbortSignal): Promise<Taken> {
    const { clock, take, name, size } = this.#options;
    const began = clock.monotonic();
    const jpeg = await take(signal);
    const ended = clock.monotonic();
    const actual = jpegSize(jpeg);
    if (actual !== undefined && (actual.width !== size.width || actual.height !== size.height)) {
      const sizes = `${actual.width}x${actual.height}, and source.camera says ${size.width}x${size.height}`;
      throw new AtalayaError('scene-mismatch', `${name} gives pictures of ${sizes}`, {
        hint: 'Set source.camera.width and height to what the camera gives, and measure the scene in such a picture.',
      });
    }
    return { jpeg, began, ended };
  }

  async #frame({ jpeg, began, ended }: Taken): Promise<Frame | undefined> {
    const { size, clock, onDamage } = this.#options;
    const sequence = this.#next++;
    const decoded = await decodeJpeg(jpeg, size);
    if (decoded.kind === 'damaged') {
      onDamage({ sequence, reason: decoded.reason });
      return undefined;
    }
    const data = this.#pool.acquire();
    data.set(decoded.picture.data);
    decoded.free();
    const { at, error } = middleOf(began, ended);
    this.#origin ??= at;
    const { synchronised, dated } = clock.state();
    return {
      sequence,
      time: {
        utc: utcMilliseconds(at + this.#utcOffset.now()),
        elapsed: milliseconds(at - this.#origin),
        clock: { source: 'system', synchronised, dated, intervalError: error },
      },
      picture: { format: 'rgb24', ...size, data },
      original: jpeg,
    };
  }
}

interface Taken {
  readonly jpeg: Uint8Array;
  readonly began: Milliseconds;
  readonly ended: Milliseconds;
}
