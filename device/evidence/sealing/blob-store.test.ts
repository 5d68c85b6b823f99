import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { AtalayaError } from '../../kernel/errors.ts';
import { type Files, type OpenMode, systemFiles } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { BlobStore } from './blob-store.ts';
import { everyName, gather, inPieces } from './testing/sealing.ts';

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

test('a stream is stored under the hash of what came, in parts of any size, beside others', async (t) => {
  for (const [files, folder] of [
    [new MemoryFiles(), '/blobs'],
    [systemFiles, await mkdtemp(join(tmpdir(), 'atalaya-blobs-'))],
  ] as const) {
    const store = await BlobStore.open(files, folder);
    const streams = [0, 1, 3000, 600_000].map((bytes) => Buffer.alloc(bytes, `${bytes}`));
    const put = await Promise.all([...streams, ...streams].map((bytes) => store.putStream(inPieces(bytes, 1000))));
    t.deepEqual(
      put,
      [...streams, ...streams].map((bytes) => ({ sha256: sha256(bytes), bytes: bytes.byteLength })),
    );
    t.deepEqual(await store.list(), streams.map(sha256).toSorted());
    t.deepEqual(
      await everyName(files, folder),
      (await store.list()).map((one) => store.path(one)),
    );
    for (const bytes of streams) {
      t.deepEqual(await gather(store.stream(sha256(bytes))), bytes);
      t.is(await store.size(sha256(bytes)), bytes.byteLength);
    }
    // The same bytes again heal what was damaged.
    const path = store.path(sha256(streams[2] ?? ''));
    const file = await files.open(path, 'update');
    await file.write([Buffer.from('X')], 1000);
    await file.close();
    await t.throwsAsync(gather(store.stream(sha256(streams[2] ?? ''))), { instanceOf: AtalayaError });
    await store.putStream(inPieces(streams[2] ?? Buffer.alloc(0), 700));
    t.deepEqual(await store.get(sha256(streams[2] ?? '')), streams[2]);
    if (files === systemFiles) await rm(folder, { recursive: true });
  }
});

test('an opening removes the parts of an earlier run, and a reading that ends early closes its file', async (t) => {
  const files = new MemoryFiles();
  const store = await BlobStore.open(files, '/blobs');
  await store.put(content);
  for (const part of ['/blobs/stream-1.part', `${store.path(name)}.part`]) await files.open(part, 'create');
  const again = await BlobStore.open(files, '/blobs');
  t.deepEqual(await everyName(files, '/blobs'), [again.path(name)]);
  let closed = 0;
  const counted: Files = new Proxy(files, {
    get: (target, key) =>
      key === 'open'
        ? async (path: string, mode: OpenMode) => {
            const file = await target.open(path, mode);
            const close = async () => {
              closed += 1;
            };
            return { ...file, close };
          }
        : Reflect.get(target, key).bind(target),
  });
  for await (const piece of new BlobStore(counted, '/blobs').stream(name)) {
    t.true(piece.byteLength > 0);
    break;
  }
  t.is(closed, 1);
});

test('what is removed is gone after a power cut too, and removing what is not there is no fault', async (t) => {
  const files = new MemoryFiles();
  const store = await BlobStore.open(files, '/blobs');
  await store.put(content);
  t.true(await store.has(name));
  await store.remove([name, sha256('never there')]);
  t.false(await store.has(name));
  await store.shred(name);
  const after = await BlobStore.open(files.survivors(seededRandom(3)), '/blobs');
  t.deepEqual(await after.list(), []);
});
