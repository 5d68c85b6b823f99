import type { PoolClient } from 'pg';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { happenedAt } from './happened.ts';

/** Keys of advisory locks, of two halves: `ATLY` and what is locked. */
const lockSpace = 0x41544c59;
export const locks = {
  migration: `${lockSpace}, 1`,
  /** Held together by whoever writes events, alone by whoever asks up to which position all is there. */
  positions: `${lockSpace}, 2`,
  acts: `${lockSpace}, 3`,
} as const;

/** Each brings the schema from the version of its index to the next. What is here once is never changed. */
const migrations: readonly (string | ((client: PoolClient) => Promise<void>))[] = [
  `
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
  `,
  'alter table atalaya.parts add column arrived int8 not null default 0;',
  `
  create index events_infraction on atalaya.events (lane_id, at, position) where kind = 'infraction';
  alter table atalaya.acts add column about text;
  `,
  addHappened,
];

/** Infractions by when they happened, and no longer by when they were sealed. */
async function addHappened(client: PoolClient): Promise<void> {
  await client.query('alter table atalaya.events add column happened int8');
  for (let after = '0'; ; ) {
    const { rows } = await client.query<{ position: string; kind: string; time: string; data: string }>(
      `select position, kind, time, data from atalaya.events
       where kind = 'infraction' and refused is null and position > $1 order by position limit 100`,
      [after],
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    await client.query(
      `update atalaya.events e set happened = t.happened
       from unnest($1::int8[], $2::int8[]) as t (position, happened) where e.position = t.position`,
      [
        rows.map(({ position }) => position),
        rows.map(({ data, ...row }) => happenedAt({ ...row, data: JSON.parse(data) }) ?? null),
      ],
    );
    after = last.position;
  }
  await client.query(`
    drop index atalaya.events_infraction;
    create index events_happened on atalaya.events (happened, position) where kind = 'infraction';
    create index events_lane_happened on atalaya.events (lane_id, happened, position) where kind = 'infraction';
  `);
}

/**
 * Brings the schema `atalaya` of a database to this version; of several programs that begin at once, one does. Throws
 * `store-version-unknown` for a newer one, `store-failed` for a server that forgets what it has confirmed, and the server's own errors.
 */
export async function migrate(client: PoolClient): Promise<void> {
  const settings = await client.query<{ name: string }>(
    "select name from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off'",
  );
  if (settings.rows.length > 0) {
    const names = settings.rows.map(({ name }) => name).join(' and ');
    throw new AtalayaError('store-failed', `the PostgreSQL server has ${names} switched off`, {
      hint: 'Switch it on: an event that is acknowledged must survive a power cut.',
    });
  }
  await client.query(`begin; select pg_advisory_xact_lock(${locks.migration})`);
  try {
    const { rows } = await client.query("select to_regclass('atalaya.version') is not null as there");
    if (rows[0]?.there !== true) {
      await client.query('create schema if not exists atalaya');
      await client.query('create table atalaya.version (number int4 not null); insert into atalaya.version values (0)');
    }
    const version = Number((await client.query('select number from atalaya.version')).rows[0]?.number);
    if (version > migrations.length) {
      throw new AtalayaError(
        'store-version-unknown',
        `the database has version ${version} of the archive; this program knows up to ${migrations.length}`,
        { hint: 'Run the version of the program that wrote it, or a newer one.' },
      );
    }
    for (const migration of migrations.slice(version)) {
      if (typeof migration === 'string') await client.query(migration);
      else await migration(client);
    }
    await client.query(`update atalaya.version set number = ${migrations.length}; commit`);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
