import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { fetchTarball, readTar } from './npm-tarball.ts';

/** One ustar entry, as tar writes it. */
function entry(name: string, bytes: Uint8Array, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write(type, 156);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

const end = Buffer.alloc(1024);

test('every file of an archive comes back as it was', (t) => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,20}$/), { maxLength: 5 }),
      fc.uint8Array({ maxLength: 2000 }),
      (names, bytes) => {
        const files = readTar(Buffer.concat([...names.map((name) => entry(name, bytes)), end]));
        t.deepEqual([...files.keys()], names);
        for (const name of names) t.deepEqual(Buffer.from(files.get(name)!), Buffer.from(bytes));
      },
    ),
    { numRuns: 50 },
  );
});

test('folders are passed over and a cut archive is refused', (t) => {
  const archive = Buffer.concat([
    entry('folder/', Buffer.alloc(0), '5'),
    entry('folder/file', Buffer.from('content')),
    end,
  ]);
  t.deepEqual([...readTar(archive).keys()], ['folder/file']);
  const error = t.throws(() => readTar(archive.subarray(0, 1024 + 3)), { instanceOf: AtalayaError });
  t.is(error?.code, 'bundle-invalid');
});

test('a cached tarball with other bytes than the pinned ones is refused by name', async (t) => {
  const cache = await mkdtemp(join(tmpdir(), 'atalaya-tarball-'));
  t.teardown(() => rm(cache, { recursive: true, force: true }));
  await writeFile(
    join(cache, 'some-model-1.0.0.tgz'),
    gzipSync(Buffer.concat([entry('package/x', Buffer.from('x')), end])),
  );
  const source = { package: 'some-model', version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` };
  const error = await t.throwsAsync(fetchTarball(source, cache), { instanceOf: AtalayaError });
  t.is(error?.code, 'bundle-hash-mismatch');
  t.true(error?.message.includes('some-model-1.0.0.tgz'));
});

test('a package that npm cannot fetch is refused with a reason', async (t) => {
  const cache = await mkdtemp(join(tmpdir(), 'atalaya-tarball-'));
  t.teardown(() => rm(cache, { recursive: true, force: true }));
  const source = { package: 'some-model', version: 'not-a-version-or-tag-!', integrity: `sha512-${'A'.repeat(86)}==` };
  const error = await t.throwsAsync(fetchTarball(source, cache), { instanceOf: AtalayaError });
  t.is(error?.code, 'bundle-source-unavailable');
});
