import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { eventStatements } from './event-query.ts';
import { SqliteArchive } from './sqlite-archive.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { archiveContract } from './testing/archive-contract.ts';
import { checkAfterCrash, ingestUntilKilled } from './testing/crash.ts';
import { checkFormer, formerRows, formerSqlite } from './testing/former-archive.ts';
import { madeEvent, madeEvents } from './testing/made-events.ts';

const clock = systemClock;
const run = promisify(execFile);

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-archive-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

archiveContract(test.serial, async (t) => {
  const path = join(await newFolder(t), 'archive', 'archive.sqlite');
  const again = async () => {
    const archive = await SqliteArchive.open(path, { clock });
    t.teardown(() => archive.close());
    return archive;
  };
  return { archive: await again(), again };
});

test.serial('a program that is killed while it ingests has archived all that it acknowledged', async (t) => {
  const path = join(await newFolder(t), 'archive.sqlite');
  let all = 0;
  for (const after of [0, 3, 7, 12]) {
    const ran = await ingestUntilKilled(['sqlite', path], 5, after);
    t.is(ran.status, null, ran.errors);
    const archive = await SqliteArchive.open(path, { clock });
    all = await checkAfterCrash(t, archive, ran.acknowledged);
    await archive.close();
  }
  t.true(all >= 200, String(all));
});

test.serial('a full disk is told, everything acknowledged stays, and it goes on when there is space', async (t) => {
  const disk = await newFolder(t);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).catch(() => undefined);
  if (mounted === undefined) {
    t.log('skipped: this user may not mount a small file system');
    t.pass();
    return;
  }
  t.teardown(() => run('umount', [disk]));
  const archive = await SqliteArchive.open(join(disk, 'archive.sqlite'), { clock });
  let next = 1;
  const full = await t.throwsAsync(async () => {
    for (; next < 100_000; next += 10) await archive.ingest(madeEvents(next, next + 9));
  });
  t.true(isAtalayaError(full, 'store-full'), String(full));
  t.true(next > 100);
  t.true(
    isAtalayaError(await archive.ingest(madeEvents(next, next + 9)).catch((error: unknown) => error), 'store-full'),
  );
  t.is((await archive.watermarks('unit-1'))[0]?.upTo, next - 1, 'what is there can be read');
  await run('mount', ['-o', 'remount,size=4m', disk]);
  const done = await archive.ingest(madeEvents(next - 10, next + 9));
  t.deepEqual([done.fresh, done.duplicates, done.watermarks[0]?.upTo], [10, 10, next + 9]);
  await archive.close();
});

test('lists of infractions are read along an index in their order, of a unit and of the fleet', async (t) => {
  const path = join(await newFolder(t), 'archive.sqlite');
  await (await SqliteArchive.open(path, { clock })).close();
  const database = new DatabaseSync(path);
  t.teardown(() => database.close());
  const plan = (lanes?: readonly number[]) =>
    eventStatements(
      { kinds: ['infraction'], order: 'latest', from: '2026-03-01', before: { at: 5, position: 5 }, limit: 20 },
      lanes === undefined ? {} : { lanes },
    )
      .flatMap(({ text, values }) =>
        database.prepare(`explain query plan ${text}`).all(Object.fromEntries(values.map((v, i) => [`$${i + 1}`, v]))),
      )
      .map(({ detail }) => String(detail))
      .join('; ');
  t.regex(plan(), /SEARCH e USING INDEX events_happened/);
  t.regex(plan([1]), /SEARCH e USING INDEX events_lane_happened/);
  t.notRegex(`${plan()}${plan([1])}`, /SCAN|TEMP B-TREE/);
});

test('an archive that an earlier program made is brought to this version: its infractions have their place by when they happened', async (t) => {
  const path = join(await newFolder(t), 'archive.sqlite');
  const before = new DatabaseSync(path);
  before.exec(`${formerSqlite} ${formerRows('')}`);
  before.close();
  const archive = await SqliteArchive.open(path, { clock });
  t.teardown(() => archive.close());
  await checkFormer(t, archive);
  const database = new DatabaseSync(path);
  t.teardown(() => database.close());
  const now = join(await newFolder(t), 'archive.sqlite');
  await (await SqliteArchive.open(now, { clock })).close();
  const made = new DatabaseSync(now);
  t.teardown(() => made.close());
  const indexes = "select name, sql from sqlite_schema where type = 'index' order by name";
  t.deepEqual(database.prepare(indexes).all(), made.prepare(indexes).all(), 'as one that is made now');
});

