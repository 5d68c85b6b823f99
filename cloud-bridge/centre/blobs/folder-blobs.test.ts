import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { blockBytes } from '../../contract/topics.ts';
import { FolderBlobs } from './folder-blobs.ts';
import { blobsContract, blocksOf, clip, contentOf, expectedOf } from './testing/blobs-contract.ts';

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-blobs-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

blobsContract(test.serial, async (t) => {
  const folder = join(await newFolder(t), 'blobs');
  const again = () => FolderBlobs.open(folder, { files: systemFiles });
  return { blobs: await again(), again };
});

test('after a power cut at any operation, what was acknowledged is there and what is finished is right', async (t) => {
  const content = randomBytes(blockBytes + 100);
  const random = seededRandom(11);
  let cuts = 0;
  for (let at = 0; ; at += 1) {
    const files = new MemoryFiles();
    files.plan = ({ number }) => (number === at ? 'power-cut' : undefined);
    const written = new Set<number>();
    let done = false;
    try {
      const blobs = await FolderBlobs.open('/blobs', { files });
      for (const { block, piece } of blocksOf(content).reverse()) {
        await blobs.write(clip, block, piece);
        written.add(block);
      }
      await blobs.finish(clip, expectedOf(content));
      done = true;
    } catch (error) {
      t.true(isAtalayaError(error, 'store-failed'), String(error));
      cuts += 1;
    }
    for (let life = 0; life < 2; life += 1) {
      const blobs = await FolderBlobs.open('/blobs', { files: files.survivors(random) });
      const whole = await contentOf(blobs, clip);
      if (done) t.deepEqual(whole, content);
      if (whole === undefined) {
        const there = await blobs.blocks(clip);
        t.deepEqual(
          [...written].filter((block) => !there.has(block)),
          [],
          `operation ${at}`,
        );
        for (const { block, piece } of blocksOf(content)) if (!there.has(block)) await blobs.write(clip, block, piece);
        await blobs.finish(clip, expectedOf(content));
      }
      await blobs.finish(clip, expectedOf(content));
      t.deepEqual(await contentOf(blobs, clip), content, `operation ${at}`);
    }
    if (done) break;
  }
  t.true(cuts > 20, String(cuts));
});

test('after a power cut while wrong blocks are thrown away, none of them comes back', async (t) => {
  const [right, wrong] = [randomBytes(100), randomBytes(100)];
  const random = seededRandom(12);
  for (let at = 0; ; at += 1) {
    const files = new MemoryFiles();
    files.plan = ({ number }) => (number === at ? 'power-cut' : undefined);
    const work = async () => {
      const blobs = await FolderBlobs.open('/blobs', { files });
      await blobs.write(clip, 0, wrong);
      await blobs.write(clip, 3, wrong);
      const refused = await fault(blobs.finish(clip, expectedOf(right)));
      if (refused.code !== 'blob-mismatch') throw refused;
      await blobs.write(clip, 0, right);
      return 'done';
    };
    const done = await work().catch(() => undefined);
    for (let life = 0; life < 8; life += 1) {
      const blobs = await FolderBlobs.open('/blobs', { files: files.survivors(random) });
      if (done !== undefined) t.deepEqual(await blobs.blocks(clip), new Set([0]));
      // Whatever is there of the wrong ones is thrown away with one more refusal.
      for (let tries = 0; !(await blobs.finished(clip)); tries += 1) {
        t.true(tries < 2, `operation ${at}`);
        const there = await blobs.blocks(clip);
        if (!there.has(0)) await blobs.write(clip, 0, right);
        await blobs.finish(clip, expectedOf(right)).catch(() => undefined);
      }
      t.deepEqual(await contentOf(blobs, clip), right);
    }
    if (done !== undefined) break;
  }
});

test('a fault of the disk at any operation is told, and the same work succeeds afterwards', async (t) => {
  const content = randomBytes(blockBytes + 100);
  let faults = 0;
  for (let at = 0; ; at += 1) {
    const files = new MemoryFiles();
    const blobs = await FolderBlobs.open('/blobs', { files });
    const from = files.operations;
    files.plan = ({ number }) => (number === from + at ? { code: 'ENOSPC', bytes: 7 } : undefined);
    const work = async () => {
      for (const { block, piece } of blocksOf(content)) await blobs.write(clip, block, piece);
      await blobs.finish(clip, expectedOf(content));
    };
    const met = await work().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (files.operations <= from + at) break;
    if (met !== undefined) {
      faults += 1;
      t.true(isAtalayaError(met, 'store-full'), String(met));
    }
    await work();
    t.deepEqual(await contentOf(blobs, clip), content, `operation ${at}`);
  }
  t.true(faults > 10, String(faults));
});

test('a program that is killed while blocks come has those that it acknowledged', async (t) => {
  const folder = await newFolder(t);
  const program = fileURLToPath(new URL('./testing/write-forever.ts', import.meta.url));
  for (const after of [0, 2, 5]) {
    const acknowledged = await new Promise<number[]>((resolve, reject) => {
      const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (text: Buffer) => {
        output += text;
        if (output.split('\n').length > 10) setTimeout(() => child.kill('SIGKILL'), after);
      });
      child.once('error', reject);
      child.once('close', () => resolve(output.split('\n').slice(0, -1).map(Number)));
    });
    const there = await (await FolderBlobs.open(folder, { files: systemFiles })).blocks(clip);
    t.true(acknowledged.length >= 10);
    t.deepEqual(
      acknowledged.filter((block) => !there.has(block)),
      [],
    );
  }
});

test('a folder that takes nothing says so', async (t) => {
  const files = new MemoryFiles();
  const blobs = await FolderBlobs.open('/blobs', { files });
  files.capacity = 1000;
  t.is((await fault(blobs.write(clip, 0, randomBytes(blockBytes)))).code, 'store-full');
  t.deepEqual(await blobs.blocks(clip), new Set());
  files.capacity = 1e9;
  await blobs.write(clip, 0, randomBytes(blockBytes));
  t.deepEqual(await blobs.blocks(clip), new Set([0]));
});
