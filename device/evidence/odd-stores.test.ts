import test from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import { encodeFrame } from '../kernel/journal/journal-frame.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { rootFromInclusion } from './log/testing/naive-tree.ts';
import { indexEntryOf } from './record/read-entry.ts';
import { checkStore } from './testing/check-store.ts';
import { clerk, everything, fault, inMemory, linesOf, seal, spoil, testKeystore } from './testing/stores.ts';

const folder = '/data';

/** A store with evidence, one of it held and one erased, closed. */
async function used(more: Parameters<typeof inMemory>[1] = {}): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open(folder, inMemory(files, more));
  const ids: string[] = [];
  for (let at = 1; at <= 4; at += 1) ids.push((await seal(store, at)).id);
  await store.custody.hold(ids[0] as string, 'court', clerk);
  await store.custody.erase(ids[1] as string, clerk);
  await store.close();
  return files;
}

const states = async (files: MemoryFiles) => {
  const store = await EvidenceStore.open(folder, inMemory(files));
  const lines = await linesOf(store);
  await store.close();
  return { lines, opening: store.opening };
};

/** Opens the store, and looks whether all that belongs to it is good afterwards. */
async function goesOn(files: MemoryFiles) {
  const { lines, opening } = await states(files);
  const { records, checkpoint, held, erased } = await checkStore(folder, files);
  return { lines, opening, good: checkpoint === records.length && records.length === 6, held, erased };
}

for (const [how, damage] of [
  ['missing', (files: MemoryFiles) => files.remove(`${folder}/index/00000000.json`)],
  ['damaged', (files: MemoryFiles) => spoil(`${folder}/index/00000000.json`, 200, files)],
  ['cut', async (files: MemoryFiles) => (await files.open(`${folder}/index/00000000.json`, 'update')).truncate(300)],
] as const) {
  test(`an index that is ${how} is made anew, with the same holds and erasures`, async (t) => {
    const files = await used();
    const before = await states(files);
    await damage(files);
    const after = await goesOn(files);
    t.deepEqual(after.lines, before.lines);
    t.deepEqual([before.opening.rebuiltDocuments, after.opening.rebuiltDocuments], [0, 1]);
    t.true(after.good);
  });
}

for (const [what, damage, rebuilt] of [
  ['a missing checkpoint', (files: MemoryFiles) => files.remove(`${folder}/log/checkpoint`), true],
  [
    'a checkpoint that was cut',
    async (files: MemoryFiles) => (await files.open(`${folder}/log/checkpoint`, 'update')).truncate(30),
    true,
  ],
  ['a checkpoint with a wrong signature', (files: MemoryFiles) => spoil(`${folder}/log/checkpoint`, 20, files), true],
  ['a missing tile', (files: MemoryFiles) => files.remove(`${folder}/log/tile/0/000.p/6`), true],
  ['a damaged tile', (files: MemoryFiles) => spoil(`${folder}/log/tile/0/000.p/6`, 40, files), true],
  ['a missing public key', (files: MemoryFiles) => files.remove(`${folder}/public/unit.pem`), false],
] as const) {
  test(`${what} is made anew from the journal`, async (t) => {
    const files = await used();
    await damage(files);
    const { opening, good, held, erased } = await goesOn(files);
    t.is(opening.rebuiltTiles, rebuilt);
    t.true(good);
    t.deepEqual([held, erased], [['unit-1-000000001 court'], ['unit-1-000000002']]);
  });
}

test('a checkpoint that covers more than the journal has is of a store that was rolled back: nothing is opened or changed', async (t) => {
  const older = await used();
  const files = older.survivors(() => 0.999);
  const store = await EvidenceStore.open(folder, inMemory(files));
  await seal(store, 9);
  await store.close();
  const checkpoint = (await everything(folder, files)).get(`${folder}/log/checkpoint`) as string;
  const file = await older.open(`${folder}/log/checkpoint`, 'create');
  await file.write([Buffer.from(checkpoint, 'latin1')], 0);
  const before = await everything(folder, older);
  t.is((await fault(EvidenceStore.open(folder, inMemory(older)))).code, 'store-damaged');
  t.deepEqual(await everything(folder, older), before);
});

