import { dirname, resolve } from 'node:path';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { makeFolders, storeFault } from '../../../device/kernel/durable-file.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type {
  ActEntry,
  Archive,
  ArchivedEvent,
  Arrived,
  ArrivedPart,
  Document,
  DocumentKind,
  DocumentRange,
  EventQuery,
  Forward,
  Gathered,
  Ingested,
  Place,
  Refusal,
  Watermark,
} from './archive.ts';
import { instantOf } from './plan-ingest.ts';
import { SqliteConnection } from './sqlite-connection.ts';

/**
 * The archive of one machine: one SQLite file, written on one thread and read on another, so that neither a large question nor an fsync
 * holds up the program. A thread that dies is started anew by the next call.
 */
export class SqliteArchive implements Archive {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #clock: Clock;

  constructor(writer: SqliteConnection, reader: SqliteConnection, clock: Clock) {
    this.#writer = writer;
    this.#reader = reader;
    this.#clock = clock;
  }

  /**
   * Makes the file and its folder where they are missing. Throws `store-version-unknown` for a file of a newer version, `store-damaged` for
   * one that is no archive, `store-full`, `store-failed`.
   */
  static async open(path: string, { clock }: { readonly clock: Clock }): Promise<SqliteArchive> {
    const file = resolve(path);
    await makeFolders(systemFiles, dirname(file));
    const writer = new SqliteConnection(file);
    await writer.start();
    await systemFiles.syncFolder(dirname(file)).catch((error: unknown) => {
      throw storeFault(error, `cannot make ${file} durable`);
    });
    return new SqliteArchive(writer, new SqliteConnection(file), clock);
  }

  ingest(events: readonly Arrived[]): Promise<Ingested> {
    return this.#writer.call('ingest', events, this.#clock.utc());
  }

  async gather(parts: readonly ArrivedPart[], mostBytes: number): Promise<Gathered> {
    const gathered = await this.#writer.call('gather', parts, mostBytes, this.#clock.utc());
    // Buffers lose their class on their way between threads.
    const whole = gathered.whole.map((event) => ({ ...event, content: Buffer.from(event.content) }));
    return { ...gathered, whole };
  }

  discard(places: readonly Place[]): Promise<void> {
    return this.#writer.call('discard', places);
  }

  refuse(refusals: readonly Refusal[]): Promise<readonly Watermark[]> {
    return this.#writer.call('refuse', refusals, this.#clock.utc());
  }

  refusals(unit: string): Promise<readonly Refusal[]> {
    return this.#reader.call('refusals', unit);
  }

  watermarks(unit: string, which: 'current' | 'all' = 'current'): Promise<readonly Watermark[]> {
    return this.#reader.call('watermarks', unit, which);
  }

  events(query: EventQuery): Promise<readonly ArchivedEvent[]> {
    return this.#reader.call('events', query);
  }

  async forgetTelemetry(before: string): Promise<number> {
    const instant = instantOf(before);
    for (let all = 0; ; ) {
      const removed = await this.#writer.call('forgetTelemetry', instant);
      if (removed === 0) return all;
      all += removed;
    }
  }

  document(kind: DocumentKind, key: string): Promise<Document | undefined> {
    return this.#reader.call('document', kind, key);
  }

  documents(kind: DocumentKind, prefix = ''): Promise<readonly Document[]> {
    return this.#reader.call('documents', kind, prefix);
  }

  lastDocuments(kind: DocumentKind, range: DocumentRange): Promise<readonly Document[]> {
    return this.#reader.call('lastDocuments', kind, range);
  }

  putDocument(kind: DocumentKind, key: string, value: JsonValue, based: number): Promise<boolean> {
    return this.#writer.call('putDocument', kind, key, value, based);
  }

  removeDocument(kind: DocumentKind, key: string, based: number): Promise<boolean> {
    return this.#writer.call('removeDocument', kind, key, based);
  }

  appendAct(act: JsonValue, outcome: string, about?: string): Promise<ActEntry> {
    return this.#writer.call('appendAct', act, outcome, about, toIso(this.#clock.utc()));
  }

  acts(from: number, limit: number): Promise<readonly ActEntry[]> {
    return this.#reader.call('acts', from, limit);
  }

  lastActs(before: number | undefined, limit: number): Promise<readonly ActEntry[]> {
    return this.#reader.call('lastActs', before, limit);
  }

  forward(queue: string, message: string, payload: JsonValue): Promise<void> {
    return this.#writer.call('forward', queue, message, payload);
  }

  takeForwards(limit: number, leaseMs: number): Promise<readonly Forward[]> {
    return this.#writer.call('takeForwards', limit, leaseMs, this.#clock.utc());
  }

  forwarded(ids: readonly number[]): Promise<void> {
    return this.#writer.call('forwarded', ids);
  }

  /** Waits for what was asked before. */
  async close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
  }
}
