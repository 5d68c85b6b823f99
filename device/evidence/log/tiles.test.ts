import test from 'ava';
import fc from 'fast-check';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { bundleEntry, countAt, levelsOf, splitBundle, TileFolder, tilePath } from './tiles.ts';

test('tiles lie where the specification says', (t) => {
  t.is(tilePath({ level: 0, index: 0, width: 256 }), 'tile/0/000');
  t.is(tilePath({ level: 2, index: 0, width: 1 }), 'tile/2/000.p/1');
  t.is(tilePath({ level: 1, index: 999, width: 256 }), 'tile/1/999');
  t.is(tilePath({ level: 0, index: 1000, width: 255 }), 'tile/0/x001/000.p/255');
  t.is(tilePath({ level: 'entries', index: 1_234_067, width: 256 }), 'tile/entries/x001/x234/067');
});

test('a tree of 70,000 leaves has the tiles of the specification', (t) => {
  t.is(levelsOf(70_000), 3);
  t.deepEqual([countAt(0, 70_000), countAt(1, 70_000), countAt(2, 70_000)], [273 * 256 + 112, 256 + 17, 1]);
  t.is(countAt('entries', 70_000), 70_000);
  t.deepEqual([levelsOf(0), levelsOf(1), levelsOf(255), levelsOf(256), levelsOf(2 ** 40)], [0, 1, 1, 2, 6]);
});

test('entries are written and split again, and a cut bundle is none', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 20 }),
      fc.nat(),
      (data, where) => {
        const bundle = Buffer.concat(data.map(bundleEntry));
        t.deepEqual(
          splitBundle(bundle)?.map((entry) => new Uint8Array(entry)),
          data,
        );
        const cut = bundle.subarray(0, where % bundle.byteLength);
        t.true((splitBundle(cut)?.length ?? 0) < data.length);
      },
    ),
  );
  t.is(bundleEntry(Buffer.alloc(0xffff)).byteLength, 2 + 0xffff);
});

test('a failed write leaves no other write under way', async (t) => {
  const files = new MemoryFiles();
  const folder = new TileFolder(files, '/log');
  files.plan = ({ kind, path }) => (kind === 'write' && path.includes('/003') ? { code: 'ENOSPC' } : undefined);
  const tiles = Array.from({ length: 40 }, (_, index) => ({
    level: 0,
    index,
    width: 256,
    content: Buffer.alloc(8192),
  }));
  await t.throwsAsync(folder.write(tiles), { message: /no space left/ });
  const after = files.operations;
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(files.operations, after);
  files.plan = () => undefined;
  await folder.write(tiles);
  t.is((await files.list('/log/tile/0')).length, 40);
});