for (const [what, prepare] of [
  ['', async () => undefined],
  [', torn at its end', (files: MemoryFiles) => tear(files)],
  [', without a checkpoint', (files: MemoryFiles) => files.remove(`${folder}/log/checkpoint`)],
] as const) {
  test(`another key does not go on in a store${what}, and changes nothing`, async (t) => {
    const files = await used();
    await prepare(files);
    const before = await everything(folder, files);
    const { code, hint } = await fault(EvidenceStore.open(folder, inMemory(files, { keystore: testKeystore(2) })));
    t.is(code, 'key-mismatch');
    t.regex(hint ?? '', /key/);
    t.deepEqual(await everything(folder, files), before);
    t.true((await goesOn(files)).good);
  });
}

test('another unit does not go on in a store either', async (t) => {
  const files = await used();
  const before = await everything(folder, files);
  t.is((await fault(EvidenceStore.open(folder, inMemory(files, { unit: 'unit-2' })))).code, 'key-mismatch');
  t.deepEqual(await everything(folder, files), before);
});

async function tear(files: MemoryFiles): Promise<void> {
  const name = (await files.list(`${folder}/journal`)).at(-1);
  const file = await files.open(`${folder}/journal/${name}`, 'update');
  await file.write([Buffer.from('J1 00000')], await file.size());
}

test('a damaged journal is not opened, and is free again for the next attempt', async (t) => {
  const files = await used({ segmentBytes: 1_000_000 });
  await spoil(`${folder}/journal/000000000001.journal`, 400, files);
  for (let i = 0; i < 2; i += 1) {
    const { code, message } = await fault(EvidenceStore.open(folder, inMemory(files)));
    t.is(code, 'store-damaged');
    t.regex(message, /segment 000000000001\.journal at byte \d+/);
  }
});

test('damage inside a closed segment is found by whoever reads it, and costs no other entry', async (t) => {
  const files = await used();
  await spoil(`${folder}/journal/000000000001.journal`, 400, files);
  const store = await EvidenceStore.open(folder, inMemory(files));
  const { code, message } = await fault(store.read(1));
  t.is(code, 'store-damaged');
  t.regex(message, /segment 000000000001\.journal at byte \d+/);
  t.like(await store.read(4), { kind: 'evidence' });
  t.is((await seal(store, 9)).sequence, 7);
  await store.close();
});

test('an entry that newer software wrote is kept, logged, listed as unknown, and everything else goes on', async (t) => {
  const files = await used();
  const schema = 'x/y/9';
  const store = await EvidenceStore.open(folder, inMemory(files));
  const { bytes } = await store.ledger.commit(
    (head) => ({ ...head, schema, what: ['nobody', 'knows'] }),
    (_, position, signed) => indexEntryOf({ ...signed, kind: 'unknown', schema }, position),
  );
  await store.close();
  await files.remove(`${folder}/index/00000000.json`);
  await files.remove(`${folder}/log/checkpoint`);
  const again = await EvidenceStore.open(folder, inMemory(files));
  const line = (await linesOf(again)).at(-1);
  t.like(line, { kind: 'unknown', schema });
  const entry = await again.read(7);
  t.like(entry, { kind: 'unknown', schema });
  t.true(entry?.bytes.equals(bytes));
  const { leafHash, hashes } = await again.ledger.inclusion(7);
  t.true(rootFromInclusion(6, 7, leafHash, hashes)?.equals(again.ledger.checkpointed?.root as Buffer));
  t.is((await seal(again, 8)).sequence, 8);
  t.is((await fault(again.custody.hold('unit-1-000000007', 'court', clerk))).code, 'evidence-unknown');
  const retained = await again.retain();
  t.deepEqual(retained.erased, []);
  await again.close();
  t.is((await checkStore(folder, files)).records.length, 8);
});

test('a journal of an unknown format is refused with its name, and nothing is changed', async (t) => {
  const files = await used();
  const payload = Buffer.from('{"first":1,"format":"atalaya/journal/9","previous":null}');
  const name = `${folder}/journal/000000000001.journal`;
  const file = await files.open(name, 'create');
  await file.write([encodeFrame('S1', 1, 0, payload)], 0);
  for (const other of await files.list(`${folder}/journal`)) {
    if (`${folder}/journal/${other}` !== name) await files.remove(`${folder}/journal/${other}`);
  }
  const before = await everything(folder, files);
  const error = await fault(EvidenceStore.open(folder, inMemory(files)));
  t.is(error.code, 'store-version-unknown');
  t.regex(error.message, /atalaya\/journal\/9.*atalaya\/journal\/2/);
  t.true(error instanceof AtalayaError && /software that wrote it/.test(error.hint ?? ''));
  t.deepEqual(await everything(folder, files), before);
});
