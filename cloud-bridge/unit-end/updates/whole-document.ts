import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Taker } from './transfer-parts.ts';

/** Gathers a small file in memory. Throws `document-refused` for more bytes than it may have. */
export class WholeDocument implements Taker {
  readonly #path: string;
  readonly #most: number;
  readonly #told: (bytes: number) => void;
  #content: Buffer | undefined;
  #came = 0;

  /** `told`: of bytes as they come. */
  constructor(path: string, most: number, told: (bytes: number) => void = () => undefined) {
    this.#path = path;
    this.#most = most;
    this.#told = told;
  }

  came(bytes: number): void {
    this.#told(bytes);
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
