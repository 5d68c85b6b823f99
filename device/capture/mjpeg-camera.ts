import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import type { Camera, CameraInfo, FrameDamage } from './camera.ts';
import { decodeJpeg, type PictureSize } from './decode-jpeg.ts';
import type { Frame } from './frame.ts';
import { type FrameTimes, loadFrameTimes, nominalFrameTimes, type RecordingStart } from './frame-times.ts';
import { splitMjpeg } from './mjpeg-split.ts';
import { PicturePool } from './picture-pool.ts';

export interface MjpegOptions {
  readonly path: string;
  /** Frames a second to assume where no `.times.json` stands beside the file. */
  readonly nominalRate: number;
  /** Date to give the first frame where the recording states none. */
  readonly start: RecordingStart;
  readonly onDamage: (damage: FrameDamage) => void;
}

/** Pictures decoded ahead of the reader: one in hand, one on its way. */
const DECODE_AHEAD = 2;
const CHUNK = 256 * 1024;
/** Bytes that are searched for the first picture before a file is called no MJPEG. */
const LONGEST_SEARCH = 64 * 1024 * 1024;

/** Replays concatenated JPEG pictures through sharp alone; each frame keeps its original bytes. */
export class MjpegCamera implements Camera {
  readonly #options: MjpegOptions;
  #pool: PicturePool | undefined;
  #times: FrameTimes | undefined;
  #size: PictureSize | undefined;

  constructor(options: MjpegOptions) {
    this.#options = options;
  }

  async open(signal: AbortSignal): Promise<CameraInfo> {
    const { path, nominalRate, start } = this.#options;
    this.#times = (await loadFrameTimes(path)) ?? nominalFrameTimes(nominalRate, start);
    const size = await this.#firstSize(signal);
    this.#size = size;
    this.#pool = new PicturePool('rgb24', size.width, size.height);
    return { name: path, ...size, frames: this.#times.frames };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    if (signal.aborted) return;
    const pending: Promise<Frame | FrameDamage>[] = [];
    const settle = async (): Promise<Frame | undefined> => {
      const done = await pending.shift();
      if (done === undefined || 'picture' in done) return done;
      this.#options.onDamage(done);
      return undefined;
    };
    const pieces = splitMjpeg(this.#read(signal));
    let sequence = 0;
    try {
      for (;;) {
        const piece = await pieces.next();
        if (piece.done) {
          while (pending.length > 0 && !signal.aborted) {
            const frame = await settle();
            if (frame !== undefined) yield frame;
          }
          if (!signal.aborted) this.#checkEnd(sequence, piece.value.kind === 'truncated');
          return;
        }
        if (piece.value.kind === 'damage') {
          pending.push(Promise.resolve({ sequence, reason: piece.value.reason }));
          if (piece.value.frame) sequence += 1;
        } else {
          pending.push(this.#decode(piece.value.bytes, sequence));
          sequence += 1;
        }
        if (pending.length >= DECODE_AHEAD) {
          const frame = await settle();
          if (frame !== undefined) yield frame;
        }
        if (signal.aborted) return;
      }
    } finally {
      // What was decoded ahead and never yielded has no other owner.
      for (const done of await Promise.all(pending)) if ('picture' in done) this.release(done);
      await pieces.return({ kind: 'clean' });
    }
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
    const decoded = await decodeJpeg(original, { width, height });
    if (decoded.kind === 'damaged') return { sequence, reason: decoded.reason };
    const buffer = this.#opened().pool.acquire();
    buffer.set(decoded.picture.data);
    decoded.free();
    return { sequence, time, picture: { format: 'rgb24', width, height, data: buffer }, original };
  }

  #opened(): PictureSize & { readonly pool: PicturePool } {
    if (this.#size === undefined || this.#pool === undefined)
      throw new AtalayaError('internal', 'the camera is not open');
    return { ...this.#size, pool: this.#pool };
  }

  async #firstSize(signal: AbortSignal): Promise<PictureSize> {
    const { path } = this.#options;
    await refuseOddFile(path);
    let passed = 0;
    for await (const piece of splitMjpeg(this.#read(signal))) {
      if (piece.kind === 'picture') {
        const size = await sharp(piece.bytes)
          .metadata()
          .catch(() => undefined);
        if (size !== undefined) return { width: size.width, height: size.height };
      }
      passed += piece.kind === 'picture' ? piece.bytes.byteLength : piece.bytes;
      if (passed > LONGEST_SEARCH) break;
    }
    signal.throwIfAborted();
    throw new AtalayaError('source-not-video', `${path} holds no JPEG picture`, {
      hint: 'A .mjpeg source is JPEG files one after the other; give any other video with its own ending.',
    });
  }

  /**
   * The file's bytes, each chunk in the memory of the one before; ends when the signal is aborted, within one chunk. Throws
   * `source-truncated` where the file cannot be read on.
   */
  async *#read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { path } = this.#options;
    const chunk = Buffer.allocUnsafeSlow(CHUNK);
    try {
      await using file = await open(path);
      while (!signal.aborted) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
      }
    } catch (error) {
      throw new AtalayaError('source-truncated', `${path} cannot be read any further (${systemCode(error) ?? error})`, {
        hint: 'Check the disk that it lies on; what was seen up to there is kept.',
        cause: error,
      });
    }
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

async function refuseOddFile(path: string): Promise<void> {
  let facts: Stats;
  try {
    facts = await stat(path);
  } catch (error) {
    throw new AtalayaError('source-missing', `${path} cannot be read (${systemCode(error) ?? error})`, {
      hint: 'Check the path given as source.',
      cause: error,
    });
  }
  if (!facts.isFile()) {
    throw new AtalayaError('source-not-video', `${path} is no plain file`, { hint: 'Give an .mjpeg file.' });
  }
  if (facts.size === 0) {
    throw new AtalayaError('source-not-video', `${path} is empty`, { hint: 'Record or copy it again.' });
  }
}
