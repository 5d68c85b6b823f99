import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { openWith } from './identity.ts';
import type { PackageSealer, SealedPackage } from './package-sealer.ts';
import { clear, everyName, gather, inPieces, makeParties, openSealer, tellingSyncs } from './testing/sealing.ts';

const { authority, operator, recipients } = await makeParties();

const opened = (sealer: PackageSealer, { keys, files }: SealedPackage, index: number, identity = authority) =>
  gather(openWith([identity], sealer.ciphertext(keys, files, index)));

/** Bytes of which every stretch differs. */
function content(bytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)));
}

const small = () => [clear('a', content(700, 1)), clear('b', inPieces(content(1500, 2), 400), true)];

test('what goes in comes out, whatever its size and the pieces in which it comes', async (t) => {
  const { sealer, keys, bodies } = await openSealer(new MemoryFiles(), '/store', recipients);
  const size = fc.oneof(fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072), fc.integer({ min: 0, max: 200_000 }));
  const file = fc.record({ size, pieces: fc.integer({ min: 500, max: 300_000 }), whole: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 3 }), async (files) => {
      const contents = files.map((one, i) => Buffer.alloc(one.size, `${i}-${one.size}-`));
      const sealed = await sealer.seal(
        files.map((one, i) => {
          const bytes = contents[i] ?? Buffer.alloc(0);
          return clear(`${i}`, one.whole ? bytes : inPieces(bytes, one.pieces));
        }),
      );
      t.is(sealed.keys.bytes, (await keys.get(sealed.keys.sha256)).byteLength);
      for (const [i, one] of sealed.files.entries()) {
        t.deepEqual(await opened(sealer, sealed, i), contents[i]);
        const whole = await gather(sealer.ciphertext(sealed.keys, sealed.files, i));
        t.deepEqual([whole.byteLength, sha256(whole)], [one.bytes, one.sha256]);
        t.deepEqual(whole.subarray(one.header), await bodies.get(one.body));
      }
    }),
    { numRuns: 15 },
  );
});

test('the operator opens what is made for operators, the authority everything', async (t) => {
  const { sealer } = await openSealer(new MemoryFiles(), '/store', recipients);
  const sealed = await sealer.seal(small());
  t.deepEqual(await opened(sealer, sealed, 1, operator), content(1500, 2));
  const refused = await t.throwsAsync(opened(sealer, sealed, 0, operator));
  t.true(isAtalayaError(refused, 'key-wrong'));
  for (const [i, bytes] of [700, 1500].entries()) t.deepEqual(await opened(sealer, sealed, i), content(bytes, i + 1));
});

test('key file and body that are missing, changed or mixed up are never handed out as whole', async (t) => {
  const files = new MemoryFiles();
  const { sealer, keys, bodies } = await openSealer(files, '/store', recipients);
  const one = await sealer.seal(small());
  const two = await sealer.seal(small());
  const damaged = async (work: () => Promise<unknown>) =>
    t.true(isAtalayaError(await t.throwsAsync(work()), 'store-damaged'));
  await damaged(() => gather(sealer.ciphertext(one.keys, two.files, 0)));
  await damaged(() => gather(sealer.ciphertext(one.keys, one.files.toReversed(), 0)));
  for (const path of [bodies.path(one.files[0]?.body ?? ''), keys.path(two.keys.sha256)]) {
    const file = await files.open(path, 'update');
    await file.write([Buffer.from('?')], (await file.size()) - 1);
  }
  await damaged(() => gather(sealer.ciphertext(one.keys, one.files, 0)));
  t.deepEqual(await opened(sealer, one, 1), content(1500, 2));
  await damaged(() => gather(sealer.ciphertext(two.keys, two.files, 1)));
  await sealer.destroy(one.keys.sha256, []);
  await damaged(() => gather(sealer.ciphertext(one.keys, one.files, 1)));
});

test('a source is read no faster than the disk writes', async (t) => {
  const files = new MemoryFiles();
  const { sealer } = await openSealer(files, '/store', recipients);
  let read = 0;
  let written = 0;
  let ahead = 0;
  files.plan = ({ kind }) => {
    if (kind === 'write') written += 1;
    return undefined;
  };
  const source = async function* () {
    for (; read < 40; read += 1) {
      ahead = Math.max(ahead, read - written);
      yield Buffer.alloc(65_536);
    }
  };
  await sealer.seal([clear('clip', source())]);
  t.true(written > 40 && ahead <= 4, `${ahead} chunks ahead`);
});

test('a seal that is aborted or whose source fails leaves nothing behind, even where a source hangs', async (t) => {
  const files = new MemoryFiles();
  const { sealer } = await openSealer(files, '/store', recipients);
  const reason = new Error('too late');
  for (const after of [0, 1, 3]) {
    const given = new AbortController();
    let ended = false;
    const source = async function* () {
      try {
        for (let i = 0; i < after; i += 1) yield Buffer.alloc(100_000, i);
        given.abort(reason);
        yield Buffer.alloc(100_000);
      } finally {
        ended = true;
      }
    };
    t.is(await t.throwsAsync(sealer.seal([...small(), clear('clip', source())], given.signal)), reason);
    t.true(ended);
    t.deepEqual(await everyName(files, '/store'), []);
  }
  const hung = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Uint8Array>>(() => {}) }) };
  const given = new AbortController();
  const work = sealer.seal([...small(), clear('hung', hung)], given.signal);
  setImmediate(() => given.abort(reason));
  t.is(await t.throwsAsync(work), reason);
  const failing = async function* () {
    yield Buffer.alloc(100_000);
    throw reason;
  };
  t.is(await t.throwsAsync(sealer.seal([...small(), clear('bad', failing()), clear('hung', hung)])), reason);
  t.is(await t.throwsAsync(sealer.seal(small(), AbortSignal.abort(reason))), reason);
  await t.throwsAsync(sealer.seal([]), { message: /without files/ });
  t.deepEqual(await everyName(files, '/store'), []);
});

