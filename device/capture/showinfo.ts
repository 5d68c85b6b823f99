import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** What the decoder says of one picture before it hands it over. */
export interface PictureNote {
  /** Milliseconds; undefined where the stream gives this picture no timestamp. */
  readonly stamp: number | undefined;
  readonly width: number;
  readonly height: number;
  /** Errors that the decoder reported since the picture before. */
  readonly errors: readonly string[];
}

/**
 * Reads what ffmpeg's filter `showinfo` prints on stderr (with `-loglevel level+info`): one note a picture, in the order of the pictures.
 *
 * Times are computed from the integer timestamp and the time base: the seconds that are printed beside it have six digits, which after
 * 17 minutes is a step of 10 ms.
 */
export class ShowinfoReader {
  readonly #lines: AsyncIterator<string>;
  #tick = Number.NaN;
  #errors: string[] = [];
  #cutOff = false;

  constructor(stderr: Readable) {
    const lines = createInterface({ input: stderr, crlfDelay: Number.POSITIVE_INFINITY });
    // A stream that is destroyed has no end that readline would hear of, and whoever waits for a line would wait for ever.
    stderr.once('close', () => lines.close());
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Errors since the last picture; at the end of the stream, why it ended. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** True once the demuxer has said that the file ends before its time: it says so while the last pictures are still on their way. */
  get cutOff(): boolean {
    return this.#cutOff;
  }

  /** The next picture's note; undefined when the decoder says no more. */
  async next(): Promise<PictureNote | undefined> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done) return undefined;
      const note = this.#read(line.value);
      if (note === undefined) continue;
      this.#errors = [];
      return note;
    }
  }

  #read(line: string): PictureNote | undefined {
    const base = /Parsed_showinfo_.*\bconfig in time_base: (\d+)\/(\d+)/.exec(line);
    if (base !== null) this.#tick = (1000 * Number(base[1])) / Number(base[2]);
    // The raw output has no timestamps: what its writer says of two that are equal there is no fault of the picture.
    const error = /^(?:\[(?!rawvideo )[^\]]* @ [^\]]*\] )?\[(?:error|fatal|panic)\] (.+)$/.exec(line)?.[1];
    if (error !== undefined && /partial file|ended prematurely/i.test(error)) this.#cutOff = true;
    // A broken file can fill any number of lines with complaints; the first ones say what is wrong.
    else if (error !== undefined && this.#errors.length < 16) this.#errors.push(error.trim());
    const found = /Parsed_showinfo_.*\bn:\s*\d+\s+pts:\s*(-?\d+|NOPTS)\s.*\bs:(\d+)x(\d+)\s/.exec(line);
    if (found === null) return undefined;
    const stamp = found[1] === 'NOPTS' ? undefined : Number(found[1]) * this.#tick;
    return { stamp, width: Number(found[2]), height: Number(found[3]), errors: this.#errors };
  }
}
