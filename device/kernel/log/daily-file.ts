import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { toIso } from '../units.ts';

export interface DailyFileOptions {
  readonly folder: string;
  /** The files are `NAME-YYYY-MM-DD.log`, by UTC. */
  readonly name: string;
  /** Days with lines that are kept, today's among them: the newest by name, so that a clock that leaps does not empty the folder. */
  readonly keepDays: number;
  readonly clock: Pick<Clock, 'utc' | 'monotonic'>;
  /** Bytes that wait for the disk at most. */
  readonly mostPending: number;
  /** Bytes of one day at most: a talkative day must not take the place of evidence. */
  readonly mostADay: number;
  /** The line that stands for lines that found no place. */
  readonly gap: (lines: number) => string;
}

/** How long a disk that refused a write is left alone, in ms. */
const leaveAlone = 1000;
/** Bytes that are handed to the disk at once. */
const atOnce = 64 * 1024;

interface Day {
  readonly day: string;
  readonly path: string;
  readonly handle: FileHandle;
  size: number;
}

interface Begun {
  readonly day: string;
  readonly bytes: Buffer;
  /** True where bytes before these are in the file. */
  readonly cut: boolean;
}

interface Lines {
  readonly day: string;
  text: string;
  bytes: number;
}

/**
 * Lines of text in one file a day, written beside the work.
 *
 * Guarantees: `write` neither waits nor throws; a line is written whole and in order or not at all, and each that is not is counted; what
 * waits for the disk is bounded; after a refused write the disk is tried again with a later line.
 */
export class DailyFile {
  readonly #options: DailyFileOptions;
  #pending: Lines[] = [];
  #pendingBytes = 0;
  /** Lines of which the disk took a part, or nothing, and then refused. */
  #begun: Begun | undefined;
  #file: Day | undefined;
  #writing: Promise<void> | undefined;
  #restUntil = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #unreported = 0;
  #closed = false;

  constructor(options: DailyFileOptions) {
    this.#options = options;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** `line` ends with its line feed and has no other. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    const gap = this.#unreported > 0 ? this.#options.gap(this.#unreported) : '';
    const day = toIso(this.#options.clock.utc()).slice(0, 10);
    if (this.#closed || !this.#fits(day, bytes + Buffer.byteLength(gap))) {
      this.#dropped += 1;
      this.#unreported += 1;
    } else {
      if (gap !== '') {
        this.#unreported = 0;
        this.#queue(day, gap, Buffer.byteLength(gap));
      }
      this.#queue(day, line, bytes);
    }
    this.#start();
  }

  /** Tries once more to write what waits, and closes; what the disk still does not take is counted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    this.#restUntil = Number.NEGATIVE_INFINITY;
    this.#start();
    await this.#writing;
    this.#dropped += linesOf(this.#begun?.bytes.toString('latin1') ?? '');
    for (const { text } of this.#pending) this.#dropped += linesOf(text);
    this.#begun = undefined;
    this.#pending = [];
    await this.#leave();
  }

  #fits(day: string, bytes: number): boolean {
    if (this.#pendingBytes + bytes > this.#options.mostPending) return false;
    const written = this.#file?.day === day ? this.#file.size : 0;
    return written + this.#pendingBytes + bytes <= this.#options.mostADay;
  }

  #queue(day: string, text: string, bytes: number): void {
    const last = this.#pending.at(-1);
    if (last !== undefined && last.day === day && last.bytes < atOnce) {
      last.text += text;
      last.bytes += bytes;
    } else this.#pending.push({ day, text, bytes });
    this.#pendingBytes += bytes;
  }

  #start(): void {
    if (this.#writing !== undefined || this.#pendingBytes === 0) return;
    if (this.#options.clock.monotonic() < this.#restUntil) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    try {
      for (let begun = this.#next(); begun !== undefined; begun = this.#next()) {
        this.#begun = begun;
        const file = await this.#fileOf(begun);
        const { rest, fault } = await writeAsFar(file, begun.bytes);
        this.#pendingBytes -= begun.bytes.byteLength - rest.byteLength;
        this.#begun = rest.byteLength === 0 ? undefined : left(begun, rest);
        if (fault !== undefined) throw fault;
      }
    } catch {
      await this.#leave();
      this.#restUntil = this.#options.clock.monotonic() + leaveAlone;
    }
  }

  #next(): Begun | undefined {
    if (this.#begun !== undefined) return this.#begun;
    const lines = this.#pending.shift();
    return lines && { day: lines.day, bytes: Buffer.from(lines.text), cut: false };
  }

  async #fileOf({ day, cut }: Begun): Promise<Day> {
    if (this.#file?.day === day) return this.#file;
    await this.#leave();
    const { folder, name, keepDays } = this.#options;
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${name}-${day}.log`);
    const handle = await open(path, 'a+', 0o640);
    try {
      const { size } = await handle.stat();
      const file = { day, path, handle, size };
      // A power cut may have left half a line: the next one begins on its own. A line that this run began goes on.
      const whole = size === 0 || cut || (await lastByte(handle, size)) === lineFeed;
      if (!whole) await writeOrThrow(file, Buffer.from('\n'));
      this.#file = file;
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
    await removeOld(folder, name, keepDays);
    return this.#file;
  }

  async #leave(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close().catch(() => undefined);
  }
}

const lineFeed = 10;

const left = ({ day, bytes, cut }: Begun, rest: Buffer): Begun => ({
  day,
  bytes: rest,
  cut: cut || rest.byteLength < bytes.byteLength,
});

const linesOf = (text: string): number => text.split('\n').length - 1;

async function lastByte(handle: FileHandle, size: number): Promise<number | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 ? buffer[0] : undefined;
}

async function writeOrThrow(file: Day, bytes: Buffer): Promise<void> {
  const { fault } = await writeAsFar(file, bytes);
  if (fault !== undefined) throw fault;
}

/** Writes from the front as far as the disk takes it: a line that was begun goes on where it stopped. */
async function writeAsFar(file: Day, bytes: Buffer): Promise<{ rest: Buffer; fault?: unknown }> {
  let rest = bytes;
  try {
    while (rest.byteLength > 0) {
      const { bytesWritten } = await file.handle.write(rest);
      file.size += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
    return { rest };
  } catch (fault) {
    return { rest, fault };
  }
}

/** What cannot be listed or removed now is tried again tomorrow. */
async function removeOld(folder: string, name: string, keepDays: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const own = names.filter(
    (other) => other.startsWith(`${name}-`) && /^\d{4}-\d\d-\d\d\.log$/.test(other.slice(name.length + 1)),
  );
  for (const old of own.sort().reverse().slice(keepDays)) await unlink(join(folder, old)).catch(() => undefined);
}
