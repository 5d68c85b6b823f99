import type { KeptFrame } from '../../capture/kept-frame.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { encodeFrame, letGo, pixelsOf } from './frame-pixels.ts';

/** Of a frame that is kept as pixels, in a clip. */
export const clipQuality = 85;

/**
 * The frames of clips as JPEG. What was encoded is kept as long as its frame is: infractions of the same seconds show the same frames,
 * and a burst of them encodes each once.
 */
export class ClipJpegs {
  readonly #made = new WeakMap<KeptFrame, Promise<Uint8Array>>();

  /** The camera's own bytes, or the encoded pixels. Throws `frame-damaged`, each time anew. */
  async of(frame: KeptFrame): Promise<Uint8Array> {
    if (frame.kind === 'original') return frame.original;
    const before = this.#made.get(frame);
    if (before !== undefined) return await before;
    const work = encode(frame);
    this.#made.set(frame, work);
    work.catch(() => this.#made.delete(frame));
    return await work;
  }
}

async function encode(frame: Extract<KeptFrame, { kind: 'pixels' }>): Promise<Uint8Array> {
  try {
    const rgb = await pixelsOf(frame);
    const { content } = await encodeFrame(frame, rgb, clipQuality);
    letGo(rgb, frame);
    return content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('frame-damaged', `frame ${frame.sequence} cannot be encoded for the clip: ${reason}`, {
      cause: error,
    });
  }
}
