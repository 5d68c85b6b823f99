import test, { type ExecutionContext } from 'ava';
import { Client } from 'pg';
import { systemClock } from '../../../device/kernel/clock.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { PostgresArchive } from './postgres-archive.ts';
import { archiveContract } from './testing/archive-contract.ts';
import { checkAfterCrash, ingestUntilKilled } from './testing/crash.ts';
import { checkFormer, formerPostgres, formerRows } from './testing/former-archive.ts';
import { madeEvent, madeEvents } from './testing/made-events.ts';
import { startPostgres, type TestPostgres } from './testing/start-postgres.ts';

const clock = systemClock;
const server = await startPostgres();
test.after.always(() => server?.stop());
let databases = 0;

archiveContract(test.serial, async (t) => {
  if (server === undefined) return undefined;
  databases += 1;
  const database = await server.database(`contract_${databases}`);
  const again = async () => {
    const archive = await PostgresArchive.open(database, { clock });
    t.teardown(() => archive.close());
    return archive;
  };
  return { archive: await again(), again };
});

const needs = (title: string, work: (t: ExecutionContext, server: TestPostgres) => Promise<void>) =>
  test.serial(title, async (t) => {
    if (server !== undefined) return work(t, server);
    t.log('skipped: PostgreSQL is not installed here');
    t.pass();
  });

needs('a program that is killed while it ingests has archived all that it acknowledged', async (t, { database }) => {
  const options = await database('killed');
  const archive = await PostgresArchive.open(options, { clock });
  t.teardown(() => archive.close());
  for (const after of [0, 4]) {
    const ran = await ingestUntilKilled(['postgres', JSON.stringify(options)], 5, after);
    t.is(ran.status, null, ran.errors);
    // The server may still be at the last commit of the program that is gone: whoever has events of the same lane waits for it.
    await archive.ingest([madeEvent(1, { forwardTo: ['infraction.detection'] })]);
    await checkAfterCrash(t, archive, ran.acknowledged);
  }
});

needs(
  'a server that is gone makes the archive unavailable; it comes back by itself, with everything',
  async (t, { database, kill, start }) => {
    const options = await database('gone');
    const archive = await PostgresArchive.open(options, { clock });
    t.teardown(() => archive.close());
    await archive.ingest(madeEvents(1, 100));
    const writing = (async () => {
      for (let at = 101; ; at += 10) {
        const done = await archive.ingest(madeEvents(at, at + 9)).catch((error: unknown) => error);
        if (done instanceof Error) return { at, code: 'code' in done ? done.code : done.message };
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kill();
    const { at, code } = await writing;
    t.is(code, 'archive-unavailable');
    t.true(at > 101);
    for (const work of [archive.ingest([madeEvent(1)]), archive.watermarks('unit-1'), archive.appendAct(1, 'x')])
      t.is((await fault(work)).code, 'archive-unavailable');
    t.is((await fault(PostgresArchive.open(options, { clock }))).code, 'archive-unavailable');
    await start();
    const done = await archive.ingest(madeEvents(1, at + 9));
    t.is(done.fresh + done.duplicates, at + 9);
    t.true(done.fresh <= 10, 'what was acknowledged survived');
    t.deepEqual([done.conflicts.length, done.watermarks[0]?.upTo], [0, at + 9]);
  },
);

needs(
  'a schema of a newer version and a server that forgets are refused with their reasons',
  async (t, { database }) => {
    const options = await database('newer');
    await (await PostgresArchive.open(options, { clock })).close();
    const client = new Client(options);
    await client.connect();
    await client.query('update atalaya.version set number = 9');
    const newer = await fault(PostgresArchive.open(options, { clock }));
    t.is(newer.code, 'store-version-unknown');
    t.regex(newer.message, /has version 9 of the archive; this program knows up to 4/);
    await client.query('update atalaya.version set number = 4; alter database newer set synchronous_commit = off');
    await client.end();
    const forgets = await fault(PostgresArchive.open(options, { clock }));
    t.is(forgets.code, 'store-failed');
    t.regex(forgets.message, /has synchronous_commit switched off/);
    const refused = await fault(PostgresArchive.open({ ...options, database: 'nowhere' }, { clock }));
    t.is(refused.code, 'store-failed');
  },
);

needs('a schema that an earlier program made has its infractions by when they happened', async (t, { database }) => {
  const options = await database('before');
  const client = new Client(options);
  await client.connect();
  await client.query(`${formerPostgres} ${formerRows('atalaya.')}`);
  // Two bridges are brought to this version at once.
  const [archive, other] = await Promise.all([1, 2].map(() => PostgresArchive.open(options, { clock })));
  for (const one of [archive, other]) t.teardown(() => one?.close());
  await checkFormer(t, archive as PostgresArchive);
  const { rows } = await client.query("select indexname from pg_indexes where indexname like '%happened'");
  await client.end();
  t.deepEqual(rows.map(({ indexname }) => indexname).sort(), ['events_happened', 'events_lane_happened']);
});

needs('bridges that begin at once on an empty database make it once', async (t, { database }) => {
  const options = await database('at_once');
  const archives = await Promise.all([1, 2, 3, 4].map(() => PostgresArchive.open(options, { clock })));
  const done = await Promise.all(archives.map((archive) => archive.ingest(madeEvents(1, 50))));
  t.is(
    done.reduce((sum, { fresh }) => sum + fresh, 0),
    50,
  );
  await Promise.all(archives.map((archive) => archive.close()));
});