test('a full or failing disk at any operation: the seal is refused with the reason and nothing stays', async (t) => {
  let refused = 0;
  for (let number = 0; ; number += 1) {
    const files = new MemoryFiles();
    const { sealer } = await openSealer(files, '/store', recipients);
    const first = files.operations;
    const code = number % 2 === 0 ? 'ENOSPC' : 'EIO';
    let kind = '';
    files.plan = (one) => {
      if (one.number !== first + number) return undefined;
      kind = one.kind;
      return { code, bytes: 100 };
    };
    const error = await sealer.seal(small()).then(
      () => undefined,
      (fault: unknown) => fault,
    );
    if (files.operations <= first + number) break;
    if (error === undefined) continue;
    refused += 1;
    t.true(isAtalayaError(error, number % 2 === 0 ? 'store-full' : 'store-failed'), `${error}`);
    // What a failed fsync or removal leaves of a name is for the next start to clear.
    if (kind === 'syncFolder' || kind === 'remove') {
      const { sealer: next } = await openSealer(files, '/store', recipients);
      await next.sweep(await next.orphans(() => false));
    }
    t.deepEqual(await everyName(files, '/store'), [], `operation ${number}: ${kind}`);
  }
  t.true(refused >= 15, `${refused}`);
});

test('a package takes one fsync for each file and one for each folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-fsync-'));
  try {
    const synced: string[] = [];
    const files = tellingSyncs(systemFiles, (what, path) => synced.push(`${what} ${relative(folder, path)}`));
    const { sealer } = await openSealer(files, folder, recipients);
    synced.length = 0;
    const sealed = await sealer.seal(Array.from({ length: 6 }, (_, i) => clear(`${i}`, content(2000, i))));
    const count = (beginning: RegExp) => synced.filter((one) => beginning.test(one)).length;
    const inner = new Set(sealed.files.map(({ body }) => body.slice(0, 2))).size;
    t.is(count(/^file blobs/), 6);
    t.is(count(/^file keys/), 1);
    // Two bodies that happen to share a folder share its fsync where they come at the same time.
    t.true(count(/^folder blobs\/../) >= inner && count(/^folder blobs\/../) <= 6);
    t.is(count(/^folder keys\/../), 1);
    // Names of new inner folders, of which a store makes 256 and no more.
    t.true(count(/^folder (blobs|keys)$/) <= 7);
    const firstKey = synced.findIndex((one) => one.includes(' keys'));
    t.true(firstKey > synced.findLastIndex((one) => one.includes(' blobs')), synced.join(', '));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('orphans are what nothing names, and never what is being sealed; a sweep removes them', async (t) => {
  const files = new MemoryFiles();
  const before = await openSealer(files, '/store', recipients);
  const kept = await before.sealer.seal(small());
  const left = await before.sealer.seal(small());
  await t.throwsAsync(
    before.sealer.orphans(() => true),
    { message: /before the first seal/ },
  );

  const { sealer } = await openSealer(files, '/store', recipients);
  const named = new Set([kept.keys.sha256, ...kept.files.map(({ body }) => body)]);
  const looking = sealer.orphans(async (name) => named.has(name));
  const meanwhile = sealer.seal(small());
  const found = await looking;
  t.deepEqual(
    found.map(({ kind, sha256: name, bytes }) => `${kind} ${name} ${bytes}`).toSorted(),
    [
      `keys ${left.keys.sha256} ${left.keys.bytes}`,
      ...left.files.map(({ body, bytes, header }) => `body ${body} ${bytes - header}`),
    ].toSorted(),
  );
  await sealer.sweep(found);
  t.true(
    await sealer.isDestroyed(
      left.keys.sha256,
      left.files.map(({ body }) => body),
    ),
  );
  for (const one of [kept, await meanwhile]) t.deepEqual(await opened(sealer, one, 0), content(700, 1));
});

test('after a power cut at any operation of a seal all is there or nothing names it, and a sweep clears it', async (t) => {
  for (let cut = 0; ; cut += 1) {
    const files = new MemoryFiles();
    files.plan = ({ number }) => (number === cut ? 'power-cut' : undefined);
    let sealed: SealedPackage | undefined;
    try {
      const { sealer } = await openSealer(files, '/store', recipients);
      sealed = await sealer.seal(small());
    } catch (error) {
      if (!isAtalayaError(error)) throw error;
    }
    for (const seed of [1, 2, 3]) {
      const survivor = files.survivors(seededRandom(cut * 3 + seed));
      const { sealer, bodies, keys } = await openSealer(survivor, '/store', recipients);
      for (const store of [bodies, keys])
        for (const name of await store.list()) t.is(sha256(await store.get(name)), name);
      if (sealed !== undefined) {
        t.deepEqual(await opened(sealer, sealed, 0), content(700, 1));
        t.deepEqual(await opened(sealer, sealed, 1), content(1500, 2));
      } else {
        await sealer.sweep(await sealer.orphans(() => false));
        t.deepEqual(await everyName(survivor, '/store'), [], `cut at operation ${cut}`);
      }
    }
    if (files.operations <= cut) break;
  }
});
