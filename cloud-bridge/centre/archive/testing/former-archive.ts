import type { ExecutionContext } from 'ava';
import type { Archive } from '../archive.ts';
import { madeEvent, madeEvents, stream } from './made-events.ts';

/** The version that the archive of an earlier program bears; its infractions know only when they were sealed. */
export const formerVersion = 3;

/** The tables of SQLite as that program made them: what it wrote is on disks, and what is here is never changed. */
export const formerSqlite = `
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
  alter table parts add column arrived integer not null default 0;

  create index events_infraction on events (lane_id, kind, at) where kind = 'infraction';
  alter table acts add column about text;
    pragma application_id = 0x41544c59; pragma user_version = ${formerVersion};
`;

/** The same in PostgreSQL. */
export const formerPostgres = `
  create schema atalaya;
  create table atalaya.version (number int4 not null); insert into atalaya.version values (${formerVersion});
  create table atalaya.lanes (
    id int8 primary key generated always as identity,
    unit text collate "C" not null,
    lane text collate "C" not null,
    stream text collate "C" not null,
    up_to int8 not null default 0,
    highest int8 not null default 0,
    forgotten int8 not null default 0,
    unique (unit, lane, stream)
  );
  create table atalaya.events (
    position int8 primary key generated always as identity,
    lane_id int8 not null references atalaya.lanes (id),
    sequence int8 not null,
    previous int8 not null,
    kind text not null,
    at int8 not null,
    time text not null,
    data text not null,
    archived int8 not null,
    refused text
  );
  create unique index events_place on atalaya.events (lane_id, sequence);
  create index events_lane on atalaya.events (lane_id, position);
  create index events_lane_at on atalaya.events (lane_id, at);
  create index events_kind on atalaya.events (kind, position);
  create index events_kind_at on atalaya.events (kind, at);
  create index events_gaps on atalaya.events (lane_id, sequence) where previous < sequence - 1;
  create index events_refused on atalaya.events (lane_id) where refused is not null;
  create table atalaya.parts (
    lane_id int8 not null references atalaya.lanes (id),
    sequence int8 not null,
    sha256 text not null,
    count int4 not null,
    part int4 not null,
    digest text not null,
    content bytea not null,
    primary key (lane_id, sequence, sha256, count, part)
  );
  create table atalaya.documents (
    kind text collate "C" not null,
    key text collate "C" not null,
    version int8 not null,
    value text,
    primary key (kind, key)
  );
  create table atalaya.acts (
    number int8 primary key,
    time text not null,
    act text not null,
    outcome text not null,
    previous text not null,
    hash text not null
  );
  create table atalaya.forwards (
    id int8 primary key generated always as identity,
    queue text not null,
    message text not null,
    position int8,
    payload text,
    leased_until timestamptz not null default '-infinity',
    unique (queue, message)
  );
  create index forwards_position on atalaya.forwards (position);
  alter table atalaya.parts add column arrived int8 not null default 0;

  create index events_infraction on atalaya.events (lane_id, at, position) where kind = 'infraction';
  alter table atalaya.acts add column about text;
  `;

/** When the last but one of the events happened, as its record says: long after it was sealed. */
export const formerHappened = '2026-03-01T12:00:00Z';

/**
 * What that program had archived: 151 infractions of unit-1, of which only the last has a record that says when it happened, and a record of
 * something else. `schema`: in front of the names of tables.
 */
export function formerRows(schema: string): string {
  const recorded = { record: { infraction: { time: { utc: formerHappened } } } };
  const events = [...madeEvents(1, 150), madeEvent(151, { data: recorded }), madeEvent(152, { kind: 'audit' })];
  const rows = events.map(
    ({ sequence, previous, kind, time, data }) =>
      `(1, ${sequence}, ${previous}, '${kind}', ${Date.parse(time)}, '${time}', '${JSON.stringify(data)}', ${Date.parse(time)})`,
  );
  return `
    insert into ${schema}lanes (unit, lane, stream, up_to, highest) values ('unit-1', 'infraction', '${stream}', 152, 152);
    insert into ${schema}events (lane_id, sequence, previous, kind, at, time, data, archived) values ${rows.join(', ')};
  `;
}

/** That everything is there, and in its place. */
export async function checkFormer(t: ExecutionContext, archive: Archive): Promise<void> {
  const latest = { order: 'latest', limit: 1000 } as const;
  const found = await archive.events(latest);
  t.deepEqual([found.length, found[0]?.sequence, found.at(-1)?.sequence], [151, 151, 1]);
  const since = await archive.events({ ...latest, from: formerHappened, unit: 'unit-1' });
  t.deepEqual(
    since.map(({ sequence }) => sequence),
    [151],
  );
  t.is((await archive.watermarks('unit-1'))[0]?.upTo, 152);
  // It goes on where it was.
  await archive.ingest(madeEvents(150, 153));
  t.is((await archive.events(latest)).length, 152);
}
