import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import { type Crossing, type Infraction, ruleNames } from '../judge/infraction.ts';
import { findingSchema, measurementSchema } from '../judge/infraction-schema.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { toIso } from '../kernel/units.ts';
import type { ListAlert } from '../plate/lists/watch-lists.ts';
import { writeReason } from './write-reason.ts';

const objectClass = z.enum(objectClasses);

/** What every event carries. */
const moment = {
  /** Frame of the source, from 0. */
  frame: z.int().nonnegative(),
  /** Capture time of that frame: ISO 8601, UTC, milliseconds. */
  time: z.iso.datetime({ precision: 3 }),
  /** False where nothing states the source's date: `time` then counts from 1970 and only differences mean anything. */
  dated: z.boolean(),
  track: z.int().positive(),
};

/** What is known of a road user that was judged or counted. */
const common = { ...moment, class: objectClass };

/** One line of the events file. */
export const runEventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('infraction'),
    ...common,
    rule: z.enum(ruleNames),
    /** Null where the road user stood in none of the scene's lanes. */
    lane: z.string().nullable(),
    measured: measurementSchema,
    findings: z.array(findingSchema).readonly(),
    /** Id of the sealed record. */
    evidence: z.string().min(1),
  }),
  z.object({
    kind: z.literal('crossing'),
    ...common,
    line: z.string(),
    direction: z.string(),
  }),
  /** A plate is on a watch list: which one it is stands in no event. */
  z.object({
    kind: z.literal('alert'),
    /** Frame and time are those of the picture that shows the plate best. */
    ...moment,
    list: z.string(),
    /** Id of the list's entry. */
    entry: z.string(),
    match: z.enum(['exact', 'one-off']),
    /** That the vehicle bears the entry's plate; of a `one-off`, the most that it can be. */
    confidence: z.number().min(0).max(1),
  }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

/** The event of an infraction whose evidence has been sealed under `evidence`. */
export function infractionEvent(infraction: Infraction, evidence: string): RunEvent {
  return {
    kind: 'infraction',
    frame: infraction.frame,
    time: toIso(infraction.time.utc),
    dated: infraction.time.clock.dated,
    track: infraction.track,
    class: infraction.class,
    rule: infraction.rule,
    lane: infraction.lane ?? null,
    measured: infraction.measured,
    findings: infraction.findings,
    evidence,
  };
}

export function crossingEvent(crossing: Crossing): RunEvent {
  return {
    kind: 'crossing',
    frame: crossing.frame,
    time: toIso(crossing.time.utc),
    dated: crossing.time.clock.dated,
    track: crossing.track,
    class: crossing.class,
    line: crossing.line,
    direction: crossing.direction,
  };
}

export function alertEvent({ list, entry, match, confidence, track, frame, time }: ListAlert): RunEvent {
  return {
    kind: 'alert',
    frame,
    time: toIso(time.utc),
    dated: time.clock.dated,
    track,
    list,
    entry,
    match,
    confidence,
  };
}

/** The event as one line of JSON, its line feed included. */
export function encodeEvent(event: RunEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/**
 * The events file of one run: a line an event, in the order of the calls.
 *
 * One file is one run: opening it empties what stood there, so that a reader never counts two runs as one. A run without events
 * leaves an empty file.
 */
export class EventLog {
  readonly #path: string;
  readonly #file: FileHandle;
  #last: Promise<void> = Promise.resolve();
  #bytes = 0;
  #closed = false;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Throws `usage-invalid` where the path cannot be written, `store-full` where the disk has no room. */
  static async open(path: string): Promise<EventLog> {
    try {
      return new EventLog(path, await open(path, 'w'));
    } catch (error) {
      if (systemCode(error) === 'ENOSPC') throw full(path, error);
      throw new AtalayaError('usage-invalid', `The events file ${path} cannot be written: ${writeReason(error)}`, {
        hint: 'Give --events a file in a folder that exists and that you may write to.',
        cause: error,
      });
    }
  }

  /**
   * Resolves when the system has taken the line; an alert's, when it is on the disk, for nothing else keeps it. After a line that failed every later one fails too, with the same error, so that
   * the file holds whole lines and no gap between them. Throws `store-full` or `store-failed`.
   */
  async append(event: RunEvent): Promise<void> {
    if (this.#closed) throw new AtalayaError('internal', `The events file ${this.#path} is closed`);
    const line = encodeEvent(event);
    this.#last = this.#last.then(async () => {
      await this.#write(line);
      if (event.kind === 'alert') await this.#flush();
    });
    await this.#last;
  }

  /** Waits for the lines under way, brings them to the disk and closes the file; may be called twice. Throws as `append` does. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#last;
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  async #write(line: string): Promise<void> {
    try {
      await this.#file.appendFile(line);
      this.#bytes += Buffer.byteLength(line);
    } catch (error) {
      // Half a line would spoil the file for its readers; where it cannot be cut off, the error below says enough.
      await this.#file.truncate(this.#bytes).catch(() => undefined);
      throw this.#fault(error);
    }
  }

  async #flush(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      // A pipe or a terminal has nothing to bring to a disk.
      if (systemCode(error) === 'EINVAL' || systemCode(error) === 'ENOTSUP') return;
      throw this.#fault(error);
    }
  }

  #fault(error: unknown): AtalayaError {
    if (systemCode(error) === 'ENOSPC') return full(this.#path, error);
    return new AtalayaError('store-failed', `The events file ${this.#path} cannot be written: ${writeReason(error)}`, {
      cause: error,
    });
  }
}

function full(path: string, cause: unknown): AtalayaError {
  return new AtalayaError('store-full', `No room is left for the events file ${path}`, {
    hint: 'Free some space or give --events a file on another disk.',
    cause,
  });
}
