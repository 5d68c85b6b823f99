import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { systemTreeFiles, type TreeFiles } from '../../device/kernel/tree-files.ts';
import { archiveLength, headerOf, PathOrder, pathFault } from './archive-form.ts';
import {
  archiveFiles,
  bytesOf,
  entriesOf,
  eventsOf,
  inPieces,
  layTree,
  type MadeTree,
  programTree,
} from './testing/made-archive.ts';
import { type VirtualArchive, virtualArchive } from './virtual-archive.ts';
import { writeArchive } from './write-archive.ts';

const level = fc.string({
  unit: fc.constantFrom(...'abyzAZ09@._+-'),
  minLength: 1,
  maxLength: 60,
});
const path = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((one) => pathFault(one) === undefined);
const content = fc.uint8Array({ maxLength: 1500 });

/** Trees in which no file is below another. */
const anyTree: fc.Arbitrary<MadeTree> = fc
  .array(fc.tuple(path, content, fc.boolean()), { maxLength: 12 })
  .map((files) => {
    const order = new PathOrder();
    const sorted = files.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return Object.fromEntries(
      sorted
        .filter(([one]) => order.fault(one) === undefined)
        .map(([one, bytes, executable]) => [one, { content: bytes, executable }]),
    );
  });

async function opened(files: TreeFiles, folder: string): Promise<VirtualArchive> {
  const archive = await virtualArchive(files, folder);
  if ('kind' in archive) throw new Error(archive.detail);
  return archive;
}

test('a tree on the disk is the archive that would be written, in all and in part', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyTree, fc.nat(), fc.nat(), async (tree, from, size) => {
      const files = new MemoryTreeFiles();
      await layTree(files, '/tree', tree);
      const written = await bytesOf(writeArchive(archiveFiles(tree)));
      const archive = await opened(files, '/tree');
      t.is(archive.length, written.byteLength);
      t.is(archiveLength(entriesOf(tree)), written.byteLength);
      t.true(written.equals(await bytesOf(archive.bytes())));
      const offset = from % written.byteLength;
      const length = size % (written.byteLength - offset + 1);
      t.true(written.subarray(offset, offset + length).equals(await archive.read(offset, length)));
      await archive.close();
    }),
    { numRuns: 60 },
  );
});

test('what is written is read again, however it is cut', async (t) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(anyTree, sizes, async (tree, cuts) => {
      const written = await bytesOf(writeArchive(archiveFiles(tree)));
      const events = await eventsOf(inPieces(written, cuts), { length: written.byteLength });
      t.is(events.at(-1)?.kind, 'end');
      const read = new Map<string, { executable: boolean; parts: Uint8Array[] }>();
      for (const event of events) {
        if (event.kind === 'file') read.set(event.entry.path, { executable: event.entry.executable, parts: [] });
        if (event.kind === 'bytes') [...read.values()].at(-1)?.parts.push(event.bytes);
      }
      const sorted = entriesOf(tree).sort((a, b) => (a.path < b.path ? -1 : 1));
      t.deepEqual(
        [...read].map(([name, { executable, parts }]) => [name, executable, Buffer.concat(parts)]),
        sorted.map((one) => [one.path, one.executable, one.content]),
      );
    }),
    { numRuns: 60 },
  );
});

test('the order of the files given does not matter', async (t) => {
  const files = archiveFiles({ b: '1', 'a/c': '2', 'a-b': '3', a1: '4' });
  const one = await bytesOf(writeArchive(files));
  t.true(one.equals(await bytesOf(writeArchive(files.toReversed()))));
  const paths = (await eventsOf(inPieces(one), { length: one.byteLength })).flatMap((event) =>
    event.kind === 'file' ? [event.entry.path] : [],
  );
  t.deepEqual(paths, ['a-b', 'a/c', 'a1', 'b']);
});

test('tar takes it for an archive', async (t) => {
  const folder = scratchFolder(t);
  const long = `${'folder/'.repeat(20)}${'x'.repeat(90)}`;
  writeFileSync(join(folder, 'tar'), await bytesOf(writeArchive(archiveFiles(programTree({ [long]: 'far down' })))));
  const list = execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '-f', join(folder, 'tar')], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
  });
  t.true(list.includes(`-rw-r--r-- 0/0               8 1970-01-01 00:00 ${long}`), list);
  t.true(list.includes('-rwxr-xr-x 0/0              10 1970-01-01 00:00 start'), list);
});

test('the same tree in memory and on the disk has the same hash; a link has none', async (t) => {
  const folder = scratchFolder(t);
  const memory = new MemoryTreeFiles();
  await layTree(memory, '/tree', programTree());
  await layTree(systemTreeFiles, join(folder, 'tree'), programTree());
  const [one, two] = [await opened(memory, '/tree'), await opened(systemTreeFiles, join(folder, 'tree'))];
  t.deepEqual(await one.digest(), await two.digest());
  await two.close();
  symlinkSync('start', join(folder, 'tree/begin'));
  t.like(await virtualArchive(systemTreeFiles, join(folder, 'tree')), { kind: 'refused', code: 'archive-link' });
  t.like(await virtualArchive(systemTreeFiles, join(folder, 'none')), { kind: 'refused', code: 'archive-incomplete' });
});

test('a folder with a name that no archive has is refused', async (t) => {
  const files = new MemoryTreeFiles();
  await layTree(files, '/tree', { 'good/bad name': '' });
  t.like(await virtualArchive(files, '/tree'), { kind: 'refused', code: 'archive-path' });
});

test('a file that has become shorter since is said to be damaged', async (t) => {
  const files = new MemoryTreeFiles();
  await layTree(files, '/tree', { one: 'x'.repeat(900) });
  const archive = await opened(files, '/tree');
  const file = await files.open('/tree/one', 'update');
  await file.truncate(100);
  t.is((await fault(archive.digest())).code, 'store-damaged');
});

const badPaths = {
  '': /empty/,
  '/etc/passwd': /absolute/,
  'a/../b': /\.\./,
  '..': /\.\./,
  './a': /level \./,
  'a//b': /empty level/,
  'a/': /empty level/,
  'a\0b': /NUL/,
  'a\\b': /backslash/,
  'a b': /characters/,
  ä: /characters/,
  'a\n': /characters/,
  [`${'a'.repeat(101)}`]: /too long/,
  [`${'a'.repeat(156)}/b`]: /too long/,
  [`${'a/'.repeat(140)}b`]: /too long/,
};

for (const [bad, why] of Object.entries(badPaths)) {
  test(`no path of an archive: ${JSON.stringify(bad).slice(0, 20)}, ${bad.length} long`, async (t) => {
    t.regex(pathFault(bad) ?? '', why);
    t.throws(() => headerOf({ path: bad, executable: false, size: 0 }), { instanceOf: RangeError });
    t.is((await fault(bytesOf(writeArchive(archiveFiles({ [bad]: '' }))))).code, 'document-refused');
  });
}

test('no archive is written of two files of one path, of a file below a file, or of a file of another size', async (t) => {
  const refused = async (files: Parameters<typeof writeArchive>[0]): Promise<void> => {
    const error = await t.throwsAsync(bytesOf(writeArchive(files)));
    t.true(isAtalayaError(error, 'document-refused'));
  };
  await refused([...archiveFiles({ a: '1' }), ...archiveFiles({ a: '1' })]);
  await refused(archiveFiles({ a: '1', 'a-b': '2', 'a/b': '3' }));
  await refused(archiveFiles({ a: '1' }).map((file) => ({ ...file, size: 2 })));
  await refused(archiveFiles({ a: '123' }).map((file) => ({ ...file, size: 2 })));
});
