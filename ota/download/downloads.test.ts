import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { MemoryFiles, type Operation } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import type { BlockSink, BlockWishes, UpdateSource } from '../contract/parts.ts';
import type { RefusalCode } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import { Downloads } from './downloads.ts';
import { MapFile } from './map-file.ts';
import { MemorySource, targetOf } from './testing/downloaded.ts';

const folder = '/data/downloads';
const content = randomBytes(100_123);
const target = targetOf(content);

const over = (files: Files) =>
  new Downloads({
    files,
    folder,
    timer: new ManualClock(),
    flushing: { bytes: 16_384, after: milliseconds(5000) },
  });

const fetch = (downloads: Downloads, source: UpdateSource, more: { of?: Target; signal?: AbortSignal } = {}) =>
  downloads.fetch(more.of ?? target, source, {
    signal: more.signal ?? new AbortController().signal,
    rate: () => undefined,
    progress: () => undefined,
  });

async function empty(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await files.makeFolder('/data');
  await files.syncFolder('/');
  return files;
}

test('a target comes whole, is durable, and is not fetched again', async (t) => {
  const files = await empty();
  const downloads = over(files);
  const seen: number[] = [];
  const source = new MemorySource(content);
  const fetched = await downloads.fetch(target, source, {
    signal: new AbortController().signal,
    rate: () => undefined,
    progress: (done) => seen.push(done),
  });
  t.deepEqual(fetched, { kind: 'complete', path: `${folder}/${target.sha256}.whole` });
  t.deepEqual([seen[0], seen.at(-1)], [0, content.byteLength]);
  t.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  const after = files.survivors(seededRandom(1));
  t.deepEqual(await readWholeFile(after, `${folder}/${target.sha256}.whole`), content);
  t.is(await over(after).have(target), content.byteLength);
  t.is((await fetch(over(after), source)).kind, 'complete');
  t.is(source.given, content.byteLength);
  t.deepEqual(await after.list(folder), [`${target.sha256}.whole`]);
});

test('the power fails at each single operation: nothing is claimed that is not there, and nothing begins from zero', async (t) => {
  const operations: Operation['kind'][] = [];
  const whole = await empty();
  whole.plan = ({ kind }) => {
    operations.push(kind);
    return undefined;
  };
  await fetch(over(whole), new MemorySource(content));
  t.true(operations.length > 25);
  for (const [at] of operations.entries()) {
    for (const seed of [1, 2, 3]) {
      const files = await empty();
      const from = files.operations;
      let claimed = 0;
      files.plan = ({ number }) => (number === from + at ? 'power-cut' : undefined);
      const first = new MemorySource(content);
      t.true(isAtalayaError(await fetch(over(files), first).catch((error: unknown) => error)), `operation ${at}`);
      const after = files.survivors(seededRandom(100 * at + seed));
      claimed = await over(after).have(target);
      await claimsHold(t, after, claimed);
      // What had come and was not flushed yet is all that is lost: two flushes where one was on its way.
      t.true(
        claimed >= Math.min(first.given, content.byteLength) - 3 * 16_384,
        `${claimed} of ${first.given} at ${at}`,
      );
      const second = new MemorySource(content);
      t.is((await fetch(over(after), second)).kind, 'complete', `operation ${at}`);
      t.is(second.given, content.byteLength - claimed);
      t.deepEqual(await readWholeFile(after, `${folder}/${target.sha256}.whole`), content);
    }
  }
});

/** Every step that the map on the disk claims has the bytes of the target. */
async function claimsHold(t: { true(value: boolean): void }, files: Files, claimed: number): Promise<void> {
  if (claimed === 0 || claimed === content.byteLength) return;
  const found = await MapFile.open(files, `${folder}/${target.sha256}.map`, target);
  const data = (await readWholeFile(files, `${folder}/${target.sha256}.part`)) as Buffer;
  const steps = Array.from({ length: Math.ceil(content.byteLength / 4096) }, (_, step) => 4096 * step);
  const claims = steps.filter((at) => found?.map.has(at));
  t.true(claims.length > 0);
  t.true(claims.every((at) => data.subarray(at, at + 4096).equals(content.subarray(at, at + 4096))));
}

