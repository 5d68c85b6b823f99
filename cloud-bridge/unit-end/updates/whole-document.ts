import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { BlockSink } from '../../../ota/contract/parts.ts';

/** Gathers a small file in memory. Throws `document-refused` for more bytes than it may have. */
export class WholeDocument implements BlockSink {
  readonly #path: string;
  readonly #most: number;
  #content: Buffer | undefined;
  #came = 0;

  constructor(path: string, most: number) {
    this.#path = path;
    this.#most = most;
  }

  lengthIs(bytes: number): void {
    if (bytes > this.#most) throw this.#tooLong(bytes);
    this.#content ??= Buffer.alloc(bytes);
  }

  async take(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.byteLength;
    if (this.#content === undefined || end > this.#content.byteLength) throw this.#tooLong(end);
    this.#content.set(bytes, offset);
    this.#came += bytes.byteLength;
  }

  /** Throws `link-down` where it is not whole: it was replaced by another while it came. */
  whole(): Buffer {
    if (this.#content !== undefined && this.#came === this.#content.byteLength) return this.#content;
    throw new AtalayaError('link-down', `${this.#path} has changed while it came`);
  }

  #tooLong(bytes: number): AtalayaError {
    return new AtalayaError(
      'document-refused',
      `${this.#path} has ${bytes} bytes or more, and ${this.#most} is the most`,
    );
  }
}
