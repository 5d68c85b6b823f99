import { type Picture, pictureBytes } from './frame.ts';

/**
 * Buffers for pictures of one format and size, used again and again so that memory stays flat at any frame rate.
 *
 * Guarantee: a buffer that was acquired is handed out to nobody else until it is released. A buffer released twice, or one that is
 * not from this pool, is refused with a RangeError: two owners of one picture would be wrong evidence.
 */
export class PicturePool {
  readonly #format: Picture['format'];
  readonly #width: number;
  readonly #height: number;
  readonly #mostFree: number;
  readonly #free: Uint8Array<SharedArrayBuffer>[] = [];
  readonly #used = new Set<Uint8Array>();

  /** `mostFree`: buffers that wait for their next picture; evidence may hold many for a while, whose memory is then given back. */
  constructor(format: Picture['format'], width: number, height: number, mostFree = 8) {
    this.#mostFree = mostFree;
    this.#format = format;
    this.#width = width;
    this.#height = height;
  }

  /** A buffer whose content is undefined. */
  acquire(): Uint8Array<SharedArrayBuffer> {
    const buffer =
      this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(pictureBytes(this.#format, this.#width, this.#height)));
    this.#used.add(buffer);
    return buffer;
  }

  release(buffer: Uint8Array): void {
    if (!this.#used.delete(buffer)) throw new RangeError('a picture was released that this pool did not hand out');
    if (this.#free.length < this.#mostFree) this.#free.push(buffer as Uint8Array<SharedArrayBuffer>);
  }

  /** Buffers handed out and waiting, for health figures. */
  get size(): { readonly used: number; readonly free: number } {
    return { used: this.#used.size, free: this.#free.length };
  }
}
