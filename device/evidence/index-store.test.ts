import test from 'ava';
import fc from 'fast-check';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { entriesPerDocument, highestIndexed, type IndexEntry, IndexStore } from './index-store.ts';

const folder = '/index';

const entryOf = (sequence: number): IndexEntry => ({
  position: { sequence, segment: 1, offset: sequence * 100, bytes: 100, sha256: 'a'.repeat(64) },
  id: `unit-1-${sequence}`,
  time: '2026-01-01T00:00:00.000Z',
  rule: 'speeding',
  track: sequence % 50,
  class: 'car',
  lane: null,
});

/** A journal of so many entries that counts how many of them were read. */
function journalOf(last: number) {
  const journal = { last, read: 0 };
  async function* source(from: number) {
    for (let sequence = from; sequence <= journal.last; sequence += 1) {
      journal.read += 1;
      yield entryOf(sequence);
    }
  }
  return { journal, source };
}

async function filled(count: number): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const index = await IndexStore.open(folder, { files, last: 0, source: journalOf(0).source });
  for (let sequence = 1; sequence <= count; sequence += 1) index.add(entryOf(sequence));
  await index.flush();
  return files;
}

async function isComplete(index: IndexStore, last: number): Promise<boolean> {
  for (let sequence = 1; sequence <= last; sequence += 1) {
    const entry = await index.get(sequence);
    if (JSON.stringify(entry) !== JSON.stringify(entryOf(sequence))) return false;
  }
  return index.last === last && (await index.get(last + 1)) === undefined && (await index.get(0)) === undefined;
}

const count = entriesPerDocument * 3 + 40;

test('entries are listed at once, kept in documents of bounded size, and read back without the journal', async (t) => {
  const files = await filled(count);
  t.deepEqual(await files.list(folder), ['00000000.json', '00000001.json', '00000002.json', '00000003.json']);
  t.is(await highestIndexed(files, folder), count);
  const { journal, source } = journalOf(count);
  const index = await IndexStore.open(folder, { files, last: count, source });
  t.true(await isComplete(index, count));
  t.is(journal.read, 0);
  t.is(index.rebuilt, 0);
  t.throws(() => index.add(entryOf(count + 2)), { instanceOf: RangeError });
});

test('entries that are added together share a write', async (t) => {
  const files = new MemoryFiles();
  const index = await IndexStore.open(folder, { files, last: 0, source: journalOf(0).source });
  let renames = 0;
  files.plan = ({ kind }) => {
    if (kind === 'rename') renames += 1;
    return undefined;
  };
  for (let sequence = 1; sequence <= 100; sequence += 1) index.add(entryOf(sequence));
  await index.flush();
  t.is(renames, 1);
});

test('whatever is missing, damaged or behind is made anew from the journal, which is read once', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('good', 'missing', 'flipped', 'cut', 'empty'), { minLength: 4, maxLength: 4 }),
      fc.nat(),
      fc.integer({ min: 0, max: 2 * entriesPerDocument }),
      async (states, where, ahead) => {
        const files = await filled(count);
        for (const [i, state] of states.entries()) await spoil(files, `${folder}/0000000${i}.json`, state, where);
        const last = count + ahead;
        const { journal, source } = journalOf(last);
        const index = await IndexStore.open(folder, { files, last, source });
        const atOpening = journal.read;
        const complete = await isComplete(index, last);
        await index.flush();
        const after = journalOf(last);
        const again = await IndexStore.open(folder, { files, last, source: after.source });
        return complete && atOpening <= last + 1 && (await isComplete(again, last)) && after.journal.read === 0;
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

test('the names of documents alone prove how far the journal had come', async (t) => {
  const files = await filled(count);
  await spoil(files, `${folder}/00000003.json`, 'flipped', 99);
  t.is(await highestIndexed(files, folder), 3 * entriesPerDocument);
  t.is(await highestIndexed(new MemoryFiles(), '/nothing'), 0);
});

test('a document that cannot be written is kept, told of, and written with the next entry', async (t) => {
  const files = new MemoryFiles();
  const index = await IndexStore.open(folder, { files, last: 0, source: journalOf(0).source });
  files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  for (let sequence = 1; sequence <= entriesPerDocument + 1; sequence += 1) index.add(entryOf(sequence));
  await index.flush();
  t.is(index.fault?.code, 'store-full');
  t.true(await isComplete(index, entriesPerDocument + 1));
  files.plan = () => undefined;
  index.add(entryOf(entriesPerDocument + 2));
  await index.flush();
  t.is(index.fault, undefined);
  t.is(await highestIndexed(files, folder), entriesPerDocument + 2);
  t.deepEqual(await files.list(folder), ['00000000.json', '00000001.json']);
});

async function spoil(files: MemoryFiles, path: string, state: string, where: number): Promise<void> {
  if (state === 'good') return;
  if (state === 'missing') return files.remove(path);
  const file = await files.open(path, 'update');
  const size = await file.size();
  if (state === 'empty') await file.truncate(0);
  else if (state === 'cut') await file.truncate(where % size);
  else {
    const byte = Buffer.alloc(1);
    await file.read(byte, where % size);
    byte[0] = (byte[0] as number) ^ 1;
    await file.write([byte], where % size);
  }
}
