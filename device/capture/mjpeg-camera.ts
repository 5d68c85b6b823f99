import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import { AtalayaError } from '../kernel/errors.ts';
import type { UtcMilliseconds } from '../kernel/units.ts';
import type { Camera, CameraInfo, FrameDamage } from './camera.ts';
import type { Frame } from './frame.ts';
import { type FrameTimes, loadFrameTimes, nominalFrameTimes } from './frame-times.ts';
import { splitMjpeg } from './mjpeg-split.ts';
import { PicturePool } from './picture-pool.ts';

export interface MjpegOptions {
  readonly path: string;
  /** Frames a second to assume where no `.times.json` stands beside the file. */
  readonly nominalRate: number;
  /** Date to give the first frame where the recording states none. */
  readonly start: UtcMilliseconds;
  readonly onDamage: (damage: FrameDamage) => void;
}

/** Pictures decoded ahead of the reader: one in hand, one on its way. */
const DECODE_AHEAD = 2;

/** Replays concatenated JPEG pictures through sharp alone; each frame keeps its original bytes. */
export class MjpegCamera implements Camera {
  readonly #options: MjpegOptions;
  #pool: PicturePool | undefined;
  #times: FrameTimes | undefined;
  #size: { readonly width: number; readonly height: number } | undefined;

  constructor(options: MjpegOptions) {
    this.#options = options;
  }

  async open(_signal: AbortSignal): Promise<CameraInfo> {
    const { path, nominalRate, start } = this.#options;
    this.#times = (await loadFrameTimes(path)) ?? nominalFrameTimes(nominalRate, start);
    const size = await this.#firstSize();
    this.#size = size;
    this.#pool = new PicturePool('rgb24', size.width, size.height);
    return { name: path, ...size, frames: this.#times.frames };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    const pending: Promise<Frame | FrameDamage>[] = [];
    const settle = async (): Promise<Frame | undefined> => {
      const done = await pending.shift();
      if (done === undefined || 'picture' in done) return done;
      this.#options.onDamage(done);
      return undefined;
    };
    const pieces = splitMjpeg(createReadStream(this.#options.path, { highWaterMark: 256 * 1024 }));
    let sequence = 0;
    for (;;) {
      if (signal.aborted) break;
      const piece = await pieces.next();
      if (piece.done) {
        while (pending.length > 0) {
          const frame = await settle();
          if (frame !== undefined) yield frame;
        }
        this.#checkEnd(sequence, piece.value.kind === 'truncated');
        return;
      }
      if (piece.value.kind === 'damage') {
        pending.push(Promise.resolve({ sequence, reason: piece.value.reason }));
        if (piece.value.frame) sequence += 1;
      } else {
        pending.push(this.#decode(piece.value.bytes, sequence));
        sequence += 1;
      }
      if (pending.length < DECODE_AHEAD) continue;
      const frame = await settle();
      if (frame !== undefined) yield frame;
    }
    await Promise.all(pending);
    await pieces.return({ kind: 'clean' });
  }

  /** Gives a frame's picture back to the pool. */
  release(frame: Frame): void {
    this.#pool?.release(frame.picture.data);
  }

  async close(): Promise<void> {}

  async #decode(original: Uint8Array, sequence: number): Promise<Frame | FrameDamage> {
    const { width, height } = this.#opened();
    const time = this.#times?.at(sequence);
    if (time === undefined) return { sequence, reason: 'the recording states no time for this frame' };
    try {
      const { data, info } = await sharp(original, { failOn: 'truncated' })
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      if (info.width !== width || info.height !== height || info.channels !== 3) {
        return { sequence, reason: `the picture is ${info.width}x${info.height}, not ${width}x${height}` };
      }
      const buffer = this.#opened().pool.acquire();
      buffer.set(data);
      return { sequence, time, picture: { format: 'rgb24', width, height, data: buffer }, original };
    } catch (error) {
      return { sequence, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  #opened(): { readonly width: number; readonly height: number; readonly pool: PicturePool } {
    if (this.#size === undefined || this.#pool === undefined)
      throw new AtalayaError('internal', 'the camera is not open');
    return { ...this.#size, pool: this.#pool };
  }

  async #firstSize(): Promise<{ width: number; height: number }> {
    const { path } = this.#options;
    if ((await stat(path)).size === 0) {
      throw new AtalayaError('source-not-video', `${path} is empty`, { hint: 'Record or copy it again.' });
    }
    for await (const piece of splitMjpeg(createReadStream(path))) {
      if (piece.kind === 'damage' && !piece.frame) break;
      if (piece.kind === 'damage') continue;
      const size = await sharp(piece.bytes)
        .metadata()
        .catch(() => undefined);
      if (size !== undefined) return { width: size.width, height: size.height };
    }
    throw new AtalayaError('source-not-video', `${path} holds no JPEG picture`, {
      hint: 'A .mjpeg source is JPEG files one after the other; give any other video with its own ending.',
    });
  }

  #checkEnd(sequence: number, truncated: boolean): void {
    const stated = this.#times?.frames;
    if (!truncated && (stated === undefined || sequence >= stated)) return;
    const of = stated === undefined ? '' : ` of ${stated}`;
    throw new AtalayaError('source-truncated', `${this.#options.path} ends early, after ${sequence}${of} frames`, {
      hint: 'What was seen up to there is kept; copy the recording again for the rest.',
    });
  }
}
