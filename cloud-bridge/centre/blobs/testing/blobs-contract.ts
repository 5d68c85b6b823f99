import { randomBytes } from 'node:crypto';
import type { ExecutionContext, SerialFn } from 'ava';
import { sha256 } from '../../../../device/kernel/hash.ts';
import { fault } from '../../../../device/kernel/testing/fault.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import { blockBytes } from '../../../contract/topics.ts';
import type { BlobName, Blobs } from '../blobs.ts';

export interface OpenedBlobs {
  readonly blobs: Blobs;
  /** On the same content, after a restart. */
  again(): Promise<Blobs>;
}
export type OpenBlobs = (t: ExecutionContext) => Promise<OpenedBlobs>;

export const clip: BlobName = { unit: 'unit-1', evidence: 'ev-0001', file: 'clip.age' };

export function blocksOf(content: Buffer): { readonly block: number; readonly piece: Buffer }[] {
  return Array.from({ length: Math.ceil(content.byteLength / blockBytes) }, (_, block) => ({
    block,
    piece: content.subarray(block * blockBytes, (block + 1) * blockBytes),
  }));
}

export function expectedOf(content: Buffer): { readonly bytes: number; readonly sha256: string } {
  return { bytes: content.byteLength, sha256: sha256(content) };
}

export async function contentOf(blobs: Blobs, name: BlobName): Promise<Buffer | undefined> {
  const stream = await blobs.read(name);
  if (stream === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function writeAll(blobs: Blobs, name: BlobName, content: Buffer): Promise<void> {
  await Promise.all(blocksOf(content).map(({ block, piece }) => blobs.write(name, block, piece)));
}

/** What every store of blobs holds to. */
export function blobsContract(test: SerialFn, open: OpenBlobs): void {
  test('blocks in any order, over a restart, and twice, give the file', async (t) => {
    const { blobs, again } = await open(t);
    const content = randomBytes(5 * blockBytes + 777);
    const random = seededRandom(3);
    const order = blocksOf(content).sort(() => random() - 0.5);
    t.deepEqual(await blobs.blocks(clip), new Set());
    for (const { block, piece } of order.slice(0, 3)) await blobs.write(clip, block, piece);
    const after = await again();
    t.deepEqual(
      [...(await after.blocks(clip))].sort(),
      order
        .slice(0, 3)
        .map(({ block }) => block)
        .sort(),
    );
    for (const { block, piece } of order.slice(2)) await after.write(clip, block, piece);
    t.false(await after.finished(clip));
    t.is(await after.read(clip), undefined, 'nothing is visible before it is finished');
    await after.finish(clip, expectedOf(content));
    await after.finish(clip, expectedOf(content));
    const last = await again();
    t.true(await last.finished(clip));
    t.deepEqual(await last.blocks(clip), new Set());
    t.deepEqual(await contentOf(last, clip), content);
  });

  test('files of every length near a block, and an empty one', async (t) => {
    const { blobs } = await open(t);
    for (const bytes of [0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 2 * blockBytes]) {
      const content = randomBytes(bytes);
      const name = { ...clip, file: `f${bytes}.age` };
      await writeAll(blobs, name, content);
      await blobs.finish(name, expectedOf(content));
      t.deepEqual(await contentOf(blobs, name), content, String(bytes));
    }
  });

  test('what is not whole is refused, and goes on', async (t) => {
    const { blobs } = await open(t);
    const content = randomBytes(3 * blockBytes);
    const [first, second, third] = blocksOf(content).map(({ piece }) => piece) as [Buffer, Buffer, Buffer];
    await blobs.write(clip, 0, first);
    await blobs.write(clip, 2, third);
    const refused = await fault(blobs.finish(clip, expectedOf(content)));
    t.is(refused.code, 'blob-mismatch');
    t.regex(refused.message, /clip\.age of ev-0001 of unit-1 lacks 1 of its 3 blocks, the first of them 1/);
    t.deepEqual(await blobs.blocks(clip), new Set([0, 2]));
    await blobs.write(clip, 1, second);
    await blobs.write(clip, 1, randomBytes(blockBytes));
    await blobs.finish(clip, expectedOf(content));
    t.deepEqual(await contentOf(blobs, clip), content, 'the first content of a block stands');
  });

  test('what is whole and wrong is refused and thrown away, and may come anew', async (t) => {
    const { blobs, again } = await open(t);
    const content = randomBytes(2 * blockBytes + 5);
    const cases: readonly (readonly [string, readonly (readonly [number, Buffer])[], RegExp])[] = [
      ['other bytes', [[0, randomBytes(blockBytes)]], /differs from the SHA-256 of its record/],
      ['a block too many', [[3, randomBytes(5)]], /has a block 3, and its record says that it has 3 blocks/],
      ['a long last block', [[2, randomBytes(6)]], /has 6 bytes in block 2/],
      ['a short block', [[1, content.subarray(blockBytes, 2 * blockBytes - 1)]], /has 65535 bytes in block 1/],
    ];
    for (const [title, wrong, why] of cases) {
      for (const [block, piece] of wrong) await blobs.write(clip, block, piece);
      await writeAll(blobs, clip, content);
      const refused = await fault(blobs.finish(clip, expectedOf(content)));
      t.deepEqual([refused.code, why.test(refused.message)], ['blob-mismatch', true], `${title}: ${refused.message}`);
      t.false(await blobs.finished(clip));
      t.deepEqual(await (await again()).blocks(clip), new Set(), title);
    }
    await writeAll(blobs, clip, content);
    await blobs.finish(clip, expectedOf(content));
    t.deepEqual(await contentOf(blobs, clip), content);
  });

  test('a finished file never changes', async (t) => {
    const { blobs, again } = await open(t);
    const content = randomBytes(blockBytes + 1);
    await writeAll(blobs, clip, content);
    await blobs.finish(clip, expectedOf(content));
    const other = randomBytes(blockBytes + 1);
    for (const one of [blobs, await again()]) {
      await writeAll(one, clip, other);
      t.deepEqual(await one.blocks(clip), new Set());
      t.is((await fault(one.finish(clip, expectedOf(other)))).code, 'blob-mismatch');
      t.deepEqual(await contentOf(one, clip), content);
    }
  });

  test('files that are alike in name do not meet', async (t) => {
    const { blobs } = await open(t);
    const names = [
      clip,
      { ...clip, unit: 'unit-10' },
      { ...clip, evidence: 'ev-0001.x' },
      { ...clip, file: 'clip.age.data' },
      { ...clip, file: 'clip.age.blocks' },
      { ...clip, file: 'clip' },
    ];
    const contents = names.map((_, i) => randomBytes(100 + i));
    await Promise.all(names.map((name, i) => writeAll(blobs, name, contents[i] as Buffer)));
    for (const [i, name] of names.entries()) await blobs.finish(name, expectedOf(contents[i] as Buffer));
    for (const [i, name] of names.entries()) t.deepEqual(await contentOf(blobs, name), contents[i]);
  });

  test('names and blocks that no unit can have are faults of ours', async (t) => {
    const { blobs } = await open(t);
    const content = randomBytes(10);
    for (const name of [
      { ...clip, unit: '..' },
      { ...clip, unit: 'a/b' },
      { ...clip, evidence: '../x' },
      { ...clip, file: '.clip.age.data' },
      { ...clip, file: '' },
    ])
      t.is((await fault((async () => blobs.write(name, 0, content))())).code, 'internal', JSON.stringify(name));
    for (const block of [-1, 0.5, 1e7])
      t.is((await fault((async () => blobs.write(clip, block, content))())).code, 'internal', String(block));
    for (const bytes of [0, blockBytes + 1])
      t.is((await fault((async () => blobs.write(clip, 0, randomBytes(bytes)))())).code, 'internal', String(bytes));
  });
}
