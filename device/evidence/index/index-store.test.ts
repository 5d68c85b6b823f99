import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../../kernel/errors.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { milliseconds } from '../../kernel/units.ts';
import { DurableDocument } from './durable-document.ts';
import { entriesPerDocument, highestIndexed, type IndexEntry, type IndexOptions, IndexStore } from './index-store.ts';

const folder = '/index';

/** What a journal holds at a sequence number, without the effects of later actions. */
type Plan = (sequence: number) => IndexEntry;

const line = (sequence: number) => ({
  position: { sequence, segment: 1, offset: sequence * 100, bytes: 100, sha256: 'a'.repeat(64) },
  time: '2026-01-01T00:00:00.000Z',
});

const evidence: Plan = (sequence) => ({
  ...line(sequence),
  kind: 'evidence',
  id: `unit-1-${sequence}`,
  sealed: '2026-01-01T00:00:01.000Z',
  dated: true,
  rule: 'speeding',
  track: sequence % 50,
  class: 'car',
  lane: null,
  bytes: 1000,
  holds: [],
  erased: null,
});

type Act = readonly ['hold' | 'release' | 'erase' | 'read' | 'list', number | null, string | null];

const action = (sequence: number, [kind, subject, hold]: Act): IndexEntry => ({
  ...line(sequence),
  kind: 'action',
  action: kind,
  subject,
  hold,
  actor: 'somebody',
  reason: 'because',
});

/** Evidence at most numbers, and what is given at some. */
const planOf =
  (acts: ReadonlyMap<number, Act>): Plan =>
  (sequence) => {
    const act = acts.get(sequence);
    if (sequence % 97 === 0) return { ...line(sequence), kind: 'unknown', schema: 'atalaya/other/9' };
    return act === undefined ? evidence(sequence) : action(sequence, act);
  };

/** The lines as they must be after `last`, worked out the plain way. */
function expected(plan: Plan, last: number): IndexEntry[] {
  const lines = Array.from({ length: last }, (_, i) => plan(i + 1));
  for (const entry of lines) {
    if (entry.kind !== 'action' || entry.subject === null || entry.subject >= entry.position.sequence) continue;
    const before = lines[entry.subject - 1];
    if (before?.kind !== 'evidence') continue;
    const holds = new Set(before.holds);
    if (entry.action === 'hold' && entry.hold !== null) holds.add(entry.hold);
    if (entry.action === 'release' && entry.hold !== null) holds.delete(entry.hold);
    const erased = entry.action === 'erase' ? (before.erased ?? entry.position.sequence) : before.erased;
    lines[entry.subject - 1] = { ...before, holds: [...holds].sort(), erased };
  }
  return lines;
}

/** A journal of so many entries that counts how many of them were read. */
function journalOf(last: number, plan: Plan = evidence) {
  const journal = { last, read: 0 };
  async function* source(from: number) {
    for (let sequence = from; sequence <= journal.last; sequence += 1) {
      journal.read += 1;
      yield plan(sequence);
    }
  }
  return { journal, source };
}

const open = (files: MemoryFiles, last: number, source: IndexOptions['source'] = journalOf(last).source) =>
  IndexStore.open(folder, { files, last, source, pause: milliseconds(0) });

async function filled(count: number, plan: Plan = evidence): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const index = await open(files, 0);
  for (let sequence = 1; sequence <= count; sequence += 1) index.add(plan(sequence));
  await index.flush();
  return files;
}

async function isComplete(index: IndexStore, last: number, plan: Plan = evidence): Promise<boolean> {
  for (const [i, entry] of expected(plan, last).entries()) {
    if (JSON.stringify(await index.get(i + 1)) !== JSON.stringify(entry)) return false;
  }
  return index.last === last && (await index.get(last + 1)) === undefined && (await index.get(0)) === undefined;
}

const count = entriesPerDocument * 3 + 40;

test('entries are listed at once, kept in documents of bounded size, and read back without the journal', async (t) => {
  const files = await filled(count);
  t.deepEqual(await files.list(folder), ['00000000.json', '00000001.json', '00000002.json', '00000003.json']);
  t.is(await highestIndexed(files, folder), count);
  const { journal, source } = journalOf(count);
  const index = await open(files, count, source);
  t.true(await isComplete(index, count));
  t.is(journal.read, 0);
  t.is(index.rebuilt, 0);
  t.throws(() => index.add(evidence(count + 2)), { instanceOf: RangeError });
});

