import test from 'ava';
import type { LaneEvent } from '../../cloud-bridge/contract/lane-source.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { LedgerLane } from './ledger-lane.ts';
import { signedRecordOf } from './record/envelope.ts';
import { recordAct } from './record-act.ts';
import { inMemory, seal } from './testing/stores.ts';

const act = (store: EvidenceStore, id: string) =>
  recordAct(
    store.ledger,
    {
      actor: { kind: 'unit', name: 'commands' },
      action: { kind: 'command', id, name: 'self-test', outcome: 'done' },
      reason: 'asked for',
    },
    new ManualClock(),
  );

async function all(lane: LedgerLane, from = 1): Promise<LaneEvent[]> {
  const events: LaneEvent[] = [];
  for await (const event of lane.read(from)) events.push(event);
  return events;
}

test('what was sealed is queued by being sealed: infractions and acts, numbered as in the ledger, byte for byte', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  await seal(store, 170);
  await act(store, '01-self-test');
  const lane = await LedgerLane.open(store.ledger, '/outbox', files);
  t.is(lane.last, 2);
  const events = await all(lane);
  t.deepEqual(
    events.map(({ sequence, previous, kind }) => [sequence, previous, kind]),
    [
      [1, 0, 'infraction'],
      [2, 1, 'audit'],
    ],
  );
  const entry = await store.read(2);
  const sent = signedRecordOf(events[1]?.json ?? Buffer.alloc(0));
  t.deepEqual(sent?.bytes, entry?.bytes);
  t.deepEqual(sent?.signature, entry?.signature);
  t.deepEqual(JSON.parse(String(events[0]?.json)), events[0]?.data);
  await store.close();
});

test('the mark survives a start, and a ledger that was begun anew is another stream without one', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  await act(store, '01-self-test');
  await act(store, '02-self-test');
  const lane = await LedgerLane.open(store.ledger, '/outbox', files);
  await lane.forget(1);
  const { stream } = lane;
  t.regex(stream ?? '', /^[0-9a-f]{32}$/);
  await store.close();

  const again = await EvidenceStore.open('/data', inMemory(files));
  const after = await LedgerLane.open(again.ledger, '/outbox', files);
  t.is(after.forgotten, 1);
  t.is(after.stream, stream);
  await again.close();

  const other = await EvidenceStore.open('/other', inMemory(files));
  const empty = await LedgerLane.open(other.ledger, '/outbox', files);
  t.is(empty.stream, undefined);
  t.is(empty.forgotten, 0);
  t.deepEqual(await all(empty), []);
  await seal(other, 170);
  t.is((await all(empty)).length, 1);
  t.not(empty.stream, stream);
  await other.close();
});

test('whoever waits is woken by the next entry, by the end of the store, and by its own signal', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  const lane = await LedgerLane.open(store.ledger, '/outbox', files);
  const never = new AbortController();
  const grown = lane.grown(0, never.signal);
  await act(store, '01-self-test');
  await grown;
  t.is(lane.last, 1);
  const given = new AbortController();
  const waiting = lane.grown(1, given.signal);
  given.abort();
  await waiting;
  const closing = lane.grown(1, never.signal);
  await store.close();
  await closing;
  t.pass();
});

test('reading goes on where it stopped', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  const lane = await LedgerLane.open(store.ledger, '/outbox', files);
  for (let i = 1; i <= 5; i += 1) {
    await act(store, `0${i}-self-test`);
    t.deepEqual(
      (await all(lane, i)).map(({ sequence }) => sequence),
      [i],
    );
  }
  t.deepEqual(
    (await all(lane, 2)).map(({ sequence }) => sequence),
    [2, 3, 4, 5],
  );
  await store.close();
});
