/**
 * Cuts a stream of bytes into JPEG files by their own structure (ITU-T T.81, B.1.1): marker segments are walked by their lengths, so
 * that a thumbnail inside a segment does not end the picture, and entropy-coded data ends at the first marker that is neither a
 * stuffed zero nor a restart. Each byte is looked at once, whatever the size of the chunks.
 */

export type MjpegPiece =
  /** One whole JPEG file, SOI to EOI, in memory of its own. */
  | { readonly kind: 'picture'; readonly bytes: Uint8Array }
  /**
   * `bytes` that hold no picture were passed over. `frame` is true where a picture began or must have stood, so that it takes a
   * frame's number: an empty frame, one broken inside, or a stretch between pictures too long to be filling.
   */
  | { readonly kind: 'damage'; readonly frame: boolean; readonly reason: string; readonly bytes: number };

/** `truncated`: the stream ends inside a picture. */
export type MjpegEnd = { readonly kind: 'clean' } | { readonly kind: 'truncated'; readonly bytes: number };

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
/** A picture starts with SOI and the first byte of the next marker. */
const START = Buffer.from([0xff, SOI, 0xff]);

/** A JPEG larger than this is damage, not a picture: it bounds the memory that a hostile file can take. */
const LARGEST_PICTURE = 32 * 1024 * 1024;
/** Zeros between pictures up to here are filling (recorders align to sectors and pages); more are a hole where a frame stood. */
const LONGEST_PADDING = 4096;
/** Other bytes between pictures up to here are headers of some wrapping; more are a frame whose start was lost. */
const LONGEST_HEADER = 1024;

/**
 * Takes chunks of any size, yields pieces in order, and returns how the stream ended. Memory stays below twice `largest` and four
 * chunks, whatever the stream holds.
 */
export async function* splitMjpeg(
  chunks: AsyncIterable<Uint8Array>,
  largest = LARGEST_PICTURE,
): AsyncGenerator<MjpegPiece, MjpegEnd> {
  const walk = new JpegWalk(largest);
  for await (const chunk of chunks) {
    walk.add(chunk);
    for (let piece = walk.next(); piece !== undefined; piece = walk.next()) yield piece;
  }
  const { piece, end } = walk.end();
  if (piece !== undefined) yield piece;
  return end;
}

/** Bytes passed over since the last piece. `reason` is set where a picture broke; otherwise they stand between pictures. */
interface Lost {
  readonly reason: string | undefined;
  readonly bytes: number;
  readonly zeros: boolean;
  /** True where the broken picture still came to an end marker, as far as is known. */
  readonly closed: boolean;
}
const nothingLost: Lost = { reason: undefined, bytes: 0, zeros: true, closed: true };

/** The walk through the bytes, kept across chunks. */
class JpegWalk {
  readonly #largest: number;
  #memory = Buffer.alloc(0);
  /** The bytes from the current picture's first to the last one that was added. */
  #bytes = this.#memory;
  /** Where the walk stands in `#bytes`. */
  #at = 0;
  /** `seek`: between pictures. `segments`: at a marker. `scan`: in entropy-coded data. */
  #state: 'seek' | 'segments' | 'scan' = 'seek';
  #scans = 0;
  /** First byte after the marker of the segment that was walked over last: where to look for a start if its length was wrong. */
  #inside = 0;
  #lost = nothingLost;

  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Copies the chunk: its owner may use the memory again. */
  add(chunk: Uint8Array): void {
    const kept = this.#bytes;
    const offset = kept.byteOffset - this.#memory.byteOffset;
    const wanted = kept.byteLength + chunk.byteLength;
    if (offset + wanted <= this.#memory.byteLength) {
      this.#memory.set(chunk, offset + kept.byteLength);
      this.#bytes = this.#memory.subarray(offset, offset + wanted);
      return;
    }
    // Twice what is needed, so that the copying stays in proportion to the bytes that pass.
    const memory = this.#memory.byteLength >= 2 * wanted ? this.#memory : Buffer.alloc(2 * wanted);
    memory.set(kept, 0);
    memory.set(chunk, kept.byteLength);
    this.#memory = memory;
    this.#bytes = memory.subarray(0, wanted);
  }

