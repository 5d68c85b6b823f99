import { pino } from 'pino';
import type { Clock } from '../clock.ts';
import { AtalayaError } from '../errors.ts';
import { type Milliseconds, toIso } from '../units.ts';
import { DailyFile } from './daily-file.ts';
import type { Log, LogFields, LogLevel } from './log.ts';
import { LevelGate } from './log-level.ts';

export interface LogOptions {
  readonly level: LogLevel;
  /** Where the files go; without it lines go to standard error. */
  readonly folder?: string;
  /** Days with lines that are kept. */
  readonly keepDays: number;
  /** Of the program, in every line. */
  readonly name: string;
  readonly clock: Clock;
  /** In every line. */
  readonly fields?: LogFields;
  /** Bytes of one file and day; default 64 MiB. */
  readonly mostADay?: number;
  /** Bytes that wait for the disk, a file; default 1 MiB. */
  readonly mostPending?: number;
}

/** Where lines end up. */
interface Sink {
  readonly entries: { readonly level: LogLevel; readonly stream: { write(line: string): void } }[];
  dropped(): number;
  close(): Promise<void>;
}

/**
 * A log of JSON lines. In a folder: `app-YYYY-MM-DD.log` has every line, `error-YYYY-MM-DD.log` those of `warn` and `error`; days are of
 * UTC. No thread and no process beside this one: the lines wait in memory, bounded, while the disk takes those before them.
 */
export function openLog(options: LogOptions): Log {
  const sink = options.folder === undefined ? standardError(options) : folderSink(options.folder, options);
  const { clock, name } = options;
  const writer = pino(
    {
      level: 'debug',
      base: null,
      timestamp: () => `,"time":"${toIso(clock.utc())}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorFields, err: errorFields },
    },
    pino.multistream(sink.entries),
  );
  const shared: Shared = { gate: new LevelGate(options.level, clock), writer, sink, unwritable: 0 };
  return new PinoLog(shared, { name, ...named(options.fields ?? {}) });
}

interface Shared {
  readonly gate: LevelGate;
  readonly writer: Pick<pino.Logger, LogLevel>;
  readonly sink: Sink;
  unwritable: number;
}

class PinoLog implements Log {
  readonly #shared: Shared;
  readonly #fields: LogFields;

  constructor(shared: Shared, fields: LogFields) {
    this.#shared = shared;
    this.#fields = fields;
  }

  debug(fields: LogFields, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#shared, { ...this.#fields, ...named(fields) });
  }

  setLevel(level: LogLevel, forMs?: Milliseconds): void {
    this.#shared.gate.set(level, forMs);
  }

  get level(): LogLevel {
    return this.#shared.gate.level;
  }

  get dropped(): number {
    return this.#shared.sink.dropped() + this.#shared.unwritable;
  }

  close(): Promise<void> {
    return this.#shared.sink.close();
  }

  #write(level: LogLevel, fields: LogFields, message: string): void {
    if (!this.#shared.gate.passes(level)) return;
    try {
      this.#shared.writer[level]({ ...this.#fields, ...named(fields) }, message);
    } catch {
      // A value that throws when it is looked at.
      this.#shared.unwritable += 1;
    }
  }
}

const own = new Set(['level', 'time', 'msg', 'name']);

/** Fields under names that are not the line's own: nobody who chooses a name writes a second level or time into a line. */
function named(fields: LogFields): LogFields {
  if (!Object.keys(fields).some((name) => own.has(name))) return fields;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [own.has(name) ? `${name}_` : name, value]));
}

function errorFields(error: unknown): unknown {
  if (error instanceof AtalayaError) {
    const { code, message, hint, cause } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), ...causeOf(cause) };
  }
  if (!(error instanceof Error)) return error;
  return { name: error.name, message: error.message, stack: error.stack, ...causeOf(error.cause) };
}

const causeOf = (cause: unknown): { cause?: string } => (cause instanceof Error ? { cause: cause.message } : {});

const mebibyte = 1024 * 1024;

function folderSink(folder: string, { clock, keepDays, name, mostADay, mostPending }: LogOptions): Sink {
  const gap = (dropped: number): string => {
    const head = { level: 'warn', time: toIso(clock.utc()), name, dropped };
    return `${JSON.stringify({ ...head, msg: 'lines found no place' })}\n`;
  };
  const common = {
    folder,
    keepDays,
    clock,
    gap,
    mostPending: mostPending ?? mebibyte,
    mostADay: mostADay ?? 64 * mebibyte,
  };
  const app = new DailyFile({ ...common, name: 'app' });
  const error = new DailyFile({ ...common, name: 'error' });
  return {
    entries: [
      { level: 'debug', stream: { write: (line) => app.write(shown(line)) } },
      { level: 'warn', stream: { write: (line) => error.write(shown(line)) } },
    ],
    dropped: () => app.dropped + error.dropped,
    close: async () => {
      await inTime(Promise.all([app.close(), error.close()]));
    },
  };
}

function standardError({ mostPending }: LogOptions): Sink {
  const stream = pino.destination({ fd: 2, sync: false, maxLength: mostPending ?? mebibyte });
  let dropped = 0;
  let closing: Promise<void> | undefined;
  stream.on('drop', () => {
    dropped += 1;
  });
  // Nobody reads standard error any more: there is nobody to tell.
  stream.on('error', () => undefined);
  const close = () =>
    inTime(
      new Promise<void>((resolve) => {
        stream.once('close', resolve);
        stream.end();
      }),
    );
  return {
    entries: [
      {
        level: 'debug',
        stream: {
          write: (line) => {
            if (closing === undefined) stream.write(shown(line));
            else dropped += 1;
          },
        },
      },
    ],
    dropped: () => dropped,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** What JSON leaves as it is though a terminal or an editor obeys it: DEL, the controls above it and the separators of lines. */
const unseen = /[\u007f-\u009f\u2028\u2029]/g;

const shown = (line: string): string =>
  line.replace(unseen, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** In ms. A disk that hangs must not keep the program from ending. */
const longestClose = 5000;

async function inTime(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, longestClose);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