test('a file of a newer version, a foreign file and rubbish are refused with their reasons, and not touched', async (t) => {
  const folder = await newFolder(t);
  const path = join(folder, 'archive.sqlite');
  const archive = await SqliteArchive.open(path, { clock });
  await archive.ingest([madeEvent(1)]);
  await archive.close();
  await t.throwsAsync(archive.ingest([madeEvent(2)]), { code: 'store-closed' });
  const database = new DatabaseSync(path);
  database.exec('pragma user_version = 9');
  database.close();
  const newer = await fault(SqliteArchive.open(path, { clock }));
  t.is(newer.code, 'store-version-unknown');
  t.regex(newer.message, /has version 9 of the archive; this program knows up to 4/);
  const foreign = join(folder, 'foreign.sqlite');
  const other = new DatabaseSync(foreign);
  other.exec('create table lanes (id integer)');
  other.close();
  const refused = await fault(SqliteArchive.open(foreign, { clock }));
  t.deepEqual([refused.code, /no archive/.test(refused.message)], ['store-damaged', true]);
  const rubbish = join(folder, 'rubbish.sqlite');
  await writeFile(rubbish, 'rubbish'.repeat(1000));
  t.is((await fault(SqliteArchive.open(rubbish, { clock }))).code, 'store-damaged');
  t.is((await readFile(rubbish)).toString(), 'rubbish'.repeat(1000));
  await mkdir(join(folder, 'folder.sqlite'));
  t.is((await fault(SqliteArchive.open(join(folder, 'folder.sqlite'), { clock }))).code, 'store-failed');
});

test('a file that another program holds is unavailable, and available again', async (t) => {
  const path = join(await newFolder(t), 'archive.sqlite');
  const archive = await SqliteArchive.open(path, { clock });
  const holder = new DatabaseSync(path);
  holder.exec('begin immediate');
  t.is((await fault(archive.ingest([madeEvent(1)]))).code, 'archive-unavailable');
  holder.exec('rollback');
  holder.close();
  t.is((await archive.ingest([madeEvent(1)])).fresh, 1);
  await archive.close();
});

test('a thread that dies is told of, and another takes its place', async (t) => {
  const connection = new SqliteConnection('/nowhere', new URL('./testing/dying-thread.ts', import.meta.url));
  t.teardown(() => connection.close());
  const first = await connection.call('watermarks', 'unit-1', 'all');
  t.is((await fault(connection.call('watermarks', 'unit-1', 'all'))).code, 'store-failed');
  t.not(await connection.call('watermarks', 'unit-1', 'all'), first);
  await connection.close();
  t.is((await fault(connection.call('watermarks', 'unit-1', 'all'))).code, 'store-closed');
});

test.serial('batches of 500 are ingested without holding up the program', async (t) => {
  const archive = await SqliteArchive.open(join(await newFolder(t), 'archive.sqlite'), { clock });
  const held = monitorEventLoopDelay({ resolution: 1 });
  const begun = performance.now();
  const data = { line: 'north', direction: 'forward', class: 'car', dated: true };
  const batches = 30;
  held.enable();
  for (let at = 0; at < batches; at += 1) {
    await archive.ingest(madeEvents(at * 500 + 1, at * 500 + 500, { lane: 'telemetry', kind: 'count', data }));
  }
  held.disable();
  const speed = Math.round((batches * 500_000) / (performance.now() - begun));
  t.log(`${speed} events a second; the program held up for ${(held.percentile(99) / 1e6).toFixed(1)} ms (99 of 100)`);
  // Far below what it does on an idle machine: a change that costs a factor is seen, a busy machine is not.
  t.true(speed > 3000, String(speed));
  t.is((await archive.watermarks('unit-1'))[0]?.upTo, batches * 500);
  await archive.close();
});
