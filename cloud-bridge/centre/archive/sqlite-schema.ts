import type { DatabaseSync } from 'node:sqlite';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { happenedAt } from './happened.ts';

/** `ATLY`, in the header of the file: what is something else is not touched. */
const applicationId = 0x41544c59;

/** Each brings the file from the version of its index to the next. What is here once is never changed. */
const migrations: readonly (string | ((database: DatabaseSync) => void))[] = [
  `
  create table lanes (
    id integer primary key,
    unit text not null,
    lane text not null,
    stream text not null,
    up_to integer not null default 0,
    highest integer not null default 0,
    forgotten integer not null default 0,
    unique (unit, lane, stream)
  ) strict;
  create table events (
    position integer primary key autoincrement,
    lane_id integer not null references lanes (id),
    sequence integer not null,
    previous integer not null,
    kind text not null,
    at integer not null,
    time text not null,
    data text not null,
    archived integer not null,
    refused text
  ) strict;
  create unique index events_place on events (lane_id, sequence);
  create index events_lane on events (lane_id, position);
  create index events_lane_at on events (lane_id, at);
  create index events_kind on events (kind, position);
  create index events_kind_at on events (kind, at);
  create index events_gaps on events (lane_id, sequence) where previous < sequence - 1;
  create index events_refused on events (lane_id) where refused is not null;
  create table parts (
    lane_id integer not null references lanes (id),
    sequence integer not null,
    sha256 text not null,
    count integer not null,
    part integer not null,
    digest text not null,
    content blob not null,
    primary key (lane_id, sequence, sha256, count, part)
  ) strict;
  create table documents (
    kind text not null,
    key text not null,
    version integer not null,
    value text,
    primary key (kind, key)
  ) strict;
  create table acts (
    number integer primary key,
    time text not null,
    act text not null,
    outcome text not null,
    previous text not null,
    hash text not null
  ) strict;
  create table forwards (
    id integer primary key autoincrement,
    queue text not null,
    message text not null,
    position integer,
    payload text,
    leased_until integer not null default 0,
    unique (queue, message)
  ) strict;
  `,
  'alter table parts add column arrived integer not null default 0;',
  `
  create index events_infraction on events (lane_id, kind, at) where kind = 'infraction';
  alter table acts add column about text;
  `,
  addHappened,
];

/** Infractions by when they happened, and no longer by when they were sealed. */
function addHappened(database: DatabaseSync): void {
  database.exec('alter table events add column happened integer');
  const save = database.prepare('update events set happened = ? where position = ?');
  // Statement by statement: a row that is changed while it is walked over could be met again.
  const some = database.prepare(
    "select position, kind, time, data from events where kind = 'infraction' and refused is null and position > ? order by position limit 100",
  );
  for (let after = 0; ; ) {
    const rows = some.all(after) as unknown as StoredInfraction[];
    for (const { position, kind, time, data } of rows) {
      save.run(happenedAt({ kind, time, data: JSON.parse(data) }) ?? null, position);
      after = position;
    }
    if (rows.length === 0) break;
  }
  // The one of a lane first: of two that look equally good, the planner takes the older one.
  database.exec(`
    drop index events_infraction;
    create index events_lane_happened on events (lane_id, kind, happened) where kind = 'infraction';
    create index events_happened on events (kind, happened) where kind = 'infraction';
  `);
}

interface StoredInfraction {
  readonly position: number;
  readonly kind: string;
  readonly time: string;
  readonly data: string;
}

/** Brings a file to this version. Throws `store-version-unknown` for a newer one, `store-damaged` for a file that is not an archive. */
export function migrate(database: DatabaseSync, path: string): void {
  const { journal_mode: journal } = row(database, 'pragma journal_mode = wal');
  if (journal !== 'wal')
    throw new AtalayaError('store-failed', `${path} does not take a write-ahead log`, {
      hint: 'Put the archive on a local file system: network file systems do not lock well enough.',
    });
  database.exec('pragma synchronous = full; pragma busy_timeout = 5000; pragma foreign_keys = on;');
  database.exec('pragma cache_size = -16000; pragma journal_size_limit = 67108864;');
  // Events of 500 lanes touch some 1500 pages: at SQLite's own limit of 1000 every commit would write the log back as well. Measured with
  // 500 lanes in a batch of 500: 22,000 events a second against 8,000.
  database.exec('pragma wal_autocheckpoint = 8000;');
  database.exec('begin immediate');
  try {
    const { user_version: version } = row(database, 'pragma user_version');
    const { application_id: application } = row(database, 'pragma application_id');
    const { tables } = row(database, 'select count(*) as tables from sqlite_schema');
    if (application !== applicationId && (application !== 0 || version !== 0 || tables !== 0))
      throw new AtalayaError('store-damaged', `${path} is an SQLite file, and no archive`, {
        hint: 'Name another file.',
      });
    if (Number(version) > migrations.length)
      throw new AtalayaError(
        'store-version-unknown',
        `${path} has version ${version} of the archive; this program knows up to ${migrations.length}`,
        { hint: 'Run the version of the program that wrote it, or a newer one.' },
      );
    // Nothing is written where all of it is there: what is on a full disk can still be opened and read.
    if (Number(version) < migrations.length) {
      for (const migration of migrations.slice(Number(version))) {
        if (typeof migration === 'string') database.exec(migration);
        else migration(database);
      }
      database.exec(`pragma application_id = ${applicationId}; pragma user_version = ${migrations.length}`);
    }
    database.exec('commit');
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

function row(database: DatabaseSync, text: string): Record<string, unknown> {
  return database.prepare(text).get() ?? {};
}
