import test from 'ava';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { type HistoryEntry, historyPath, UpdateHistory } from './update-history.ts';

const entry = (number: number): HistoryEntry => ({
  at: '2026-03-01T12:00:00.000Z',
  event: 'succeeded',
  job: `job-${number}`,
  reasons: [],
});
const jobs = (entries: readonly HistoryEntry[]) => entries.map(({ job }) => job);

test('entries are there after a power cut at any operation, a torn line is cut off, the same twice is one', async (t) => {
  for (let cut = 0; ; cut += 1) {
    const files = new MemoryFiles();
    await files.makeFolder('/data');
    await files.syncFolder('/');
    let [count, added, off] = [0, 0, false];
    files.plan = () => {
      count += 1;
      off ||= count > cut;
      return off ? 'power-cut' : undefined;
    };
    try {
      const history = await UpdateHistory.open(files, '/data');
      for (const number of [1, 2, 2, 3]) {
        await history.add(entry(number));
        added = number;
      }
    } catch (error) {
      if (!off) throw error;
    }
    const after = files.survivors(seededRandom(cut));
    const found = await UpdateHistory.open(after, '/data');
    t.true(
      found.entries.length >= added && found.entries.length <= added + 1,
      `cut ${cut}: ${jobs(found.entries).join()}`,
    );
    await found.add(entry(9));
    t.is(jobs(await UpdateHistory.read(after, '/data')).at(-1), 'job-9');
    if (!off) break;
  }
});

test('a line that cannot be read costs itself alone; of more than a thousand entries the newer ones are kept', async (t) => {
  const files = new MemoryFiles();
  await files.makeFolder('/data');
  const lines = [JSON.stringify(entry(1)), '{"at":', JSON.stringify(entry(2)), '{"torn'];
  await writeWholeFile(files, historyPath('/data'), Buffer.from(lines.join('\n')));
  const history = await UpdateHistory.open(files, '/data');
  t.deepEqual(jobs(history.entries), ['job-1', 'job-2']);
  t.is((await readWholeFile(files, historyPath('/data')))?.toString().split('\n').length, 3);
  for (let number = 3; number <= 1100; number += 1) await history.add(entry(number));
  const kept = jobs(await UpdateHistory.read(files, '/data'));
  t.true(kept.length <= 1000 && kept.length >= 500, String(kept.length));
  t.is(kept.at(-1), 'job-1100');
});
