import test from 'ava';
import { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import type { BundleManifest } from '../contract/bundle.ts';
import { madeFile, manifestFile } from './bundle-files.ts';
import { writeWholeTarget } from './write-target.ts';

const manifest: BundleManifest = {
  schema: 'atalaya/bundle/1',
  kind: 'scene',
  name: 'north-gate',
  unit: 'north-1',
  version: '3',
  release: 3,
  hardware: ['x64', 'arm64'],
};
const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 3) * 7) & 255));
const content = [madeFile('scene.yaml', 'name: x\n'), manifestFile(manifest), madeFile('more', noise)];
const { signal } = new AbortController();
const names = ['north-gate-3-r3-any.tar.zst', 'north-gate-3-r3-any.target.json'];

test('a target survives a power cut right after it was written', async (t) => {
  const files = new MemoryTreeFiles();
  await writeWholeTarget(content, manifest, { folder: '/out', signal, level: 1, files });
  t.deepEqual(await files.survivors(() => 0).list('/out'), names);
});

test('nothing stands under a name where writing fails or is stopped, and what stood there stays', async (t) => {
  const files = new MemoryTreeFiles();
  const folder = '/out';
  const first = await writeWholeTarget(content, manifest, { folder, signal, level: 1, files });
  const stopped = AbortSignal.abort(new Error('stopped'));
  await t.throwsAsync(() => writeWholeTarget(content, manifest, { folder, signal: stopped, level: 1, files }), {
    message: 'stopped',
  });
  files.capacity = 1000;
  const others = [...content, madeFile('others', Buffer.from(noise).reverse())];
  await t.throwsAsync(() => writeWholeTarget(others, manifest, { folder, signal, level: 1, files }), {
    code: 'store-full',
  });
  t.deepEqual(await files.list(folder), names);
  t.is(((await files.look(`${folder}/${names[0]}`)) as { size: number }).size, first.length);
});

test('a release is never made twice with other content', async (t) => {
  const files = new MemoryTreeFiles();
  const options = { folder: '/out', signal, level: 1, files };
  const first = await writeWholeTarget(content, manifest, options);
  t.deepEqual(await writeWholeTarget(content, manifest, options), first);
  await t.throwsAsync(() => writeWholeTarget([...content, madeFile('others', 'more')], manifest, options), {
    code: 'document-refused',
    message: '/out/north-gate-3-r3-any.tar.zst is there with other content',
  });
  t.deepEqual(await files.list('/out'), names);
  t.deepEqual(await writeWholeTarget(content, manifest, options), first);
});

test('what makes no archive is refused', async (t) => {
  const files = new MemoryTreeFiles();
  const options = { folder: '/out', signal, level: 1, files };
  for (const bad of [madeFile('../outside', ''), madeFile('scene.yaml', ''), madeFile('more/below', '')])
    await t.throwsAsync(() => writeWholeTarget([...content, bad], manifest, options), { code: 'document-refused' });
  t.deepEqual(await files.list('/out'), []);
});

test('a manifest that nobody could read is not written', (t) => {
  t.throws(() => manifestFile({ ...manifest, hardware: [] }), { code: 'usage-invalid', message: /hardware/ });
});
