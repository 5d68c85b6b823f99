import test from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import { sha256 } from '../kernel/hash.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { BlobStore } from './blob-store.ts';

const content = Buffer.alloc(3000, 'picture');
const name = sha256(content);

test('a blob is found by its hash, and the same bytes are stored once', async (t) => {
  const files = new MemoryFiles();
  const store = await BlobStore.open(files, '/blobs');
  const [first, second] = await Promise.all([store.put(content), store.put(content)]);
  t.deepEqual(
    [first, second],
    [
      { sha256: name, bytes: 3000 },
      { sha256: name, bytes: 3000 },
    ],
  );
  t.deepEqual(await store.get(name), content);
  t.deepEqual(await files.list(`/blobs/${name.slice(0, 2)}`), [name]);
  let writes = 0;
  files.plan = ({ kind }) => {
    if (kind === 'write') writes += 1;
    return undefined;
  };
  await store.put(content);
  t.is(writes, 0);
});

test('a blob that is missing or was changed is never handed out, and putting it again heals it', async (t) => {
  const files = new MemoryFiles();
  const store = await BlobStore.open(files, '/blobs');
  const missing = await t.throwsAsync(store.get(name), { instanceOf: AtalayaError });
  t.is(missing?.code, 'store-damaged');
  await store.put(content);
  const file = await files.open(store.path(name), 'update');
  await file.write([Buffer.from('X')], 1000);
  const changed = await t.throwsAsync(store.get(name), { instanceOf: AtalayaError });
  t.is(changed?.code, 'store-damaged');
  await store.put(content);
  t.deepEqual(await store.get(name), content);
});

test('a name that is no hash is refused: nothing outside the folder can be reached', async (t) => {
  const store = await BlobStore.open(new MemoryFiles(), '/blobs');
  for (const bad of ['../../etc/passwd', `${'a'.repeat(63)}`, `${'A'.repeat(64)}`, `../${'a'.repeat(61)}`]) {
    await t.throwsAsync(store.get(bad), { instanceOf: AtalayaError });
  }
});

test('after a power cut at any operation a blob that was put is there, and none has other bytes than its name says', async (t) => {
  const contents = ['a', 'b', 'c', 'a'].map((letter) => Buffer.alloc(2000, letter));
  for (let cut = 0; cut < 60; cut += 1) {
    const files = new MemoryFiles();
    files.plan = ({ number }) => (number === cut ? 'power-cut' : undefined);
    const put: string[] = [];
    try {
      const store = await BlobStore.open(files, '/blobs');
      await Promise.all(contents.map(async (bytes) => put.push((await store.put(bytes)).sha256)));
    } catch (error) {
      if (!(error instanceof AtalayaError)) throw error;
      // What else was under way ends with the power.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const survivor = files.survivors(seededRandom(cut));
    const store = await BlobStore.open(survivor, '/blobs');
    for (const one of put) t.is(sha256(await store.get(one)), one, `cut at operation ${cut}`);
    for (const inner of await survivor.list('/blobs')) {
      for (const one of await survivor.list(`/blobs/${inner}`)) t.is(sha256(await store.get(one)), one);
    }
  }
});
