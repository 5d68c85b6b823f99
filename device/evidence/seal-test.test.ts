import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { LedgerLane } from './ledger-lane.ts';
import { testActionRecord } from './record/action-record.ts';
import { payloadOf } from './record/envelope.ts';
import { mostTestPicture, sealTest } from './seal-test.ts';
import { createIdentity, openWith } from './sealing/identity.ts';
import { inMemory, linesOf, onDisk, seal } from './testing/stores.ts';
import { parseKey } from './verify/keys.ts';
import { verifyEntry } from './verify/verify-entry.ts';
import { verifyStore } from './verify/verify-store.ts';

const actor = { kind: 'operator', name: 'O. Perez', role: 'technician', key: 'a'.repeat(64) } as const;
const picture = Buffer.from([0xff, 0xd8, 0xff, ...Array.from({ length: 3000 }, (_, i) => i & 0xff)]);
const clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));

async function storeWith(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'seal-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { recipient, identity } = await createIdentity();
  const recipients = { authority: [recipient], operators: [] };
  const policies = [{ name: 'at once', rules: 'all', keepDays: 0, whenFull: true }] as const;
  const store = await EvidenceStore.open(folder, onDisk({ recipients, clock, policies }));
  return { folder, store, recipients, identity };
}

test('a test goes the whole way, verifies, and only the authority sees its picture', async (t) => {
  const { folder, store, recipients, identity } = await storeWith(t);
  await seal(store, 1);
  const sealed = await sealTest(store.ledger, recipients, { actor, reason: 'self-test', picture }, clock);
  t.like(sealed, { sequence: 2, id: 'unit-1-000000002', faults: [] });
  const entry = await store.read(2);
  if (entry?.kind !== 'action' || entry.record.action.kind !== 'test') return t.fail();
  t.notThrows(() => testActionRecord.parse(entry.record));
  const { action } = entry.record;
  t.is(action.picture?.bytes, sealed.pictureBytes);
  const age = Buffer.from(action.picture?.age ?? '', 'base64');
  t.deepEqual(Buffer.concat(await all(openWith([identity], pieces(age)))), picture);
  const other = await createIdentity();
  await t.throwsAsync(all(openWith([other.identity], pieces(age))), { code: 'key-wrong' });
  const lines = await linesOf(store);
  t.like(lines[1], { kind: 'action', action: 'test', subject: null, actor: 'O. Perez' });
  t.is(lines.filter(({ kind }) => kind === 'evidence').length, 1);
  const { pem } = store.ledger.publicKey;
  await store.close();
  const verdict = await verifyStore(folder, { key: parseKey(pem) });
  t.deepEqual([verdict.ok, verdict.counts.actions, verdict.counts.evidence, verdict.counts.unknown], [true, 1, 1, 0]);
});

async function all<T>(some: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of some) found.push(one);
  return found;
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test('no policy erases it, and the centre gets it as an act', async (t) => {
  const files = new MemoryFiles();
  const { recipient } = await createIdentity();
  const recipients = { authority: [recipient], operators: [] };
  const policies = [{ name: 'at once', rules: 'all', keepDays: 0, whenFull: true }] as const;
  const store = await EvidenceStore.open('/data', inMemory(files, { recipients, policies }));
  await sealTest(store.ledger, recipients, { actor, reason: 'self-test', picture }, clock);
  await store.retain();
  t.is(store.ledger.last, 1, 'nothing was erased');
  const lane = await LedgerLane.open(store.ledger, '/outbox', files);
  const events = await all(lane.read(1));
  t.deepEqual(
    events.map(({ kind, sequence }) => [kind, sequence]),
    [['audit', 1]],
  );
  t.true((events[0]?.bytes ?? 0) < 100 * 1024);
  await store.close();
});

test('without an authority, or without a picture, it is signed all the same; a picture that is too large is refused', async (t) => {
  const { store, recipients } = await storeWith(t);
  const bare = await sealTest(store.ledger, undefined, { actor, reason: 'self-test', picture }, clock);
  t.like(bare, { sequence: 1, pictureBytes: 0, faults: [] });
  const blind = await sealTest(store.ledger, recipients, { actor, reason: 'self-test' }, clock);
  t.like(blind, { sequence: 2, pictureBytes: 0, faults: [] });
  const large = Buffer.alloc(mostTestPicture + 1);
  await t.throwsAsync(sealTest(store.ledger, recipients, { actor, reason: 'self-test', picture: large }, clock), {
    code: 'usage-invalid',
  });
  const most = await sealTest(
    store.ledger,
    recipients,
    { actor, reason: 'self-test', picture: large.subarray(1) },
    clock,
  );
  t.deepEqual(most.faults, []);
  t.is(store.ledger.last, 3);
  await store.close();
});

test('an entry that was changed, and one that is in another place, are found', async (t) => {
  const { store, recipients } = await storeWith(t);
  await sealTest(store.ledger, recipients, { actor, reason: 'self-test', picture }, clock);
  await sealTest(store.ledger, recipients, { actor, reason: 'again' }, clock);
  const [first, second] = [await store.read(1), await store.read(2)];
  if (first === undefined || second === undefined) return t.fail();
  const { index, size, hashes, checkpoint } = await store.ledger.inclusion(1);
  const proof = {
    sequence: 1,
    key: store.ledger.publicKey.pem,
    inclusion: { index, size, hashes, note: checkpoint?.note ?? '' },
  };
  t.deepEqual(verifyEntry({ ...proof, payload: payloadOf(first) }), []);
  t.deepEqual(verifyEntry({ ...proof, payload: payloadOf(second) }), [
    'The record says that it is number 2.',
    'The proof does not lead from the entry to the checkpoint.',
  ]);
  const bytes = Buffer.from(first.bytes.toString().replace('O. Perez', 'A. Perez'));
  t.deepEqual(verifyEntry({ ...proof, payload: payloadOf({ bytes, signature: first.signature }) }), [
    'The signature is not one of the given key.',
    'The proof does not lead from the entry to the checkpoint.',
  ]);
  const note = (checkpoint?.note ?? '').replace('\n2\n', '\n3\n');
  t.regex(
    verifyEntry({ ...proof, inclusion: { ...proof.inclusion, note }, payload: payloadOf(first) }).join(' '),
    /signature of the checkpoint/,
  );
  await store.close();
  const faulty = {
    ...store.ledger,
    publicKey: store.ledger.publicKey,
    commit: async () => ({ sequence: 1, record: first.kind === 'action' ? first.record : {}, ...second }),
    read: async () => first,
    checkpoint: async () => checkpoint,
    inclusion: async () => ({ index, size, hashes, leafHash: Buffer.alloc(0), checkpoint }),
  } as unknown as Parameters<typeof sealTest>[0];
  const { faults } = await sealTest(faulty, undefined, { actor, reason: 'self-test' }, clock);
  t.deepEqual(faults, ['What is read back is not what was written.']);
});
