/** What is wrong with a compressed file, before it is given to a decoder. */
export type FrameFault = 'malformed' | 'too-large' | 'trailing';

const magic = 0xfd2fb528;
/** Bytes of a block's content at most (RFC 8878, 3.1.1.2.4). */
const mostBlock = 128 * 1024;

/**
 * Walks along a Zstandard frame (RFC 8878, 3.1.1) without decoding it, so that a file is refused that is anything but one single frame, or whose
 * decoder would need more memory than it may: decoders pass over what follows a frame and whatever is marked to be skipped, each in its own way.
 *
 * Bytes come in order, in pieces of any size.
 */
export class ZstdFrame {
  /** Of the window that a decoder has to hold, in bytes. */
  readonly #mostWindow: number;
  #state: 'header' | 'block' | 'content' | 'checksum' | 'end' = 'header';
  /** Bytes of a header that is not whole yet. */
  #held = Buffer.alloc(0);
  /** Bytes of the content or checksum to come. */
  #left = 0;
  #last = false;
  #checksum = false;

  constructor(mostWindow: number) {
    this.#mostWindow = mostWindow;
  }

  /** Whether the frame is complete. */
  get ended(): boolean {
    return this.#state === 'end';
  }

  take(bytes: Uint8Array): FrameFault | undefined {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (rest.byteLength > 0) {
      if (this.#state === 'end') return 'trailing';
      if (this.#state === 'content' || this.#state === 'checksum') {
        const part = Math.min(this.#left, rest.byteLength);
        this.#left -= part;
        rest = rest.subarray(part);
        if (this.#left === 0) this.#afterContent();
        continue;
      }
      const wanted = this.#state === 'header' ? headerLength(this.#held) : 3;
      if (wanted === undefined) return 'malformed';
      const part = Math.min(wanted - this.#held.byteLength, rest.byteLength);
      this.#held = Buffer.concat([this.#held, rest.subarray(0, part)]);
      rest = rest.subarray(part);
      const whole = this.#state === 'header' ? headerLength(this.#held) : 3;
      if (whole === undefined) return 'malformed';
      if (this.#held.byteLength < whole) continue;
      const fault = this.#state === 'header' ? this.#readHeader() : this.#readBlock();
      if (fault !== undefined) return fault;
      this.#held = Buffer.alloc(0);
    }
    return undefined;
  }

  #readHeader(): FrameFault | undefined {
    const header = this.#held;
    const descriptor = header[4] ?? 0;
    // Reserved bit, and dictionaries that nobody has.
    if ((descriptor & 0b1011) !== 0) return 'malformed';
    this.#checksum = (descriptor & 0b100) !== 0;
    if (windowOf(header) > this.#mostWindow) return 'too-large';
    this.#state = 'block';
    return undefined;
  }

  #readBlock(): FrameFault | undefined {
    const block = this.#held.readUIntLE(0, 3);
    this.#last = (block & 1) === 1;
    const type = (block >> 1) & 3;
    const size = block >> 3;
    if (type === 3 || size > mostBlock) return 'malformed';
    // Of a run only the byte that it repeats.
    this.#left = type === 1 ? 1 : size;
    this.#state = 'content';
    if (this.#left === 0) this.#afterContent();
    return undefined;
  }

  #afterContent(): void {
    if (this.#state === 'checksum' || (this.#last && !this.#checksum)) this.#state = 'end';
    else if (this.#last) {
      this.#state = 'checksum';
      this.#left = 4;
    } else this.#state = 'block';
  }
}

/** Bytes of a frame's header as far as they can be told from its beginning: five, then all. Undefined where it begins none. */
function headerLength(header: Buffer): number | undefined {
  if (header.byteLength < 5) return 5;
  if (header.readUInt32LE(0) !== magic) return undefined;
  const descriptor = header[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  return 5 + (single ? 0 : 1) + contentSizeLength(descriptor);
}

function contentSizeLength(descriptor: number): number {
  const flag = descriptor >> 6;
  return flag === 0 ? ((descriptor & 0x20) !== 0 ? 1 : 0) : 2 ** flag;
}

/** RFC 8878, 3.1.1.1.2: of a frame of a single segment, its content. */
function windowOf(header: Buffer): number {
  const descriptor = header[4] ?? 0;
  if ((descriptor & 0x20) === 0) {
    const window = header[5] ?? 0;
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  const length = contentSizeLength(descriptor);
  if (length === 8) return Number(header.readBigUInt64LE(5));
  return header.readUIntLE(5, length) + (length === 2 ? 256 : 0);
}
