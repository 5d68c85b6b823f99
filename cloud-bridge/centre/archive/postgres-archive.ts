import type { PoolConfig } from 'pg';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { type ActRow, actColumns, actOf, nextAct } from './act-chain.ts';
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
import { type EventRow, eventOf, eventStatements, lanesFor, mergeEvents } from './event-query.ts';
import { type ForwardRow, forwardColumns, forwardOf } from './forward-row.ts';
import { afterPrefix, type LaneName, laneKey, lanesOf } from './place.ts';
import { instantOf } from './plan-ingest.ts';
import { Connections, type Query } from './postgres-connections.ts';
import { PostgresIngest } from './postgres-ingest.ts';
import { locks, migrate } from './postgres-schema.ts';

/** Rows that one transaction of forgetting removes: others come in between. */
const forgetStep = 2000;

/**
 * The archive of several bridges: a PostgreSQL database, schema `atalaya`.
 *
 * Ingesting bridges write side by side; two that have events of one lane wait for each other. Positions are given before the commit, so
 * whoever reads in their order asks first, for the time of one statement alone with the writers, up to which position all is there, and
 * never passes one that a slower writer has yet to commit. Acts are chained under a lock. Leases are of the server's own clock.
 */
export class PostgresArchive implements Archive {
  readonly #connections: Connections;
  readonly #clock: Clock;
  /** Lanes that are there for certain: they are made once and stay. */
  readonly #known = new Set<string>();

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections;
    this.#clock = clock;
  }

  /**
   * `server`: a URL such as `postgres://user:password@host/database`, or the options of the client. Throws `archive-unavailable` where the
   * server does not answer, `store-version-unknown` where a newer program wrote the schema, `store-failed`.
   */
  static async open(server: string | PoolConfig, { clock }: { readonly clock: Clock }): Promise<PostgresArchive> {
    const connections = Connections.to(server);
    try {
      await connections.use(migrate);
      return new PostgresArchive(connections, clock);
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  ingest(events: readonly Arrived[]): Promise<Ingested> {
    return this.#inLanes(events, (ingest) => ingest.ingest(events));
  }

  gather(parts: readonly ArrivedPart[], mostBytes: number): Promise<Gathered> {
    return this.#inLanes(parts, (ingest) => ingest.gather(parts, mostBytes));
  }

  discard(places: readonly Place[]): Promise<void> {
    return this.#inLanes(places, (ingest) => ingest.discard(places));
  }

  refuse(refusals: readonly Refusal[]): Promise<readonly Watermark[]> {
    return this.#inLanes(refusals, (ingest) => ingest.refuse(refusals));
  }

  async refusals(unit: string): Promise<readonly Refusal[]> {
    const rows = await this.#connections.query<LaneName & { sequence: string; previous: string; reason: string }>(
      `select l.unit, l.lane, l.stream, e.sequence, e.previous, e.refused as reason
       from atalaya.lanes l join atalaya.events e on e.lane_id = l.id
       where l.unit = $1 and e.refused is not null order by l.lane, l.stream, e.sequence`,
      [unit],
    );
    return rows.map((row) => ({ ...row, sequence: Number(row.sequence), previous: Number(row.previous) }));
  }

  async watermarks(unit: string, which: 'current' | 'all' = 'current'): Promise<readonly Watermark[]> {
    const rows = await this.#connections.query<LaneName & { upTo: string; newest: string | null }>(
      `select unit, lane, stream, up_to as "upTo", (select max(position) from atalaya.events where lane_id = lanes.id) as newest
       from atalaya.lanes where unit = $1 order by lane, newest desc nulls last, id desc`,
      [unit],
    );
    const shown = rows.filter((row, i) => which === 'all' || rows[i - 1]?.lane !== row.lane);
    return shown.map(({ newest: _, upTo, ...name }) => ({ ...name, upTo: Number(upTo) }));
  }

  async events(query: EventQuery): Promise<readonly ArchivedEvent[]> {
    // Only whoever goes on from a position must not pass one that is yet to come.
    const byPosition = query.order === 'position' || query.order === 'newest';
    const upTo = byPosition ? await this.#settledPosition() : undefined;
    const lanes = query.unit === undefined ? undefined : await this.#lanesOf(query.unit, query);
    const lists: ArchivedEvent[][] = [];
    for (const { text, values } of eventStatements(query, { upTo, ...(lanes === undefined ? {} : { lanes }) }))
      lists.push((await this.#connections.query<EventRow>(inSchema(text), values)).map(eventOf));
    return mergeEvents(lists, query);
  }

  async forgetTelemetry(before: string): Promise<number> {
    const instant = instantOf(before);
    for (let all = 0; ; ) {
      const removed = await this.#connections.transaction('', (query) => forgetSome(query, instant));
      if (removed === 0) return all;
      all += removed;
    }
  }

  async document(kind: DocumentKind, key: string): Promise<Document | undefined> {
    const [row] = await this.#connections.query<DocumentRow>(
      'select kind, key, version, value from atalaya.documents where kind = $1 and key = $2 and value is not null',
      [kind, key],
    );
    return row === undefined ? undefined : documentOf(row);
  }

  async documents(kind: DocumentKind, prefix = ''): Promise<readonly Document[]> {
    const rows = await this.#connections.query<DocumentRow>(
      'select kind, key, version, value from atalaya.documents where kind = $1 and key >= $2 and key < $3 and value is not null order by key',
      [kind, prefix, afterPrefix(prefix)],
    );
    return rows.map(documentOf);
  }

  async lastDocuments(kind: DocumentKind, { prefix = '', before, limit }: DocumentRange): Promise<readonly Document[]> {
    const rows = await this.#connections.query<DocumentRow>(
      'select kind, key, version, value from atalaya.documents where kind = $1 and key >= $2 and key < $3 and key < $4 and value is not null order by key desc limit $5',
      [kind, prefix, afterPrefix(prefix), before ?? afterPrefix(prefix), Math.max(0, limit)],
    );
    return rows.map(documentOf);
  }

  putDocument(kind: DocumentKind, key: string, value: JsonValue, based: number): Promise<boolean> {
    const text = JSON.stringify(value);
    // A removed document leaves its version behind, so that a version never means two contents.
    if (based === 0)
      return this.#changes(
        `insert into atalaya.documents as d (kind, key, version, value) values ($1, $2, 1, $3)
         on conflict (kind, key) do update set version = d.version + 1, value = excluded.value where d.value is null returning 1`,
        [kind, key, text],
      );
    return this.#changes(
      `update atalaya.documents set version = version + 1, value = $3
       where kind = $1 and key = $2 and version = $4 and value is not null returning 1`,
      [kind, key, text, based],
    );
  }

  removeDocument(kind: DocumentKind, key: string, based: number): Promise<boolean> {
    return this.#changes(
      `update atalaya.documents set version = version + 1, value = null
       where kind = $1 and key = $2 and version = $3 and value is not null returning 1`,
      [kind, key, based],
    );
  }

  appendAct(act: JsonValue, outcome: string, about?: string): Promise<ActEntry> {
    return this.#connections.transaction(`select pg_advisory_xact_lock(${locks.acts})`, async (query) => {
      const [last] = await query<{ number: string; hash: string }>(
        'select number, hash from atalaya.acts order by number desc limit 1',
      );
      const before = last === undefined ? undefined : { number: Number(last.number), hash: last.hash };
      const entry = nextAct(before, toIso(this.#clock.utc()), act, outcome, about);
      const { number, time, previous, hash } = entry;
      const values = [number, time, JSON.stringify(act), outcome, about ?? null, previous, hash];
      await query(`insert into atalaya.acts (${actColumns}) values ($1, $2, $3, $4, $5, $6, $7)`, values);
      return entry;
    });
  }

  async acts(from: number, limit: number): Promise<readonly ActEntry[]> {
    const text = `select ${actColumns} from atalaya.acts where number >= $1 order by number limit $2`;
    return (await this.#connections.query<ActRow>(text, [from, Math.max(0, limit)])).map(actOf);
  }

  async lastActs(before: number | undefined, limit: number): Promise<readonly ActEntry[]> {
    const text = `select ${actColumns} from atalaya.acts where number < $1 order by number desc limit $2`;
    const values = [before ?? Number.MAX_SAFE_INTEGER, Math.max(0, limit)];
    return (await this.#connections.query<ActRow>(text, values)).map(actOf);
  }

  async forward(queue: string, message: string, payload: JsonValue): Promise<void> {
    await this.#connections.query(
      'insert into atalaya.forwards (queue, message, payload) values ($1, $2, $3) on conflict do nothing',
      [queue, message, JSON.stringify(payload)],
    );
  }

  takeForwards(limit: number, leaseMs: number): Promise<readonly Forward[]> {
    return this.#connections.transaction('', async (query) => {
      const taken = await query<{ id: string }>(
        `update atalaya.forwards set leased_until = clock_timestamp() + $2 * interval '1 millisecond'
         where id in (select id from atalaya.forwards where leased_until <= clock_timestamp() order by id limit $1 for update skip locked)
         returning id`,
        [Math.max(0, limit), leaseMs],
      );
      const text = `${inSchema(forwardColumns)} where f.id = any($1::int8[]) order by f.id`;
      return (await query<ForwardRow>(text, [taken.map(({ id }) => id)])).map(forwardOf);
    });
  }

  async forwarded(ids: readonly number[]): Promise<void> {
    await this.#connections.query('delete from atalaya.forwards where id = any($1::int8[])', [ids]);
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  async #lanesOf(unit: string, query: EventQuery): Promise<number[]> {
    const rows = await this.#connections.query<{ id: string; lane: string; stream: string }>(
      'select id, lane, stream from atalaya.lanes where unit = $1 order by lane, stream',
      [unit],
    );
    return lanesFor(rows, query).map(({ id }) => Number(id));
  }

  async #inLanes<T>(items: readonly LaneName[], work: (ingest: PostgresIngest) => Promise<T>): Promise<T> {
    const names = lanesOf(items);
    await this.#make(names.filter((name) => !this.#known.has(laneKey(name))));
    const now = this.#clock.utc();
    return this.#connections.transaction(`select pg_advisory_xact_lock_shared(${locks.positions})`, async (query) => {
      const lanes = await PostgresIngest.lock(query, names);
      if (lanes.length !== names.length) {
        this.#known.clear();
        throw new AtalayaError('archive-unavailable', 'the database was changed under the archive');
      }
      return work(new PostgresIngest(query, lanes, now));
    });
  }

  /** Makes lanes in a transaction of its own, in the one order, so that no two that make the same ones wait for each other. */
  async #make(names: readonly LaneName[]): Promise<void> {
    if (names.length === 0) return;
    await this.#connections.query(
      `insert into atalaya.lanes (unit, lane, stream) select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing`,
      [names.map(({ unit }) => unit), names.map(({ lane }) => lane), names.map(({ stream }) => stream)],
    );
    for (const name of names) this.#known.add(laneKey(name));
  }

  /** Up to here every position is committed, or never will be. */
  #settledPosition(): Promise<number> {
    return this.#connections.transaction(`select pg_advisory_xact_lock(${locks.positions})`, async (query) => {
      const [row] = await query<{ position: string | null }>('select max(position) as position from atalaya.events');
      return Number(row?.position ?? 0);
    });
  }

  async #changes(text: string, values: readonly unknown[]): Promise<boolean> {
    return (await this.#connections.query(text, values)).length > 0;
  }
}

