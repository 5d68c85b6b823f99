import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { systemClock as clock } from '../../device/kernel/clock.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import type { Arrived } from '../centre/archive/archive.ts';
import { SqliteArchive } from '../centre/archive/sqlite-archive.ts';
import { AlertKeeper } from '../centre/bridge/alert-keeper.ts';
import { makeWitnessPem, witnessKeyOf } from '../centre/witness/witness-key.ts';
import { complaintsOf, strayAlertsOf } from './centre-complaints.ts';
import { type ArchiveCheck, checkArchive } from './check-archive.ts';
import { Oracle } from './oracle.ts';
import { placesOf } from './unit-options.ts';
import { openUnitStores } from './unit-stores.ts';
import { readTruth, type UnitTruth } from './unit-truth.ts';
import { UnitWork } from './unit-work.ts';

interface Trial {
  readonly folder: string;
  readonly archive: string;
  readonly truth: () => Promise<UnitTruth>;
}

const witness = witnessKeyOf('witness.test', makeWitnessPem()).vkey;
const counts = { alert: 20, infraction: 24, telemetry: 60 } as const;

/** A unit with events in every lane, and an archive that has all of them. */
async function makeTrial(): Promise<Trial> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-chaos-check-'));
  const options = { unit: 'unit-1', folder: join(folder, 'unit-1'), witness, telemetryBytes: 1e6 };
  const stores = await openUnitStores(options);
  const oracle = await Oracle.open(placesOf(options.folder).oracle);
  const work = new UnitWork(stores, oracle, [], seededRandom(1));
  for (const lane of ['alert', 'infraction', 'telemetry'] as const) await work.burst(lane, counts[lane]);
  const events: Arrived[] = [];
  for (const [lane, source] of [
    ['alert', stores.alerts],
    ['infraction', stores.lane],
    ['telemetry', stores.telemetry],
  ] as const) {
    for await (const { sequence, previous, kind, time, data } of source.read(1)) {
      const stream = source.stream ?? '';
      events.push({ unit: 'unit-1', lane, stream, sequence, previous, kind, time, data, forwardTo: [] });
    }
  }
  await oracle.close();
  await stores.close();
  const archive = join(folder, 'archive.sqlite');
  const opened = await SqliteArchive.open(archive, { clock });
  await opened.ingest(events);
  await opened.close();
  return { folder, archive, truth: () => readTruth(options) };
}

async function check(trial: Trial, statements: readonly string[]): Promise<ArchiveCheck> {
  const copy = join(trial.folder, 'doctored.sqlite');
  await rm(copy, { force: true });
  await copyFile(trial.archive, copy);
  const database = new DatabaseSync(copy);
  for (const statement of statements) database.exec(statement);
  database.close();
  const archive = await SqliteArchive.open(copy, { clock });
  try {
    return await checkArchive(archive, (await trial.truth()).lanes);
  } finally {
    await archive.close();
  }
}

const lane = (name: string) =>
  `lane_id = (select id from lanes where lane = '${name}' and unit = 'unit-1' and id < 99)`;
const columns = 'kind, at, time, data, archived';
/** The content of one event, put in the place of another. */
const put = (name: string, from: number, to: number) =>
  `update events set (kind, at, time, data) = (select kind, at, time, data from events where ${lane(name)} and sequence = ${from})
   where ${lane(name)} and sequence = ${to}`;

const cases: readonly {
  readonly what: string;
  readonly done: readonly string[];
  readonly said: readonly string[];
}[] = [
  { what: 'nothing', done: [], said: [] },
  {
    what: 'one lost',
    done: [`delete from events where ${lane('alert')} and sequence = 7`],
    said: ['lost: unit-1/alert/7'],
  },
  {
    what: 'the last one lost',
    done: [`delete from events where ${lane('infraction')} and sequence = 24`],
    said: ['lost: unit-1/infraction/24'],
  },
  {
    what: 'one doubled behind the others',
    done: [
      `insert into events (lane_id, sequence, previous, ${columns})
       select lane_id, 21, 20, ${columns} from events where ${lane('alert')} and sequence = 5`,
    ],
    said: [
      'doubled: unit-1/alert/5 again as 21',
      'out of order: unit-1/alert/21 was offered before the one ahead of it',
    ],
  },
  {
    what: 'one doubled under another numbering',
    done: [
      `insert into lanes (id, unit, lane, stream) values (99, 'unit-1', 'infraction', '00000000000000000000000000000000')`,
      `insert into events (lane_id, sequence, previous, ${columns})
       select 99, 1, 0, ${columns} from events where ${lane('infraction')} and sequence = 3`,
    ],
    said: ['doubled: unit-1/infraction/3 again as 1 of the numbering 00000000000000000000000000000000'],
  },
  {
    what: 'one doubled over another',
    done: [put('telemetry', 30, 31)],
    said: ['doubled: unit-1/telemetry/30 again as 31'],
  },
  {
    what: 'two swapped',
    done: [
      'create temporary table kept as select * from events',
      put('infraction', 4, 3),
      `update events set (kind, at, time, data) = (select kind, at, time, data from kept where ${lane('infraction')} and sequence = 3)
       where ${lane('infraction')} and sequence = 4`,
    ],
    said: [
      'out of order: unit-1/infraction/4 stands in the place of 3',
      'out of order: unit-1/infraction/3 stands in the place of 4',
    ],
  },
  {
    what: 'one altered by a letter',
    done: [
      `update events set data = replace(data, '"class":"car"', '"class":"cat"') where ${lane('telemetry')} and sequence = 9`,
    ],
    said: ['altered: unit-1/telemetry/9'],
  },
  {
    what: 'one altered in its time',
    done: [`update events set time = '2020-01-01T00:00:00.000Z' where ${lane('alert')} and sequence = 2`],
    said: ['altered: unit-1/alert/2'],
  },
  {
    what: 'one that nobody sealed',
    done: [
      `insert into events (lane_id, sequence, previous, ${columns})
       select lane_id, 25, 24, kind, at, time, '{"record":{},"signature":"AAAA"}', archived from events
       where ${lane('infraction')} and sequence = 1`,
    ],
    said: ['foreign: unit-1/infraction/25 was never sealed'],
  },
  {
    what: 'one of a unit that there is not',
    done: [
      `insert into lanes (id, unit, lane, stream) values (99, 'unit-9', 'alert', '00000000000000000000000000000000')`,
      `insert into events (lane_id, sequence, previous, ${columns})
       select 99, 1, 0, ${columns} from events where ${lane('alert')} and sequence = 3`,
    ],
    said: ['foreign: unit-9/alert is no lane of these units; 1 events'],
  },
  {
    what: 'a gap in telemetry that the unit never made',
    done: [
      `delete from events where ${lane('telemetry')} and sequence = 10`,
      `update events set previous = 9 where ${lane('telemetry')} and sequence = 11`,
    ],
    said: [
      'gap undeserved: unit-1/telemetry/11 declares one from 9 on, and the unit dropped up to 0',
      'lost: unit-1/telemetry/10',
    ],
  },
  {
    what: 'a gap in infractions',
    done: [
      `delete from events where ${lane('infraction')} and sequence = 10`,
      `update events set previous = 9 where ${lane('infraction')} and sequence = 11`,
    ],
    said: ['link broken: unit-1/infraction/11 names 9 as the one before it', 'lost: unit-1/infraction/10'],
  },
  {
    what: 'one refused',
    done: [`update events set refused = 'for a reason' where ${lane('alert')} and sequence = 4`],
    said: ['lost: unit-1/alert/4', 'refused: unit-1/alert/4: for a reason'],
  },
];

