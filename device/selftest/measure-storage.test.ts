import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../kernel/clock.ts';
import { type Files, systemFiles } from '../kernel/files.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { milliseconds } from '../kernel/units.ts';
import { judgeStorage } from './judge-machine.ts';
import { measureStorage } from './measure-storage.ts';

/** Files on which every sync takes so long. */
function slow(clock: ManualClock, ms: number): Files {
  const files = new MemoryFiles();
  return {
    open: async (path, mode) => {
      const file = await files.open(path, mode);
      return {
        write: (chunks, position) => file.write(chunks, position),
        datasync: async () => {
          await clock.advance(ms);
          await file.datasync();
        },
        sync: () => file.sync(),
        truncate: (length) => file.truncate(length),
        read: (target, position) => file.read(target, position),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    makeFolder: (path) => files.makeFolder(path),
    list: (path) => files.list(path),
    syncFolder: (path) => files.syncFolder(path),
    space: (path) => files.space(path),
  };
}

const codes = (facts: Awaited<ReturnType<typeof measureStorage>>) =>
  judgeStorage(facts).map(({ code, outcome }) => `${code}: ${outcome}`);

test('a real disk is measured and left as it was', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'selftest-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const facts = await measureStorage({ folder, reserveBytes: 0, files: systemFiles, clock: systemClock });
  if (facts.kind !== 'measured') return t.fail(facts.kind);
  t.true(facts.p99Ms >= facts.p50Ms && facts.p50Ms > 0 && facts.megabytesPerSecond > 0);
  t.deepEqual(await readdir(folder), []);
});

test('a slow medium is found slow, and a very slow one does not hold the test up', async (t) => {
  for (const [ms, said] of [
    [300, 'storage-slow: doubtful'],
    [4000, 'storage-slow: failed'],
  ] as const) {
    const clock = new ManualClock();
    const files = slow(clock, ms);
    await files.makeFolder('/data');
    const begun = clock.monotonic();
    const facts = await measureStorage({ folder: '/data', reserveBytes: 0, files, clock });
    t.like(facts, { kind: 'measured', p50Ms: ms, p99Ms: ms });
    t.deepEqual(codes(facts), [said]);
    t.true(clock.monotonic() - begun <= milliseconds(20_000));
    t.deepEqual(await files.list('/data'), []);
  }
});

test('a disk that fails, and one that is full', async (t) => {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  await files.makeFolder('/data');
  files.plan = ({ kind }) => (kind === 'datasync' ? { code: 'EIO' } : undefined);
  const failed = await measureStorage({ folder: '/data', reserveBytes: 0, files, clock });
  t.deepEqual(codes(failed), ['storage-failed: failed']);
  t.regex(judgeStorage(failed)[0]?.says ?? '', /\/data cannot be written: .*EIO/);
  const missing = await measureStorage({ folder: '/none', reserveBytes: 0, files: new MemoryFiles(), clock });
  t.deepEqual(codes(missing), ['storage-failed: failed']);
  const full = new MemoryFiles();
  await full.makeFolder('/data');
  full.capacity = 1e6;
  const facts = await measureStorage({ folder: '/data', reserveBytes: 64e6, files: full, clock });
  t.deepEqual(codes(facts), ['storage-full: failed'], 'of what was not measured nothing is said');
  t.regex(judgeStorage(facts)[0]?.says ?? '', /^1 MB are free, .*: too little room to measure how fast it writes\.$/);
  const [found] = judgeStorage({ kind: 'full', freeBytes: 70e6, totalBytes: 64e9, reserveBytes: 64e6 });
  t.like(found, { code: 'storage-full', outcome: 'failed' });
  t.is(judgeStorage({ kind: 'full', freeBytes: 70e6, totalBytes: 71e6, reserveBytes: 64e6 })[0]?.outcome, 'doubtful');
  t.deepEqual(await full.list('/data'), [], 'a full disk is not made fuller');
});