test('cut again and again at random, it gets there, whatever the disk has forgotten', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 3, max: 60 }), { maxLength: 12 }), fc.integer(), async (cuts, seed) => {
      const random = seededRandom(seed);
      let files = await empty();
      let had = 0;
      for (const cut of cuts) {
        const end = files.operations + cut;
        files.plan = ({ number }) => (number === end ? 'power-cut' : undefined);
        await fetch(over(files), new MemorySource(content, 8192)).catch(() => undefined);
        files = files.survivors(random);
        const has = await over(files).have(target);
        if (has < had) return false;
        had = has;
      }
      const fetched = await fetch(over(files), new MemorySource(content));
      return fetched.kind === 'complete';
    }),
    { numRuns: 40 },
  );
  t.pass();
});

test('a disk that fails at any operation is a fault, and the next attempt goes on', async (t) => {
  for (let at = 0; at < 50; at += 1) {
    for (const code of ['EIO', 'ENOSPC']) {
      const files = await empty();
      const from = files.operations;
      files.plan = ({ number }) => (number === from + at ? { code, bytes: 700 } : undefined);
      const first = await fetch(over(files), new MemorySource(content)).catch((error: unknown) => error);
      if (isAtalayaError(first)) t.true(['store-failed', 'store-full'].includes(first.code));
      else t.is((first as { kind: string }).kind, 'complete');
      files.plan = () => undefined;
      t.is((await fetch(over(files), new MemorySource(content))).kind, 'complete', `${code} at ${at}`);
    }
  }
});

test('a lost link keeps what has come, and another source goes on', async (t) => {
  const files = await empty();
  const link = new MemorySource(content, 16_384, (given) => given >= 50_000);
  t.is((await fault(fetch(over(files), link))).code, 'link-down');
  t.is(await over(files).have(target), link.given);
  const stick = new MemorySource(content);
  t.is((await fetch(over(files), stick)).kind, 'complete');
  t.is(stick.given, content.byteLength - link.given);
});

test('a stop keeps what has come', async (t) => {
  const files = await empty();
  const stop = new AbortController();
  const source = new MemorySource(content, 16_384, (given) => {
    if (given > 25_000) stop.abort();
    return false;
  });
  t.deepEqual(await fetch(over(files), source, { signal: stop.signal }), { kind: 'stopped' });
  t.is(await over(files.survivors(seededRandom(4))).have(target), source.given);
  const already = new AbortController();
  already.abort();
  t.deepEqual(await fetch(over(files), source, { signal: already.signal }), { kind: 'stopped' });
});

test('a damaged generation of the map costs the last flush, a damaged map the download, a damaged file what lies beyond its end', async (t) => {
  const half = async () => {
    const files = await empty();
    await fetch(over(files), new MemorySource(content, 8192, (given) => given >= 75_000)).catch(() => undefined);
    return files;
  };
  const flip = async (files: Files, path: string, ...positions: number[]) => {
    const file = await files.open(path, 'update');
    for (const position of positions) await file.write([Buffer.from([0xff])], position);
  };
  const map = `${folder}/${target.sha256}.map`;
  for (const place of [10, 4096 + 10]) {
    const files = await half();
    await flip(files, map, place);
    const left = await over(files).have(target);
    t.true(left >= 40_000, `${left}`);
    t.is((await fetch(over(files), new MemorySource(content))).kind, 'complete');
  }
  const lost = await half();
  await flip(lost, map, 10, 4096 + 10);
  t.is(await over(lost).have(target), 0);
  t.is((await fetch(over(lost), new MemorySource(content))).kind, 'complete');
  const shorter = await half();
  await (await shorter.open(`${folder}/${target.sha256}.part`, 'update')).truncate(30_000);
  t.is(await over(shorter).have(target), 28_672);
  t.is((await fetch(over(shorter), new MemorySource(content))).kind, 'complete');
  const gone = await half();
  await gone.remove(`${folder}/${target.sha256}.part`);
  t.is((await fetch(over(gone), new MemorySource(content))).kind, 'complete');
});