test('a doctored archive: each fault is named, and nothing else', async (t) => {
  const trial = await makeTrial();
  try {
    for (const { what, done, said } of cases) t.deepEqual((await check(trial, done)).violations, said, what);
    const { archived, gaps, overtaken } = await check(trial, []);
    t.deepEqual({ archived, gaps, overtaken }, { archived: counts, gaps: 0, overtaken: 0 });
  } finally {
    await rm(trial.folder, { recursive: true, force: true });
  }
});

test('a unit that lost or changed what it had sealed is named too', async (t) => {
  const trial = await makeTrial();
  const oracle = placesOf(join(trial.folder, 'unit-1')).oracle;
  try {
    t.deepEqual((await trial.truth()).violations, []);
    const print = '0'.repeat(64);
    for (const note of [
      { note: 'sealed', sequence: 24, sha256: print },
      { note: 'sealed', sequence: 25, sha256: print },
      { note: 'will', lane: 'alert', n: 21, print },
      { note: 'did', lane: 'alert', n: 21, sequence: 21, stream: (await trial.truth()).lanes[0]?.stream },
      { note: 'did', lane: 'telemetry', n: 60, sequence: 1, stream: 'another' },
    ]) {
      await appendFile(oracle, `${JSON.stringify(note)}\n`);
    }
    t.deepEqual((await trial.truth()).violations, [
      'lost on the unit: unit-1/alert/21 was taken',
      'altered on the unit: unit-1/infraction/24',
      'lost on the unit: unit-1/infraction/25 was sealed',
      'lost on the unit: unit-1/telemetry began its numbering anew',
      'doubled on the unit: unit-1/telemetry/1 was given twice',
      'altered on the unit: unit-1/telemetry/1',
    ]);
  } finally {
    await rm(trial.folder, { recursive: true, force: true });
  }
});

test('what the centre says of itself counts: an alert that stands otherwise, a refusal, an alert of its own', async (t) => {
  const trial = await makeTrial();
  const archive = await SqliteArchive.open(trial.archive, { clock });
  try {
    const keeper = new AlertKeeper(archive, clock, false);
    const events = await archive.events({ order: 'newest', kinds: ['alert'], limit: 100 });
    t.is((await strayAlertsOf(archive)).length, 7);
    await keeper.apply(events);
    t.deepEqual(await strayAlertsOf(archive), []);
    t.deepEqual(await complaintsOf(archive), []);

    const key = 'unit-1/chaos-000006';
    const standing = await archive.document('alert', key);
    const value = { ...(standing?.value as object), state: 'closed', since: '2020-01-01T00:00:00.000Z' };
    await archive.putDocument('alert', key, value, standing?.version ?? 0);
    t.regex(
      (await strayAlertsOf(archive)).join(),
      /^alert astray: unit-1\/chaos-000006 stands as closed since 2020.* and unit-1\/alert\/20 says/,
    );

    await keeper.raise('unit-1', 'log-inconsistent', 'another history');
    const refused = { 'event-conflict': 2, 'too-much': 5 };
    await archive.putDocument('unit', 'unit-1', { unit: 'unit-1', refused }, 0);
    t.deepEqual(await complaintsOf(archive), [
      'the centre refused something of unit-1: event-conflict, 2 times',
      'the centre raised an alert: unit-1/centre-log-inconsistent: log-inconsistent: another history',
    ]);
  } finally {
    await archive.close();
    await rm(trial.folder, { recursive: true, force: true });
  }
});
