import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ShowinfoReader } from '../showinfo.ts';
import type { NoteSource } from './camera-program.ts';

/** What a program says of one picture. */
export interface Note {
  /** Milliseconds, by whatever clock; undefined where it states none. */
  readonly stamp: number | undefined;
  /** Size of the picture, where it says so. */
  readonly width?: number;
  readonly height?: number;
  /** Bytes of the picture, where it says so. */
  readonly bytes?: number;
  /** What a decoder complained of before this picture. */
  readonly errors: readonly string[];
}

/** One note a picture, in the order of the pictures; undefined when the program says no more. */
export interface NoteReader {
  next(): Promise<Note | undefined>;
}

/** The reader for a program's words. `nowhere` notes nothing of any picture. */
export function noteReader(
  words: Exclude<NoteSource, { from: 'nowhere' }>['words'] | undefined,
  from: Readable,
): NoteReader {
  switch (words) {
    case undefined:
      return { next: async () => ({ stamp: undefined, errors: [] }) };
    case 'showinfo':
      return new ShowinfoReader(from);
    case 'metadata':
      return new LineReader(from, metadataLines());
    case 'framecrc':
      return new LineReader(from, framecrcLines());
    case 'identity':
      return new LineReader(from, identityLine);
  }
}

/** Takes a line; gives a note where the line completes one. */
type LineParser = (line: string) => Note | undefined;

class LineReader implements NoteReader {
  readonly #lines: AsyncIterator<string>;
  readonly #parse: LineParser;

  constructor(from: Readable, parse: LineParser) {
    const lines = createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY });
    // A stream that is destroyed has no end that readline would hear of, and whoever waits for a line would wait for ever.
    from.once('close', () => lines.close());
    this.#lines = lines[Symbol.asyncIterator]();
    this.#parse = parse;
  }

  async next(): Promise<Note | undefined> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done) return undefined;
      const note = this.#parse(line.value);
      if (note !== undefined) return note;
    }
  }
}

/**
 * `--metadata-format txt` of rpicam-apps (write_metadata, output/output.cpp): `Name=value` a line, an empty line after each frame.
 * SensorTimestamp is in nanoseconds.
 */
export function metadataLines(): LineParser {
  let stamp: number | undefined;
  let begun = false;
  return (line) => {
    if (line.trim() !== '') {
      begun = true;
      const found = /^SensorTimestamp=(\d+)$/.exec(line.trim());
      if (found !== null) stamp = Number(found[1]) / 1e6;
      return undefined;
    }
    if (!begun) return undefined;
    const note: Note = { stamp, errors: [] };
    stamp = undefined;
    begun = false;
    return note;
  };
}

/**
 * The framecrc muxer of ffmpeg: `#tb 0: 1/1000000` gives the time base, then a line a packet: `stream, dts, pts, duration, size, checksum`.
 */
export function framecrcLines(): LineParser {
  let tick = Number.NaN;
  return (line) => {
    const base = /^#tb \d+: (\d+)\/(\d+)/.exec(line);
    if (base !== null) tick = (1000 * Number(base[1])) / Number(base[2]);
    const found = /^\d+,\s*(?:-?\d+|NOPTS),\s*(-?\d+|NOPTS),\s*-?\d+,\s*(\d+),/.exec(line);
    if (found === null) return undefined;
    const stamp = found[1] === 'NOPTS' ? undefined : Number(found[1]) * tick;
    return { stamp, bytes: Number(found[2]), errors: [] };
  };
}

/** `last-message` of GStreamer's identity, as gst-launch-1.0 -v prints it: `chain ... (N bytes, dts: ..., pts: h:mm:ss.nnnnnnnnn, ...`. */
export const identityLine: LineParser = (line) => {
  const found = /last-message = chain .*?\((\d+) bytes, dts: [^,]+, pts: (?:(\d+):(\d\d):(\d\d\.\d+)|none),/.exec(line);
  if (found === null) return undefined;
  const [, bytes, hours, minutes, seconds] = found;
  const stamp =
    hours === undefined ? undefined : 1000 * (3600 * Number(hours) + 60 * Number(minutes) + Number(seconds));
  return { stamp, bytes: Number(bytes), errors: [] };
};
