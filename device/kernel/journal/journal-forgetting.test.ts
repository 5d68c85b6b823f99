import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../errors.ts';
import { fault } from '../testing/fault.ts';
import { MemoryFiles } from '../testing/memory-files.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { Journal, type JournalOptions } from './journal.ts';

const folder = '/data/journal';
const open = (files: MemoryFiles, more: Partial<JournalOptions> = {}) =>
  Journal.open(folder, { files, segmentBytes: 1000, atLeast: 0, headless: true, ...more });

const put = (journal: Journal) =>
  journal.append(journal.next, Buffer.from(JSON.stringify({ sequence: journal.next, text: 'x'.repeat(100) })));

async function filled(files: MemoryFiles, entries: number): Promise<Journal> {
  const journal = await open(files);
  for (let i = 0; i < entries; i += 1) await put(journal);
  return journal;
}

async function sequences(journal: Journal, from = 1): Promise<number[]> {
  const found: number[] = [];
  for await (const { position, payload } of journal.entries(from)) {
    if ((JSON.parse(payload.toString()) as { sequence: number }).sequence !== position.sequence)
      throw new Error('not itself');
    found.push(position.sequence);
  }
  return found;
}

const upTo = (last: number, from: number) => Array.from({ length: last - from + 1 }, (_, i) => from + i);
const names = async (files: MemoryFiles) => (await files.list(folder)).map((name) => Number(name.slice(0, 12)));

test('whole closed segments go, and only those whose entries are all below the mark', async (t) => {
  const files = new MemoryFiles();
  const journal = await filled(files, 30);
  const before = await names(files);
  const [, second = 0, third = 0] = before;
  await journal.forget(second - 1);
  t.deepEqual(await names(files), before);
  await journal.forget(third);
  t.deepEqual(await names(files), before.slice(2));
  t.deepEqual(await sequences(journal), upTo(30, third));
  t.deepEqual(
    journal.segments.map(({ first }) => first),
    before.slice(2),
  );
  await journal.forget(1000);
  t.deepEqual(await names(files), before.slice(-1));
  t.is(journal.bytes, journal.segments[0]?.bytes ?? 0);
  t.is((await put(journal)).sequence, 31);
});

test('it opens again without its head, goes on and is checked; a gap or a lost tail is damage as ever', async (t) => {
  const files = new MemoryFiles();
  const journal = await filled(files, 30);
  await journal.forget(13);
  const first = journal.segments[0]?.first ?? 0;
  await journal.close();
  t.true(first > 1);
  const again = await open(files, { atLeast: 30 });
  t.deepEqual(await sequences(again), upTo(30, first));
  t.is(again.bytes, journal.bytes);
  t.is((await put(again)).sequence, 31);
  let checked = 0;
  for await (const { bytes } of again.check()) checked += bytes;
  t.is(checked, again.bytes - (again.segments.at(-1)?.bytes ?? 0));
  await again.close();
  t.is((await fault(open(files, { atLeast: 32 }))).code, 'store-damaged');
  const { message } = await fault(open(files, { headless: false }));
  t.regex(message, /000000000001\.journal at byte 0: the segment is missing/);
  const middle = (await names(files))[1] ?? 0;
  await files.remove(`${folder}/${String(middle).padStart(12, '0')}.journal`);
  t.is((await fault(open(files))).code, 'store-damaged');
});

test('a journal that keeps everything forgets nothing', async (t) => {
  const files = new MemoryFiles();
  const journal = await Journal.open(folder, { files, segmentBytes: 1000, atLeast: 0 });
  for (let i = 0; i < 30; i += 1) await put(journal);
  const before = await names(files);
  t.is((await fault(journal.forget(20))).code, 'internal');
  t.deepEqual(await names(files), before);
});

test('what is forgotten while it is read is left out or read whole, never taken for damage', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(29), fc.nat(40), fc.nat(29), async (from, mark, when) => {
      const files = new MemoryFiles();
      const journal = await filled(files, 30);
      const found: number[] = [];
      for await (const { position } of journal.entries(from)) {
        found.push(position.sequence);
        if (found.length === when) await journal.forget(mark);
      }
      const kept = Math.max(from, 1, mark);
      return (
        found.every((sequence, i) => i === 0 || sequence > (found[i - 1] ?? 0)) &&
        upTo(30, kept).every((s) => found.includes(s))
      );
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('reading on behind a known position gives what reading from the start of its segment gives', async (t) => {
  const files = new MemoryFiles();
  const journal = await open(files);
  const positions = [];
  for (let i = 0; i < 30; i += 1) positions.push(await put(journal));
  for (const after of positions) {
    for (const from of [after.sequence - 1, after.sequence, after.sequence + 1, after.sequence + 3]) {
      const found: number[] = [];
      for await (const { position } of journal.entries(from, after)) found.push(position.sequence);
      t.deepEqual(found, upTo(30, Math.max(1, from)));
    }
  }
});

test('the power is cut anywhere while it forgets: what was not given up is all there', async (t) => {
  let cuts = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.integer({ min: 1, max: 31 }), fc.integer(), async (cut, mark, seed) => {
      const files = new MemoryFiles();
      const journal = await filled(files, 30);
      const from = files.operations;
      files.plan = ({ number }) => (number === from + cut ? 'power-cut' : undefined);
      await journal.forget(mark).catch((error: unknown) => {
        cuts += 1;
        if (!(error instanceof AtalayaError) || error.code !== 'store-failed') throw error;
      });
      const after = await open(files.survivors(seededRandom(seed)), { atLeast: 30 });
      const found = await sequences(after);
      return found.at(-1) === 30 && (found[0] ?? 31) <= mark && found.length === 31 - (found[0] ?? 0);
    }),
    { numRuns: 300 },
  );
  t.true(cuts > 50, String(cuts));
});