interface DocumentRow {
  readonly kind: DocumentKind;
  readonly key: string;
  readonly version: string;
  readonly value: string;
}

function documentOf({ kind, key, version, value }: DocumentRow): Document {
  return { kind, key, version: Number(version), value: JSON.parse(value) };
}

async function forgetSome(query: Query, instant: number): Promise<number> {
  const gone = await query<{ lane: string; sequence: string }>(
    `delete from atalaya.events where position in (
       select e.position from atalaya.events e join atalaya.lanes l on l.id = e.lane_id
       where e.kind = 'telemetry' and e.at < $1 and e.sequence <= l.up_to and e.refused is null
         and not exists (select 1 from atalaya.forwards f where f.position = e.position)
       order by e.at limit ${forgetStep})
     returning lane_id as lane, sequence`,
    [instant],
  );
  const highest = new Map<number, number>();
  for (const { lane, sequence } of gone)
    highest.set(Number(lane), Math.max(highest.get(Number(lane)) ?? 0, Number(sequence)));
  const lanes = [...highest].sort(([a], [b]) => a - b);
  for (const [lane, sequence] of lanes)
    await query('update atalaya.lanes set forgotten = greatest(forgotten, $2) where id = $1', [lane, sequence]);
  return gone.length;
}

/** Statements that both engines share name tables without the schema. */
function inSchema(text: string): string {
  return text.replaceAll(/\b(from|join) (events|lanes|forwards)\b/g, '$1 atalaya.$2');
}
