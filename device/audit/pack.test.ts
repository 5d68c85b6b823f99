import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isAtalayaError, systemCode } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { MemoryFiles, type Mishap } from '../kernel/testing/memory-files.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { writePack } from './pack.ts';
import { type PackDisk, systemDisk } from './pack-folder.ts';
import { packNames } from './pack-names.ts';
import { clipFile, pictureFile, samplePack } from './testing/sample-pack.ts';

const parts = samplePack({
  size: 5,
  index: 2,
  since: 3,
  files: [pictureFile('at.jpg', 'context', 'at', 105), clipFile('clip.mjpeg')],
});

const inMemory = (files: MemoryFiles): PackDisk => ({ files, removeFolder: async () => undefined });

const contentOf = async (files: Files, path: string): Promise<Buffer> => {
  const file = await files.open(path, 'read');
  const content = Buffer.alloc(await file.size());
  await file.read(content, 0);
  await file.close();
  return content;
};

/** Whether a pack is there; where it is, every file that its list names must be there with its content. */
async function isThereWhole(files: Files): Promise<boolean> {
  const names = await files.list('/out/pack').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (names === undefined) return false;
  const sums = (await contentOf(files, '/out/pack/SHA256SUMS')).toString().trimEnd().split('\n');
  for (const line of sums) {
    const content = await contentOf(files, `/out/pack/${line.slice(66)}`);
    if (createHash('sha256').update(content).digest('hex') !== line.slice(0, 64))
      throw new Error(`${line} is not whole`);
  }
  return sums.length > 10;
}

async function scratch(t: import('ava').ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-pack-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('wherever the power fails, there is a whole pack or none', async (t) => {
  const counting = new MemoryFiles();
  await writePack('/out/pack', parts, inMemory(counting));
  const { operations } = counting;
  t.true(await isThereWhole(counting));
  const random = seededRandom(7);
  for (let at = 0; at < operations; at += 1) {
    const files = new MemoryFiles();
    files.plan = ({ number }): Mishap | undefined => (number === at ? 'power-cut' : undefined);
    await t.throwsAsync(writePack('/out/pack', parts, inMemory(files)), undefined, `operation ${at}`);
    // Throws where a pack is there in part.
    await isThereWhole(files.survivors(random));
  }
  const done = new MemoryFiles();
  await writePack('/out/pack', parts, inMemory(done));
  t.true(await isThereWhole(done.survivors(random)), 'what was reported as written is there after a power cut');
});

test('a full disk is said to be full, and what was begun is removed', async (t) => {
  const removed: string[] = [];
  const files = new MemoryFiles();
  files.plan = ({ kind, path }) =>
    kind === 'write' && path.endsWith('clip.mjpeg.age') ? { code: 'ENOSPC' } : undefined;
  const error = await t.throwsAsync(
    writePack('/out/pack', parts, { files, removeFolder: async (path) => void removed.push(path) }),
  );
  t.true(isAtalayaError(error, 'store-full'));
  t.deepEqual(removed, ['/out/pack.part']);
});

test('a damaged file is not exported, and nothing is left', async (t) => {
  const folder = await scratch(t);
  const files = parts.files.map((file) => ({
    ...file,
    ciphertext: async function* () {
      yield Buffer.from('damaged');
    },
  }));
  const error = await t.throwsAsync(writePack(join(folder, 'pack'), { ...parts, files }));
  t.true(isAtalayaError(error, 'store-damaged'));
  t.regex(error.message, /at\.jpg of unit-7-000000003 is 7 bytes/);
  t.deepEqual(await readdir(folder), []);
});

test('nothing that is there is written over', async (t) => {
  const folder = await scratch(t);
  await mkdir(join(folder, 'full'));
  await writeFile(join(folder, 'full', 'mine'), 'mine');
  await writeFile(join(folder, 'file'), 'mine');
  await mkdir(join(folder, 'begun.part'));
  for (const [name, says] of [
    ['full', /full is not empty/],
    ['file', /file is a file/],
    ['begun', /begun\.part is there/],
  ] as const) {
    const error = await t.throwsAsync(writePack(join(folder, name), parts));
    t.true(isAtalayaError(error, 'usage-invalid'), name);
    t.regex(error.message, says);
  }
  t.deepEqual((await readdir(folder)).sort(), ['begun.part', 'file', 'full']);
  await mkdir(join(folder, 'empty'));
  const { files } = await writePack(join(folder, 'empty'), parts);
  t.is(files.at(-1)?.path, 'SHA256SUMS');
});

test('parts that are not of one evidence are refused', async (t) => {
  const folder = await scratch(t);
  const other = samplePack({ size: 5, index: 3 });
  for (const false_ of [
    { ...parts, record: other.record },
    { ...parts, files: parts.files.slice(1) },
    { ...parts, inclusion: other.inclusion },
  ]) {
    const error = await t.throwsAsync(writePack(join(folder, 'pack'), false_, systemDisk));
    t.true(isAtalayaError(error, 'internal'));
  }
  t.deepEqual(await readdir(folder), []);
});

test('the frames of a clip stand in clip.txt as the record has them', async (t) => {
  const folder = join(await scratch(t), 'pack');
  await writePack(folder, parts);
  const text = await readFile(join(folder, 'clip.txt'), 'utf8');
  t.is(text, 'frame elapsed-ms first-byte bytes\n100 4000.5 0 1200\n105 4200.25 1200 1300\n110 4400 2500 1250\n');
});

test('the steps of VERIFY.md are those of this pack', async (t) => {
  const folder = join(await scratch(t), 'pack');
  await writePack(folder, parts);
  const guide = await readFile(join(folder, 'VERIFY.md'), 'utf8');
  t.true(guide.includes(`${parts.record.files[0]?.sha256}  files/at.jpg.age`));
  t.regex(guide, /pkeyutl -verify -pubin -inkey KEY\.pem -rawin -in record\.json -sigfile record\.sig/);
  t.regex(guide, /From the leaf of entry 3 \(leaf index 2\) up to the root/);
  t.regex(guide, /the log `atalaya\/unit-7` has 5 entries/);
});

test('a name that could leave the folder or hide another is replaced', (t) => {
  t.deepEqual(packNames(['at.jpg', 'AT.JPG', '../x', 'file-9', 'a/b', '.x', 'x\u0000']), [
    'at.jpg',
    'file-2',
    'file-3',
    'file-4',
    'file-5',
    'file-6',
    'file-7',
  ]);
});
