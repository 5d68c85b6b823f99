import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { type ActRow, actColumns, actOf, nextAct } from './act-chain.ts';
import type {
  ActEntry,
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
import { type EventRow, eventOf, eventStatements, lanesFor, mergeEvents } from './event-query.ts';
import { type ForwardRow, forwardColumns, forwardOf } from './forward-row.ts';
import { afterPrefix } from './place.ts';
import { sqliteFault } from './sqlite-faults.ts';
import { SqliteIngest } from './sqlite-ingest.ts';
import { migrate } from './sqlite-schema.ts';

/** Rows that one step of forgetting removes: others come in between. */
export const forgetStep = 2000;

/**
 * An archive on an SQLite file, each call at once and on the calling thread; times are UTC milliseconds. `sqlite-archive.ts` has it on a
 * thread of its own.
 *
 * Every change is one transaction, fsynced to the write-ahead log (`synchronous = full`) before the call returns.
 */
export class SqliteEngine {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #ingest: SqliteIngest;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#ingest = new SqliteIngest(database);
  }

  /** Throws `store-version-unknown`, `store-damaged`, `store-full`, `store-failed`, `archive-unavailable`. */
  static open(path: string): SqliteEngine {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { timeout: 5000 });
      migrate(database, path);
      return new SqliteEngine(database, path);
    } catch (error) {
      database?.close();
      throw sqliteFault(error, path);
    }
  }

  ingest(events: readonly Arrived[], now: number): Ingested {
    return this.#change(() => this.#ingest.ingest(events, now));
  }

  gather(parts: readonly ArrivedPart[], mostBytes: number, now: number): Gathered {
    return this.#change(() => this.#ingest.gather(parts, mostBytes, now));
  }

  discard(places: readonly Place[]): void {
    this.#change(() => this.#ingest.discard(places));
  }

  refuse(refusals: readonly Refusal[], now: number): readonly Watermark[] {
    return this.#change(() => this.#ingest.refuse(refusals, now));
  }

  refusals(unit: string): readonly Refusal[] {
    return this.#all(
      'select l.unit, l.lane, l.stream, e.sequence, e.previous, e.refused as reason from lanes l join events e on e.lane_id = l.id ' +
        'where l.unit = $1 and e.refused is not null order by l.lane, l.stream, e.sequence',
      [unit],
    );
  }

  watermarks(unit: string, which: 'current' | 'all'): readonly Watermark[] {
    const rows = this.#all<Watermark & { newest: number | null }>(
      'select unit, lane, stream, up_to as "upTo", (select max(position) from events where lane_id = lanes.id) as newest ' +
        'from lanes where unit = $1 order by lane, newest desc nulls last, id desc',
      [unit],
    );
    const shown = rows.filter((row, i) => which === 'all' || rows[i - 1]?.lane !== row.lane);
    return shown.map(({ newest: _, ...mark }) => mark);
  }

  events(query: EventQuery): readonly ArchivedEvent[] {
    const lanes = query.unit === undefined ? undefined : this.#lanesOf(query.unit, query);
    const statements = eventStatements(query, lanes === undefined ? {} : { lanes });
    return mergeEvents(
      statements.map(({ text, values }) => this.#all<EventRow>(text, values).map(eventOf)),
      query,
    );
  }

  /** One step; to be repeated until it has removed nothing. */
  forgetTelemetry(before: number): number {
    return this.#change(() => {
      const gone = this.#all<{ lane: number; sequence: number }>(
        `delete from events where position in (
           select e.position from events e join lanes l on l.id = e.lane_id
           where e.kind = 'telemetry' and e.at < $1 and e.sequence <= l.up_to and e.refused is null
             and not exists (select 1 from forwards f where f.position = e.position)
           order by e.at limit $2)
         returning lane_id as lane, sequence`,
        [before, forgetStep],
      );
      for (const { lane, sequence } of gone)
        this.#run('update lanes set forgotten = max(forgotten, $2) where id = $1', [lane, sequence]);
      return gone.length;
    });
  }

  document(kind: DocumentKind, key: string): Document | undefined {
    const [row] = this.#all<DocumentRow>(
      'select kind, key, version, value from documents where kind = $1 and key = $2 and value is not null',
      [kind, key],
    );
    return row === undefined ? undefined : { ...row, value: JSON.parse(row.value) };
  }

  documents(kind: DocumentKind, prefix: string): readonly Document[] {
    return this.#all<DocumentRow>(
      'select kind, key, version, value from documents where kind = $1 and key >= $2 and key < $3 and value is not null order by key',
      [kind, prefix, afterPrefix(prefix)],
    ).map((row) => ({ ...row, value: JSON.parse(row.value) }));
  }

  lastDocuments(kind: DocumentKind, { prefix = '', before, limit }: DocumentRange): readonly Document[] {
    return this.#all<DocumentRow>(
      'select kind, key, version, value from documents where kind = $1 and key >= $2 and key < $3 and key < $4 and value is not null order by key desc limit $5',
      [kind, prefix, afterPrefix(prefix), before ?? afterPrefix(prefix), Math.max(0, limit)],
    ).map((row) => ({ ...row, value: JSON.parse(row.value) }));
  }

  /** A removed document leaves its version behind, so that a version never means two contents. */
  putDocument(kind: DocumentKind, key: string, value: JsonValue, based: number): boolean {
    const text = JSON.stringify(value);
    if (based === 0)
      return this.#changed(
        `insert into documents (kind, key, version, value) values ($1, $2, 1, $3)
         on conflict (kind, key) do update set version = version + 1, value = excluded.value where value is null`,
        [kind, key, text],
      );
    return this.#changed(
      'update documents set version = version + 1, value = $3 where kind = $1 and key = $2 and version = $4 and value is not null',
      [kind, key, text, based],
    );
  }

  removeDocument(kind: DocumentKind, key: string, based: number): boolean {
    return this.#changed(
      'update documents set version = version + 1, value = null where kind = $1 and key = $2 and version = $3 and value is not null',
      [kind, key, based],
    );
  }

  appendAct(act: JsonValue, outcome: string, about: string | undefined, now: string): ActEntry {
    return this.#change(() => {
      const [last] = this.#all<{ number: number; hash: string }>(
        'select number, hash from acts order by number desc limit 1',
        [],
      );
      const entry = nextAct(last, now, act, outcome, about);
      this.#run(`insert into acts (${actColumns}) values ($1, $2, $3, $4, $5, $6, $7)`, [
        entry.number,
        entry.time,
        JSON.stringify(act),
        outcome,
        about ?? null,
        entry.previous,
        entry.hash,
      ]);
      return entry;
    });
  }

  acts(from: number, limit: number): readonly ActEntry[] {
    const text = `select ${actColumns} from acts where number >= $1 order by number limit $2`;
    return this.#all<ActRow>(text, [from, Math.max(0, limit)]).map(actOf);
  }

  lastActs(before: number | undefined, limit: number): readonly ActEntry[] {
    const text = `select ${actColumns} from acts where number < $1 order by number desc limit $2`;
    return this.#all<ActRow>(text, [before ?? Number.MAX_SAFE_INTEGER, Math.max(0, limit)]).map(actOf);
  }

  forward(queue: string, message: string, payload: JsonValue): void {
    this.#changed('insert into forwards (queue, message, payload) values ($1, $2, $3) on conflict do nothing', [
      queue,
      message,
      JSON.stringify(payload),
    ]);
  }

  takeForwards(limit: number, leaseMs: number, now: number): readonly Forward[] {
    return this.#change(() => {
      const taken = this.#all<{ id: number }>(
        'update forwards set leased_until = $2 where id in (select id from forwards where leased_until <= $1 order by id limit $3) returning id',
        [now, now + leaseMs, Math.max(0, limit)],
      );
      const ids = taken.map(({ id }) => id).join(', ');
      return this.#rows<ForwardRow>(`${forwardColumns} where f.id in (${ids}) order by f.id`).map(forwardOf);
    });
  }

  forwarded(ids: readonly number[]): void {
    this.#change(() => {
      for (const id of ids) this.#run('delete from forwards where id = $1', [id]);
    });
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }

  #lanesOf(unit: string, query: EventQuery): number[] {
    const rows = this.#all<{ id: number; lane: string; stream: string }>(
      'select id, lane, stream from lanes where unit = $1 order by lane, stream',
      [unit],
    );
    return lanesFor(rows, query).map(({ id }) => id);
  }

  #change<T>(work: () => T): T {
    try {
      this.#database.exec('begin immediate');
      const result = work();
      this.#database.exec('commit');
      return result;
    } catch (error) {
      try {
        if (this.#database.isTransaction) this.#database.exec('rollback');
      } catch {
        // Whatever is wrong, the first error says it; what was not committed is not there.
      }
      throw sqliteFault(error, this.#path);
    }
  }

  #changed(text: string, values: readonly SQLInputValue[]): boolean {
    return this.#change(() => this.#run(text, values) > 0);
  }

  #run(text: string, values: readonly SQLInputValue[]): number {
    return Number(this.#statement(text).run(named(values)).changes);
  }

  #all<Row>(text: string, values: readonly SQLInputValue[]): Row[] {
    try {
      return this.#statement(text).all(named(values)) as unknown as Row[];
    } catch (error) {
      throw sqliteFault(error, this.#path);
    }
  }

  #rows<Row>(text: string): Row[] {
    return this.#database.prepare(text).all() as unknown as Row[];
  }

  #statement(text: string): StatementSync {
    const statement = this.#prepared.get(text) ?? this.#database.prepare(text);
    this.#prepared.set(text, statement);
    return statement;
  }
}

interface DocumentRow {
  readonly kind: DocumentKind;
  readonly key: string;
  readonly version: number;
  readonly value: string;
}

function named(values: readonly SQLInputValue[]): Record<string, SQLInputValue> {
  return Object.fromEntries(values.map((value, i) => [`$${i + 1}`, value]));
}
