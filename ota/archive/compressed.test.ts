import { constants, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { fault } from '../../device/kernel/testing/fault.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { compressArchive, openCompressed } from './compressed.ts';
import { bytesOf, inPieces } from './testing/made-archive.ts';

const plain = Buffer.from('what a unit runs\n'.repeat(20_000));

interface Opened {
  readonly bytes: Buffer;
  readonly refused?: string;
}

async function open(file: Uint8Array, length = plain.byteLength, signal?: AbortSignal): Promise<Opened> {
  const files = new MemoryTreeFiles();
  const handle = await files.open('/file', 'create');
  await handle.write([file], 0);
  const parts: Buffer[] = [];
  for await (const part of openCompressed(files, '/file', { length }, signal)) {
    if ('kind' in part) return { bytes: Buffer.concat(parts), refused: part.code };
    parts.push(part);
  }
  return { bytes: Buffer.concat(parts) };
}

const whole = await bytesOf(compressArchive(inPieces(plain), { level: 3 }));

test('what is compressed is had again', async (t) => {
  t.true((await open(whole)).bytes.equals(plain));
  t.true(whole.byteLength < plain.byteLength / 100);
});

test('the same bytes make the same file, however they are cut', async (t) => {
  for (const cuts of [[1000], [300_000], [1, 70_000, 262_144]]) {
    t.true(whole.equals(await bytesOf(compressArchive(inPieces(plain, cuts), { level: 3 }))), cuts.join());
  }
});

test('a file that unpacks to more than it should is refused, whatever it holds', async (t) => {
  t.is((await open(whole, plain.byteLength - 1)).refused, 'archive-bomb');
  // 2 GiB of zeros in some 70 kB, by runs that RFC 8878 (3.1.1.2.2) has.
  const run = Buffer.from([0b010, 0, 0b10000, 0]);
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (23 - 10) << 3]);
  const bomb = Buffer.concat([head, ...Array.from({ length: 16_384 }, () => run), Buffer.from([1, 0, 0])]);
  const opened = await open(bomb, 1_000_000);
  t.is(opened.refused, 'archive-bomb');
  t.true(opened.bytes.byteLength <= 1_000_000);
});

test('a file that wants more memory than a unit gives is refused', async (t) => {
  const wide = (windowLog: number): Buffer => {
    const file = Buffer.from(whole);
    file[5] = (windowLog - 10) << 3;
    return file;
  };
  t.true(whole.equals(wide(23)));
  t.is((await open(wide(23))).refused, undefined);
  t.is((await open(wide(24))).refused, 'archive-bomb');
  t.is((await open(wide(27))).refused, 'archive-bomb');
});

const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const other = Buffer.from(whole);
other[4] = (other[4] ?? 0) | 8;
const named = Buffer.from(whole);
named[4] = (named[4] ?? 0) | 1;

const bad: readonly (readonly [string, Buffer, string])[] = [
  ['two frames', Buffer.concat([whole, whole]), 'archive-malformed'],
  ['something after the frame', Buffer.concat([whole, Buffer.from('x')]), 'archive-malformed'],
  ['a frame to be skipped before it', Buffer.concat([skipped, whole]), 'archive-malformed'],
  ['a frame to be skipped after it', Buffer.concat([whole, skipped]), 'archive-malformed'],
  ['no frame', Buffer.from('this is no archive at all, of whatever form'), 'archive-malformed'],
  ['the reserved bit', other, 'archive-malformed'],
  ['a dictionary that nobody has', named, 'archive-malformed'],
  [
    'content that cannot be decoded',
    Buffer.concat([whole.subarray(0, 20), Buffer.alloc(300, 0xa7)]),
    'archive-malformed',
  ],
  ['an end in the middle', whole.subarray(0, whole.byteLength - 4), 'archive-incomplete'],
  ['an end in the header', whole.subarray(0, 3), 'archive-incomplete'],
  ['nothing', Buffer.alloc(0), 'archive-incomplete'],
];

for (const [what, file, code] of bad) {
  test(`refused: ${what}`, async (t) => {
    t.is((await open(file)).refused, code);
  });
}

test('all the forms of a header are understood', async (t) => {
  for (const size of [0, 1, 200, 256, 300, 65_536, 70_000]) {
    const bytes = Buffer.alloc(size, 'abc');
    for (const [content, checksum] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const file = zstdCompressSync(bytes, {
        params: { [constants.ZSTD_c_contentSizeFlag]: content, [constants.ZSTD_c_checksumFlag]: checksum },
        pledgedSrcSize: content === 1 ? size : undefined,
      });
      const opened = await open(file, size);
      t.is(opened.refused, undefined, `${size} ${content} ${checksum}`);
      t.true(opened.bytes.equals(bytes));
    }
  }
});

test('a file that cannot be read is a fault, and an abort ends the work', async (t) => {
  const files = new MemoryTreeFiles();
  t.is(
    (await fault(bytesOf(openCompressed(files, '/none', { length: 1 }) as AsyncIterable<Buffer>))).code,
    'store-failed',
  );
  const stop = new AbortController();
  stop.abort(new Error('no longer wanted'));
  await t.throwsAsync(open(whole, plain.byteLength, stop.signal), { message: 'no longer wanted' });
});
