import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { AppendFile, makeFolders, readWholeFile, writeWholeFile } from './durable-file.ts';
import { AtalayaError } from './errors.ts';
import { systemFiles } from './files.ts';
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
  await file.append([Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')]);
  await file.close();
  t.is((await readWholeFile(systemFiles, path))?.toString().slice(0, 16), 'nnnnnnnnnnonetwo');
  t.deepEqual(await systemFiles.list(inner), ['file']);
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

const mishaps: readonly [string, 'write' | 'datasync', Mishap, string, boolean][] = [
  ['a full disk', 'write', { code: 'ENOSPC', bytes: 5 }, 'store-full', true],
  ['a quota', 'write', { code: 'EDQUOT', bytes: 0 }, 'store-full', true],
  ['a failing disk', 'write', { code: 'EIO', bytes: 5 }, 'store-failed', true],
  ['a failed fsync', 'datasync', { code: 'EIO' }, 'store-failed', false],
];

for (const [what, kind, mishap, code, saysCut] of mishaps) {
  test(`${what} ends a growing file: what stood before is whole, and nothing is tried again`, async (t) => {
    const files = new MemoryFiles();
    await writeWholeFile(files, '/file', Buffer.alloc(0));
    const file = await AppendFile.open(files, '/file', 0);
    await file.append([old]);
    let once: Mishap | undefined = mishap;
    let syncs = 0;
    files.plan = (operation) => {
      if (operation.kind === 'datasync') syncs += 1;
      if (operation.kind !== kind) return undefined;
      const now = once;
      once = undefined;
      return now;
    };
    const first = await t.throwsAsync(file.append([fresh]), { instanceOf: AtalayaError });
    t.is(first?.code, code as never);
    t.is(first?.message.includes('has been cut off again'), saysCut);
    const operations = files.operations;
    t.is(await t.throwsAsync(file.append([fresh])), first);
    t.is(files.operations, operations);
    t.is(syncs, 1, 'the cut is synced once after a failed write, and nothing is synced after a failed fsync');
    t.is(file.length, old.byteLength);
    t.deepEqual(await readWholeFile(files, '/file'), old);
  });
}
