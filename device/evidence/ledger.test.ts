import test from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { milliseconds } from '../kernel/units.ts';
import { EvidenceStore } from './evidence-store.ts';
import type { Keystore } from './keystore/keystore.ts';
import { indexEntryOf } from './record/read-entry.ts';
import { checkStore } from './testing/check-store.ts';
import { fault, inMemory, seal, testKeystore } from './testing/stores.ts';

/** Lets everything run that is under way in memory. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a checkpoint comes after so many entries, and no entry waits for the next one to be covered', async (t) => {
  const files = new MemoryFiles();
  const checkpoints = { entries: 1, time: milliseconds(1000) };
  const store = await EvidenceStore.open('/data', inMemory(files, { checkpoints }));
  await Promise.all([1, 2, 3, 4, 5].map((at) => seal(store, at)));
  await settled();
  t.is(store.ledger.checkpointed?.size, 5);
  t.is((await checkStore('/data', files)).checkpoint, 5);
  await store.close();
});

test('a store has a checkpoint from the beginning; afterwards one comes in time where entries are few', async (t) => {
  const timer = new ManualClock();
  const checkpoints = { entries: 100, time: milliseconds(1000) };
  const options = inMemory(new MemoryFiles(), { timer, checkpoints });
  const store = await EvidenceStore.open('/data', options);
  t.is(store.ledger.checkpointed?.size, 0);
  await seal(store, 1);
  await seal(store, 2);
  await seal(store, 3);
  await timer.advance(999);
  await settled();
  t.is(store.ledger.checkpointed?.size, 0);
  await timer.advance(1);
  await settled();
  t.is(store.ledger.checkpointed?.size, 3);
  await seal(store, 4);
  await timer.advance(1000);
  await settled();
  t.is(store.ledger.checkpointed?.size, 4);
  await store.close();
  t.is(timer.sleeping, 0);
});

test('entries of an earlier run that no checkpoint covers get theirs in time as well', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  await store.ledger.checkpoint();
  await seal(store, 1);
  const after = files.survivors(() => 0.999);
  await store.close();
  const timer = new ManualClock();
  const again = await EvidenceStore.open('/data', inMemory(after, { timer }));
  t.is(again.ledger.checkpointed?.size, 0);
  await timer.advance(600_000);
  await settled();
  t.is(again.ledger.checkpointed?.size, 1);
  await again.close();
});

test('a log that cannot be written is told of and tried again in time; evidence goes on meanwhile', async (t) => {
  const files = new MemoryFiles();
  const timer = new ManualClock();
  const checkpoints = { entries: 1, time: milliseconds(1000) };
  const store = await EvidenceStore.open('/data', inMemory(files, { timer, checkpoints }));
  files.plan = ({ path, kind }) => (path.includes('/log/') && kind === 'write' ? { code: 'EIO' } : undefined);
  await seal(store, 1);
  await seal(store, 2);
  await settled();
  t.is(store.status.checkpointFault?.code, 'store-failed');
  t.is(store.status.fault, undefined);
  files.plan = () => undefined;
  await timer.advance(1000);
  await settled();
  t.is(store.status.checkpointFault, undefined);
  t.is(store.ledger.checkpointed?.size, 2);
  await store.close();
  await checkStore('/data', files);
});

test('a key that fails uses no number, and the store goes on when it is back', async (t) => {
  const files = new MemoryFiles();
  const { algorithm, spki, id, sign, close } = bound(testKeystore());
  let away = false;
  const keystore: Keystore = {
    algorithm,
    spki,
    id,
    close,
    sign: async (message) => {
      if (away) throw new AtalayaError('key-unavailable', 'the key is away');
      return sign(message);
    },
  };
  const store = await EvidenceStore.open('/data', inMemory(files, { keystore }));
  await seal(store, 1);
  away = true;
  t.is((await fault(seal(store, 2))).code, 'key-unavailable');
  t.is(store.status.fault, undefined);
  away = false;
  t.is((await seal(store, 3)).sequence, 2);
  away = true;
  await store.close();
  t.is(store.status.checkpointFault?.code, 'key-unavailable');
  t.is((await checkStore('/data', files)).checkpoint, 0);
  away = false;
  await (await EvidenceStore.open('/data', inMemory(files, { keystore }))).close();
  t.is((await checkStore('/data', files)).checkpoint, 2);
});

const bound = (keystore: Keystore): Keystore => ({
  algorithm: keystore.algorithm,
  spki: keystore.spki,
  id: keystore.id,
  sign: (message) => keystore.sign(message),
  close: () => keystore.close(),
});

test('what is asked for after the closing is refused, and changes nothing', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  const { id } = await seal(store, 1);
  const by = { actor: { kind: 'person', name: 'C. Clerk', account: 'clerk' }, reason: 'late' } as const;
  const held = store.custody.hold(id, 'court', by);
  await store.close();
  t.is((await held).sequence, 2);
  const { operations } = files;
  for (const late of [
    store.custody.erase(id, by),
    store.custody.note({ kind: 'list' }, by),
    store.ledger.commit(
      () => ({}),
      () => t.fail() as never,
    ),
    seal(store, 2),
  ]) {
    t.is((await fault(late)).code, 'store-closed');
  }
  t.is(files.operations, operations);
  t.like(await checkStore('/data', files), { checkpoint: 2, held: [`${id} court`] });
});

/** An entry of its own kind, as newer software would write it. */
const stated = (store: EvidenceStore) =>
  store.ledger.commit(
    (head) => ({ ...head, schema: 'x/y/9' }),
    (_, position, signed) => indexEntryOf({ ...signed, kind: 'unknown', schema: 'x/y/9' }, position),
  );

test('an entry that the disk refused is under no checkpoint', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  await stated(store);
  files.plan = ({ path, kind }) => (path.includes('/journal/') && kind === 'write' ? { code: 'EIO' } : undefined);
  t.is((await fault(stated(store))).code, 'store-failed');
  files.plan = () => undefined;
  t.is((await store.ledger.checkpoint()).size, 1);
  t.is((await fault(stated(store))).code, 'store-failed');
  await store.close();
  const again = await EvidenceStore.open('/data', inMemory(files));
  t.is((await stated(again)).sequence, 2);
  await again.close();
  t.is((await checkStore('/data', files)).checkpoint, 2);
});

test('closing waits for what has its number, and gives out no more of them', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  const early = [stated(store), stated(store)];
  const closing = store.ledger.close();
  t.is((await fault(stated(store))).code, 'store-closed');
  await closing;
  t.deepEqual(await Promise.all(early.map(async (one) => (await one).sequence)), [1, 2]);
  t.like(await checkStore('/data', files), { checkpoint: 2 });
  t.is(store.ledger.last, 2);
  await store.close();
});
