import test from 'ava';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { Archive } from '../archive/archive.ts';
import { madeEvent } from '../archive/testing/made-events.ts';
import { listInfractions } from './list-infractions.ts';
import { ApiTrial } from './testing/api-trial.ts';

const idOf = (unit: string, sequence: number) => `${unit}-${String(sequence).padStart(9, '0')}`;

const second = (after: number) => new Date(1_770_000_000_000 + after * 1000).toISOString();

/** As a unit signs it, as far as a list reads it. */
function made(unit: string, sequence: number, more: Record<string, JsonValue> = {}) {
  const time = second(sequence);
  const record = {
    ...{ schema: 'atalaya/evidence/3', id: idOf(unit, sequence), unit, sequence },
    infraction: {
      ...{ rule: 'speeding', class: 'car', lane: 'left', time: { utc: time, elapsedMs: 1 } },
      measured: { rule: 'speeding', speedKmh: 92.4, limitKmh: 60 },
    },
    files: [{ name: 'at.jpg', bytes: 100, header: 10, body: sha256('x') }],
    sealing: { keys: { bytes: 4, sha256: sha256('keys') } },
    ...more,
  };
  // Sealed, and so sent, long after: by a unit that judged a recording, or whose clock was put right between.
  const sealed = new Date(1_780_000_000_000 - sequence * 1000).toISOString();
  return madeEvent(sequence, { unit, time: sealed, data: { record, signature: 'c2ln' } });
}

test('infractions of a unit and of the fleet, the latest first, with how many of their files are here', async (t) => {
  const api = await ApiTrial.start();
  const { archive } = api.trial;
  const operator = api.person('operator');
  await archive.ingest([
    ...[made('unit-1', 1), made('unit-1', 2), made('unit-1', 3, { sealing: null, files: [] })],
    ...[
      made('unit-1', 4, { id: 'not an id', infraction: { rule: 7, lane: null, time: { utc: second(4) } } }),
      made('unit-2', 2),
    ],
    madeEvent(5, { kind: 'audit' }),
  ]);
  const blob = (evidence: string, file: string, state: string, reason?: string) =>
    archive.putDocument('blob', `unit-1/${evidence}/${file}`, { bytes: 90, state, ...(reason && { reason }) }, 0);
  await blob(idOf('unit-1', 1), 'keys', 'finished');
  await blob(idOf('unit-1', 1), 'at.jpg', 'asked');
  await blob(idOf('unit-1', 2), 'keys', 'finished');
  await blob(idOf('unit-1', 2), 'at.jpg', 'failed', 'blob-mismatch: at.jpg');
  const ask = async (query: Record<string, string | number>) => {
    const { status, value } = await operator.ask('infractions', { parameters: {}, query });
    t.is(status, 200);
    return value;
  };
  const { infractions, next } = await ask({ unit: 'unit-1' });
  t.is(next, undefined);
  t.deepEqual(
    infractions.map(({ sequence, evidence, files }) => [sequence, evidence, files]),
    [
      [4, undefined, { here: 0, all: 0, state: 'none' }],
      [3, idOf('unit-1', 3), { here: 0, all: 0, state: 'none' }],
      [2, idOf('unit-1', 2), { here: 1, all: 2, state: 'failed', reason: 'blob-mismatch: at.jpg' }],
      [1, idOf('unit-1', 1), { here: 1, all: 2, state: 'asked' }],
    ],
  );
  t.like(infractions[3], { rule: 'speeding', class: 'car', lane: 'left', measured: { speedKmh: 92.4, limitKmh: 60 } });
  t.like(infractions[0], { rule: undefined, lane: null });
  await archive.putDocument('blob', `unit-1/${idOf('unit-1', 1)}/at.jpg`, { bytes: 90, state: 'finished' }, 1);
  t.like((await ask({ unit: 'unit-1' })).infractions[3]?.files, { here: 2, all: 2, state: 'finished' });
  t.is((await ask({})).infractions.length, 5);
  t.deepEqual((await ask({ unit: 'unit-3' })).infractions, []);
  t.deepEqual(
    (await ask({ from: second(2), to: second(3) })).infractions.map(({ unit, time }) => [unit, time]),
    [
      ['unit-2', second(2)],
      ['unit-1', second(2)],
    ],
  );
  const page = await ask({ limit: 2 });
  const rest = await ask({ limit: 3, before: page.next ?? '' });
  t.deepEqual(
    [...page.infractions, ...rest.infractions].map(({ unit, sequence }) => `${unit}/${sequence}`),
    ['unit-1/4', 'unit-1/3', 'unit-2/2', 'unit-1/2', 'unit-1/1'],
  );
  t.deepEqual((await ask({ before: rest.next ?? '' })).infractions, []);
  for (const query of [{ limit: 1001 }, { limit: 0 }, { before: 'x' }, { from: 'yesterday' }, { unit: 'Unit 1' }])
    t.is((await operator.ask('infractions', { parameters: {}, query } as never)).status, 400, JSON.stringify(query));
  t.is((await api.person('technician').ask('infractions', { parameters: {} })).status, 403);
  await api.end();
});

test('the longest page holds a few records at once, and each one once', async (t) => {
  const api = await ApiTrial.start();
  const { archive } = api.trial;
  for (let from = 1; from <= 1100; from += 100)
    await archive.ingest(Array.from({ length: 100 }, (_, i) => made('unit-1', from + i)));
  let most = 0;
  const watched: Pick<Archive, 'events' | 'documents'> = {
    events: async (query) => {
      const found = await archive.events(query);
      most = Math.max(most, found.length);
      return found;
    },
    documents: async () => [],
  };
  const { infractions, next } = await listInfractions(watched, { limit: 1000 });
  t.is(new Set(infractions.map(({ evidence }) => evidence)).size, 1000);
  t.true(most <= 8, `${most} at once`);
  const rest = await listInfractions(watched, { limit: 1000, before: next });
  t.is(rest.infractions.length, 100);
  t.is(rest.infractions.at(-1)?.evidence, idOf('unit-1', 1));
  t.is(rest.next, undefined);
  await api.end();
});
