import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { AppendFile, makeFolders, readWholeFile, writeWholeFile } from './durable-file.ts';
import { AtalayaError } from './errors.ts';
import { type Files, systemFiles } from './files.ts';
import { MemoryFiles, type Mishap } from './testing/memory-files.ts';
import { seededRandom } from './testing/seeded-random.ts';

const old = Buffer.alloc(3000, 'o');
const fresh = Buffer.alloc(2000, 'n');

test('a whole file and a growing file on the real file system', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-durable-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const inner = join(folder, 'a', 'b', 'c');
  await makeFolders(systemFiles, inner);
  await makeFolders(systemFiles, inner);
  const path = join(inner, 'file');
  t.is(await readWholeFile(systemFiles, path), undefined);
  await writeWholeFile(systemFiles, path, old);
  await writeWholeFile(systemFiles, path, fresh);
  t.deepEqual(await readWholeFile(systemFiles, path), fresh);
  const file = await AppendFile.open(systemFiles, path, 10);
  await file.append(Buffer.from('one'));
  await file.append(Buffer.from('two'));
  await file.close();
  t.is((await readWholeFile(systemFiles, path))?.toString().slice(0, 16), 'nnnnnnnnnnonetwo');
  t.deepEqual(await systemFiles.list(inner), ['file']);
  const { free, total } = await systemFiles.space(inner);
  t.true(free > 0 && free < total);
});

test('where nobody can make a folder that is said', async (t) => {
  await t.throwsAsync(makeFolders(systemFiles, '/proc/atalaya/a'), {
    code: 'store-failed',
    message: /nothing can be made in \/proc/,
  });
});

test('a folder that is mounted into a root that nobody writes to is used', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-durable-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const failing = (code: string): Files => ({
    ...systemFiles,
    syncFolder: async () => {
      throw Object.assign(new Error('fsync'), { code });
    },
  });
  for (const code of ['EINVAL', 'EACCES']) await t.notThrowsAsync(makeFolders(failing(code), folder));
  for (const code of ['EIO', 'EROFS'])
    await t.throwsAsync(makeFolders(failing(code), folder), { code: 'store-failed' });
});

test('a power cut at any operation of a replacement leaves the old content or the new one', async (t) => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.nat(8), fc.integer(), async (cut, seed) => {
      const files = new MemoryFiles();
      await makeFolders(files, '/data');
      await writeWholeFile(files, '/data/file', old);
      const start = files.operations;
      files.plan = ({ number }) => (number === start + cut ? 'power-cut' : undefined);
      const acknowledged = await writeWholeFile(files, '/data/file', fresh).then(
        () => true,
        () => false,
      );
      const content = await readWholeFile(files.survivors(seededRandom(seed)), '/data/file');
      seen.add(content?.equals(fresh) ? 'new' : 'old');
      return content !== undefined && (content.equals(fresh) || (content.equals(old) && !acknowledged));
    }),
    { numRuns: 400 },
  );
  t.deepEqual([...seen].sort(), ['new', 'old']);
});

test('a fault in any operation of a replacement is named, and the old content stands until the rename', async (t) => {
  for (const kind of ['open', 'write', 'sync', 'rename', 'syncFolder'] as const) {
    const files = new MemoryFiles();
    await makeFolders(files, '/data');
    await writeWholeFile(files, '/data/file', old);
    files.plan = (operation) => (operation.kind === kind ? { code: 'ENOSPC', bytes: 700 } : undefined);
    const error = await t.throwsAsync(writeWholeFile(files, '/data/file', fresh), { instanceOf: AtalayaError });
    t.is(error?.code, 'store-full');
    files.plan = () => undefined;
    t.deepEqual(await readWholeFile(files, '/data/file'), kind === 'syncFolder' ? fresh : old);
    t.deepEqual(await files.list('/data'), ['file']);
  }
});

const mishaps: readonly [string, Mishap, string][] = [
  ['a full disk', { code: 'ENOSPC', bytes: 5 }, 'store-full'],
  ['a quota', { code: 'EDQUOT', bytes: 0 }, 'store-full'],
  ['a failing disk', { code: 'EIO', bytes: 5 }, 'store-failed'],
  ['a failing flush', { code: 'EIO', bytes: Number.POSITIVE_INFINITY }, 'store-failed'],
];

for (const [what, mishap, code] of mishaps) {
  test(`${what} ends a growing file: what stood before is whole, and nothing is tried again`, async (t) => {
    const files = new MemoryFiles();
    await writeWholeFile(files, '/file', Buffer.alloc(0));
    const file = await AppendFile.open(files, '/file', 0);
    await file.append(old);
    let once: Mishap | undefined = mishap;
    files.plan = ({ kind }) => {
      if (kind !== 'write') return undefined;
      const now = once;
      once = undefined;
      return now;
    };
    const first = await t.throwsAsync(file.append(fresh), { instanceOf: AtalayaError });
    t.is(first?.code, code as never);
    t.true(first?.message.includes('after byte 3000'));
    const operations = files.operations;
    t.is(await t.throwsAsync(file.append(fresh)), first);
    t.is(files.operations, operations);
    t.is(file.length, old.byteLength);
    t.deepEqual(await readWholeFile(files, '/file'), old);
    for (let seed = 0; seed < 20; seed += 1) {
      const content = await readWholeFile(files.survivors(seededRandom(seed)), '/file');
      t.deepEqual(content?.subarray(0, old.byteLength), old, 'whatever became of the cut');
    }
  });
}

test('an append that has resolved survives any power cut; one that the cut interrupts may be there in part', async (t) => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed += 1) {
    const files = new MemoryFiles();
    await writeWholeFile(files, '/file', Buffer.alloc(0));
    const file = await AppendFile.open(files, '/file', 0);
    await file.append(old);
    files.plan = ({ kind }) => (kind === 'write' ? 'power-cut' : undefined);
    await t.throwsAsync(file.append(fresh), { instanceOf: AtalayaError });
    const content = (await readWholeFile(files.survivors(seededRandom(seed)), '/file')) as Buffer;
    t.deepEqual(content.subarray(0, old.byteLength), old);
    const rest = content.subarray(old.byteLength);
    seen.add(rest.equals(fresh) ? 'all' : rest.every((byte) => byte === 0) ? 'nothing' : 'part');
  }
  t.deepEqual([...seen].sort(), ['all', 'nothing', 'part']);
});

test('a memory that is full says so, writes what fits, and has room again for what is removed', async (t) => {
  const files = new MemoryFiles();
  files.capacity = 5000;
  await writeWholeFile(files, '/one', old);
  t.deepEqual(await files.space('/'), { free: 2000, total: 5000 });
  await writeWholeFile(files, '/two', fresh);
  const error = await t.throwsAsync(writeWholeFile(files, '/three', fresh), { instanceOf: AtalayaError });
  t.is(error?.code, 'store-full');
  t.deepEqual(await files.list('/'), ['one', 'two']);
  const partly = await AppendFile.open(files, '/two', 1500);
  await partly.append(Buffer.alloc(500, 'x'));
  await t.throwsAsync(partly.append(Buffer.alloc(1, 'x')), { instanceOf: AtalayaError });
  await files.remove('/one');
  t.is((await files.space('/')).free, 3000);
  await writeWholeFile(files, '/three', fresh);
});