test('a file that is no longer what it was is fetched again', async (t) => {
  const files = await empty();
  await fetch(over(files), new MemorySource(content));
  const whole = await files.open(`${folder}/${target.sha256}.whole`, 'update');
  await whole.write([Buffer.of((content[1000] ?? 0) ^ 1)], 1000);
  const source = new MemorySource(content);
  t.is((await fetch(over(files), source)).kind, 'complete');
  t.is(source.given, content.byteLength);
});

/** A source that says and gives whatever it likes. */
const hostile = (
  blocks: (sink: BlockSink, wanted: BlockWishes, signal: AbortSignal) => Promise<void>,
): UpdateSource => ({
  name: 'an attacker',
  metadata: async () => undefined,
  blocks: (_, wanted, sink, signal) => blocks(sink, wanted, signal),
});

test('each way of giving something else is refused with its own reason', async (t) => {
  const other = Buffer.from(content);
  other[77_777] = (other[77_777] ?? 0) ^ 1;
  const cases: [RefusalCode, UpdateSource][] = [
    ['target-hash', new MemorySource(other)],
    ['target-truncated', new MemorySource(content.subarray(0, 75_000))],
    ['target-truncated', hostile(async (sink) => sink.take(0, content.subarray(0, 75_000)))],
    ['target-padded', new MemorySource(Buffer.concat([content, Buffer.alloc(1)]))],
    ['target-padded', hostile(async (sink) => sink.take(98_304, Buffer.alloc(4096)))],
    ['target-padded', hostile(async (sink) => sink.take(2 ** 40, Buffer.alloc(4096)))],
    [
      'target-endless',
      hostile(async (sink, _, signal) => {
        while (!signal.aborted) await sink.take(0, content.subarray(0, 65_536));
      }),
    ],
    [
      'target-endless',
      hostile(async (sink, _, signal) => {
        while (!signal.aborted) await sink.take(-1, Buffer.alloc(65_536));
      }),
    ],
  ];
  for (const [code, source] of cases) {
    const files = await empty();
    const fetched = await fetch(over(files), source);
    t.is(fetched.kind === 'refused' ? fetched.code : fetched.kind, code);
    // Nothing of it stands in the way of the right one.
    t.is((await fetch(over(files), new MemorySource(content))).kind, 'complete', code);
  }
  const files = await empty();
  await fetch(over(files), new MemorySource(other));
  t.deepEqual(await files.list(folder), [], 'what has another hash is thrown away');
});

test('a source without the file, and a disk without room, are refused', async (t) => {
  const absent: UpdateSource = hostile(async () => {
    const { AtalayaError } = await import('../../device/kernel/errors.ts');
    throw new AtalayaError('document-refused', 'there is none');
  });
  t.like(await fetch(over(await empty()), absent), { kind: 'refused', code: 'target-absent' });
  const files = await empty();
  files.capacity = 1_100_000;
  t.like(await fetch(over(files), new MemorySource(content)), { kind: 'refused', code: 'no-room' });
});

test('a slow link is flushed in time, though nothing more comes', async (t) => {
  const files = await empty();
  const clock = new ManualClock();
  const downloads = new Downloads({ files, folder, timer: clock });
  const stop = new AbortController();
  const source = hostile(async (sink, _, signal) => {
    await sink.take(8192, content.subarray(8192, 16_384));
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  });
  const work = fetch(downloads, source, { signal: stop.signal });
  await clock.advance(4900);
  t.is(await over(files.survivors(seededRandom(2))).have(target), 0);
  await clock.advance(200);
  t.is(await over(files.survivors(seededRandom(2))).have(target), 8192);
  stop.abort();
  t.deepEqual(await work, { kind: 'stopped' });
});

test('only what is to be kept stays', async (t) => {
  const files = await empty();
  const second = targetOf(content.subarray(0, 9000), 'model-2-r2.tar.zst');
  const downloads = over(files);
  await fetch(downloads, new MemorySource(content));
  await fetch(downloads, new MemorySource(content.subarray(0, 9000)), { of: second });
  await downloads.keepOnly([second]);
  t.deepEqual(await files.list(folder), [`${second.sha256}.whole`]);
  t.is(await downloads.have(target), 0);
  await downloads.keepOnly([]);
  await over(await empty()).keepOnly([]);
  t.deepEqual(await files.list(folder), []);
});