test('entries that are added together share a write, and writes keep their distance until somebody asks', async (t) => {
  const files = new MemoryFiles();
  const waits: AbortSignal[] = [];
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((done) => {
      if (signal === undefined) return;
      waits.push(signal);
      signal.addEventListener('abort', () => done());
    });
  const options = { files, last: 0, source: journalOf(0).source, timer: { sleep } };
  const index = await IndexStore.open(folder, options);
  let renames = 0;
  files.plan = ({ kind }) => {
    if (kind === 'rename') renames += 1;
    return undefined;
  };
  for (let sequence = 1; sequence <= 100; sequence += 1) index.add(evidence(sequence));
  while (waits.length === 0) await new Promise((done) => setImmediate(done));
  t.is(renames, 1);
  for (let sequence = 101; sequence <= 200; sequence += 1) {
    index.add(evidence(sequence));
    await new Promise((done) => setImmediate(done));
  }
  t.is(renames, 1);
  t.is((await index.get(200))?.position.sequence, 200);
  await index.flush();
  t.is(renames, 2);
  t.is(await highestIndexed(files, folder), 200);
});

test('whatever is missing, damaged or behind is made anew from the journal, later actions included', async (t) => {
  const acts = new Map<number, Act>([
    [200, ['hold', 10, 'court']],
    [300, ['hold', 250, 'court']],
    [301, ['hold', 250, 'appeal']],
    [700, ['release', 10, 'court']],
    [780, ['release', 250, 'court']],
    [790, ['erase', 600, null]],
    [800, ['erase', 20, null]],
    [802, ['erase', 20, null]],
  ]);
  const plan = planOf(acts);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('good', 'missing', 'flipped', 'cut', 'empty'), { minLength: 4, maxLength: 4 }),
      fc.nat(),
      fc.integer({ min: 0, max: 2 * entriesPerDocument }),
      async (states, where, ahead) => {
        const files = await filled(count, plan);
        for (const [i, state] of states.entries()) await spoil(files, `${folder}/0000000${i}.json`, state, where);
        const last = count + ahead;
        const { journal, source } = journalOf(last, plan);
        const index = await open(files, last, source);
        const atOpening = journal.read;
        const complete = await isComplete(index, last, plan);
        await index.flush();
        const after = journalOf(last, plan);
        const again = await open(files, last, after.source);
        return (
          complete && atOpening <= 2 * last + 2 && (await isComplete(again, last, plan)) && after.journal.read === 0
        );
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

test('documents of another format are all made anew', async (t) => {
  const files = await filled(count);
  for (const name of await files.list(folder)) {
    const document = new DurableDocument<unknown>(files, `${folder}/${name}`);
    await document.write({ format: 'atalaya/index/1', entries: [] });
  }
  const { journal, source } = journalOf(count);
  const index = await open(files, count, source);
  t.true(await isComplete(index, count));
  t.is(index.rebuilt, 4);
  t.true(journal.read <= count + 1);
});

test('the names of documents alone prove how far the journal had come', async (t) => {
  const files = await filled(count);
  await spoil(files, `${folder}/00000003.json`, 'flipped', 99);
  t.is(await highestIndexed(files, folder), 3 * entriesPerDocument);
  t.is(await highestIndexed(new MemoryFiles(), '/nothing'), 0);
});

test('a document that cannot be written is kept, told of, and written with the next entry', async (t) => {
  const files = new MemoryFiles();
  const index = await open(files, 0);
  files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  for (let sequence = 1; sequence <= entriesPerDocument + 1; sequence += 1) index.add(evidence(sequence));
  await index.flush();
  t.is(index.fault?.code, 'store-full');
  t.true(await isComplete(index, entriesPerDocument + 1));
  files.plan = () => undefined;
  index.add(evidence(entriesPerDocument + 2));
  await index.flush();
  t.is(index.fault, undefined);
  t.is(await highestIndexed(files, folder), entriesPerDocument + 2);
  t.deepEqual(await files.list(folder), ['00000000.json', '00000001.json']);
});

test('while the disk fails, memory stays bounded: what does not fit is made anew from the journal, and written when it can be', async (t) => {
  const last = entriesPerDocument * 90;
  const acts = new Map<number, Act>();
  for (let sequence = 600; sequence <= last; sequence += 500) acts.set(sequence, ['hold', sequence - 599, 'court']);
  const plan = planOf(acts);
  const { journal, source } = journalOf(300, plan);
  const files = await filled(300, plan);
  const index = await open(files, 300, source);
  files.plan = ({ kind }) => (kind === 'write' ? { code: 'EIO' } : undefined);
  for (let sequence = 301; sequence <= last; sequence += 1) {
    journal.last = sequence;
    index.add(plan(sequence));
  }
  await index.flush();
  t.is(index.fault?.code, 'store-failed');
  const all = expected(plan, last);
  for (const sequence of [1, 301, 1001, 4000, 9001, last]) t.deepEqual(await index.get(sequence), all[sequence - 1]);
  files.plan = () => undefined;
  await index.flush();
  t.is(index.fault, undefined);
  t.true(index.rebuilt > 20);
  const after = journalOf(last, plan);
  t.true(await isComplete(await open(files, last, after.source), last, plan));
  t.is(after.journal.read, 0);
});

const act = fc.record({
  kind: fc.constantFrom('hold', 'hold', 'release', 'erase', 'read', 'list'),
  subject: fc.oneof(
    fc.integer({ min: 1, max: 256 }),
    fc.integer({ min: 1, max: 900 }),
    fc.constantFrom(1, 256, 257, 490),
  ),
  hold: fc.constantFrom('court', 'appeal'),
});

test('after a power cut at any operation, actions show on the lines that they are about, whatever was on disk', async (t) => {
  const seen = { cut: 0, behind: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 20, maxLength: 120 }),
      fc.integer({ min: 0, max: 160 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer(),
      fc.boolean(),
      async (list, cut, second, seed, lose) => {
        const random = seededRandom(seed);
        // Some evidence, then actions on it in bursts with evidence between, over the edges of documents.
        const begin = entriesPerDocument * 2 - 20;
        const acts = new Map<number, Act>();
        for (const [i, { kind, subject, hold }] of list.entries()) acts.set(begin + i, [kind, subject, hold]);
        const plan = planOf(acts);
        const last = begin + list.length + Math.floor(random() * random() * entriesPerDocument);
        const files = await filled(begin - 1, plan);
        const start = files.operations;
        const { journal, source } = journalOf(begin - 1, plan);
        files.plan = ({ number }) => (number === start + cut ? 'power-cut' : undefined);
        const work = async () => {
          const index = await open(files, begin - 1, source);
          for (let sequence = begin; sequence <= last; sequence += 1) {
            journal.last = sequence;
            index.add(plan(sequence));
            if (random() < 0.2) await new Promise((done) => setImmediate(done));
            // Some turns only: the next entry comes in the middle of a write.
            else for (let turns = Math.floor(random() * 12); turns > 0; turns -= 1) await undefined;
            if (random() < 0.05) await index.flush();
          }
          await index.flush();
        };
        await work().catch(expectFault);
        journal.last = last;
        if (files.operations > start + cut) seen.cut += 1;
        // The start after it is cut as well, in making anew what was lost.
        const between = files.survivors(random);
        if (lose) await spoil(between, `${folder}/00000000.json`, 'missing', 0);
        const again = between.operations;
        between.plan = ({ number }) => (number === again + second ? 'power-cut' : undefined);
        await open(between, last, source).then((index) => index.flush(), expectFault);
        const after = between.survivors(random);
        if ((await highestIndexed(after, folder)) < last) seen.behind += 1;
        const index = await open(after, last, source);
        const complete = await isComplete(index, last, plan);
        await index.flush();
        const level = await open(after, last, source);
        return complete && (await isComplete(level, last, plan));
      },
    ),
    { numRuns: 400 },
  );
  t.log(`${seen.cut} cuts, ${seen.behind} starts that found the index behind`);
  t.true(seen.cut > 10 && seen.behind > 10);
});

function expectFault(error: unknown): void {
  if (!(error instanceof AtalayaError) && !(error instanceof Error && 'code' in error)) throw error;
}

async function spoil(files: MemoryFiles, path: string, state: string, where: number): Promise<void> {
  if (state === 'good') return;
  if (state === 'missing') return files.remove(path).catch(() => undefined);
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