  /** The next piece, or undefined where more bytes are needed. */
  next(): MjpegPiece | undefined {
    for (;;) {
      if (this.#state === 'seek') {
        if (!this.#seek()) return undefined;
        const piece = this.#takeLost();
        if (piece !== undefined) return piece;
      } else {
        const step = this.#state === 'scan' ? this.#scan() : this.#marker();
        if (step === 'more') {
          if (this.#bytes.byteLength <= this.#largest) return undefined;
          this.#break(this.#tooLarge(), Math.min(this.#at, this.#bytes.byteLength));
        } else if (step !== 'on') {
          return step;
        }
      }
    }
  }

  /** What is left when the stream is over. */
  end(): { readonly piece: MjpegPiece | undefined; readonly end: MjpegEnd } {
    if (this.#state !== 'seek') {
      return { piece: undefined, end: { kind: 'truncated', bytes: this.#bytes.byteLength } };
    }
    this.#lose(this.#bytes.byteLength);
    const { closed, bytes } = this.#lost;
    if (!closed) return { piece: undefined, end: { kind: 'truncated', bytes } };
    return { piece: this.#takeLost(), end: { kind: 'clean' } };
  }

  /** Goes to the next start of a picture; false where there is none yet. */
  #seek(): boolean {
    const found = this.#bytes.indexOf(START);
    // The last two bytes may begin a start that the next chunk completes.
    this.#lose(found < 0 ? Math.max(0, this.#bytes.byteLength - 2) : found);
    if (found < 0) return false;
    this.#state = 'segments';
    this.#at = 2;
    this.#inside = 2;
    this.#scans = 0;
    return true;
  }

  #marker(): MjpegPiece | 'more' | 'on' {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 2 > bytes.byteLength) return 'more';
    if (bytes[at] !== 0xff) return this.#break('a marker is missing inside the picture', this.#inside);
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      this.#at += 1;
      return 'on';
    }
    if (marker === EOI) return this.#finish(at + 2);
    if (marker === SOI) return this.#break('the picture stops before its end', at);
    if (at + 5 > bytes.byteLength) return 'more';
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return this.#break('a marker segment has no length', at + 2);
    // T.81, B.2.3: a scan header holds two bytes for each of its components, and six others.
    if (marker === SOS && length !== 6 + 2 * (bytes[at + 4] ?? 0)) {
      return this.#break('a scan header has a wrong length', at + 2);
    }
    this.#inside = at + 2;
    this.#at = at + 2 + length;
    if (marker === SOS) {
      this.#scans += 1;
      this.#state = 'scan';
    }
    return 'on';
  }

  /** Goes to the first marker after entropy-coded data. */
  #scan(): 'more' | 'on' {
    const bytes = this.#bytes;
    for (;;) {
      const at = bytes.indexOf(0xff, this.#at);
      if (at < 0 || at + 1 >= bytes.byteLength) {
        this.#at = Math.max(this.#at, at < 0 ? bytes.byteLength : at);
        return 'more';
      }
      const marker = bytes[at + 1] ?? 0;
      this.#at = at;
      const inData = marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7);
      if (!inData) {
        this.#state = 'segments';
        return 'on';
      }
      this.#at += marker === 0xff ? 1 : 2;
    }
  }

  #finish(end: number): MjpegPiece {
    const whole = this.#bytes.subarray(0, end);
    this.#bytes = this.#bytes.subarray(end);
    this.#state = 'seek';
    const reason = this.#scans === 0 ? 'the frame is empty' : end > this.#largest ? this.#tooLarge() : undefined;
    if (reason !== undefined) return { kind: 'damage', frame: true, reason, bytes: end };
    return { kind: 'picture', bytes: new Uint8Array(whole) };
  }

  #tooLarge(): string {
    return `the picture is larger than ${this.#largest} bytes`;
  }

  /** Gives the picture up, and looks for the next one from `end` on. */
  #break(reason: string, end: number): 'on' {
    this.#lost = { reason, bytes: end, zeros: false, closed: false };
    this.#bytes = this.#bytes.subarray(end);
    this.#state = 'seek';
    return 'on';
  }

  #lose(bytes: number): void {
    if (bytes === 0) return;
    const gone = this.#bytes.subarray(0, bytes);
    const { reason, bytes: before, zeros } = this.#lost;
    this.#lost = {
      reason,
      bytes: before + bytes,
      zeros: zeros && gone.every((byte) => byte === 0),
      closed: reason === undefined || (gone.at(-2) === 0xff && gone.at(-1) === EOI),
    };
    this.#bytes = this.#bytes.subarray(bytes);
  }

  /** The report of what was passed over; undefined for nothing and for filling. */
  #takeLost(): MjpegPiece | undefined {
    const { reason, bytes, zeros } = this.#lost;
    this.#lost = nothingLost;
    if (reason !== undefined) return { kind: 'damage', frame: true, reason, bytes };
    if (bytes <= (zeros ? LONGEST_PADDING : 0)) return undefined;
    if (zeros) return { kind: 'damage', frame: true, reason: 'zeros stand where a picture should', bytes };
    return { kind: 'damage', frame: bytes > LONGEST_HEADER, reason: 'bytes between pictures', bytes };
  }
}
