import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { keptFrame } from '../capture/kept-frame.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { systemFiles } from '../kernel/files.ts';
import { sha256 } from '../kernel/hash.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { milliseconds } from '../kernel/units.ts';
import { EvidenceStore, type StoreOptions } from './evidence-store.ts';
import { checkStore } from './testing/check-store.ts';
import { contextAt, frameOf, framesAround, infractionAt, jpegFrameOf, timeOf } from './testing/fixtures.ts';

const options: StoreOptions = { unit: 'unit-1', boot: 'boot-1', clock: new ManualClock() };

/** A store on a file system in memory, which no other process can see. */
const inMemory = (files: MemoryFiles): StoreOptions => ({
  ...options,
  files,
  segmentBytes: 6000,
  takeLock: async () => ({ release: async () => undefined }),
});

const seal = (store: EvidenceStore, at: number) => {
  const frame = at + 100;
  return store.seal(infractionAt(frame), framesAround(frame), contextAt(frame));
};

async function ids(store: EvidenceStore): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of store.list()) found.push(entry.id);
  return found;
}

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-evidence-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'evidence');
}

async function fault(work: Promise<unknown>): Promise<AtalayaError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AtalayaError) return error;
    throw error;
  }
  throw new Error('no fault where one is due');
}

test('a sealed infraction is on disk as it was judged, and read back the same after a new opening', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, options);
  const sealed = await seal(store, 70);
  t.is(sealed.id, 'unit-1-000000001');
  t.is(sealed.recordSha256, sha256(canonicalJson(sealed.record)));
  const { record } = sealed;
  t.like(record, { schema: 'atalaya/evidence/1', unit: 'unit-1', boot: 'boot-1', sequence: 1 });
  t.like(record.infraction, { rule: 'red-light', frame: 170, track: 70, class: 'car', lane: null });
  t.deepEqual(record.infraction.measured, {
    rule: 'red-light',
    head: 'main',
    line: 'stop',
    redForS: 1.25,
    speedKmh: 41.5,
  });
  t.is(record.infraction.time.utc, new Date(timeOf(170).utc).toISOString());
  t.is(record.infraction.findings.length, 2);
  t.is(record.auxiliary.label, 'raw data, not a measurement');
  t.deepEqual(
    record.auxiliary.track.map((point) => point.elapsedMs),
    [6720, 6760, 6800],
  );
  t.deepEqual(
    record.files.map(({ name, frame, origin }) => [name, frame, origin]),
    [
      ['before.jpg', 165, 'encoded'],
      ['at.jpg', 170, 'encoded'],
      ['close-up.png', 170, 'derived'],
      ['annotated.jpg', 170, 'derived'],
      ['after.jpg', 175, 'encoded'],
    ],
  );
  await store.close();
  t.deepEqual(checkStore(folder), ['unit-1-000000001']);
  const again = await EvidenceStore.open(folder, options);
  t.like(again.opening, { records: 1, segments: 1, torn: undefined, rebuiltDocuments: 0 });
  t.deepEqual(await again.read(1), sealed);
  t.is(await again.read(2), undefined);
  for (const file of sealed.files) {
    const { width, height } = await sharp(await again.readFile(file)).metadata();
    t.deepEqual([width, height], [file.width, file.height]);
  }
  await again.close();
});

test("the camera's own bytes are kept untouched", async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles()));
  const at = await jpegFrameOf(3);
  const frames = { at: keptFrame(at), after: keptFrame(frameOf(4, 'yuv420p')) };
  const { files } = await store.seal(infractionAt(3), frames, contextAt(3));
  const context = files.find(({ name }) => name === 'at.jpg');
  t.is(context?.origin, 'original');
  t.is(context?.sha256, sha256(at.original as Uint8Array));
  t.deepEqual(
    new Uint8Array(await store.readFile({ sha256: context?.sha256 as string })),
    new Uint8Array(at.original as Uint8Array),
  );
  t.true(files.find(({ name }) => name === 'after.jpg')?.making.includes('yuv420p'));
  t.is(files.length, 4);
});

test('many at a time get numbers without gaps, in one order in journal and index', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, options);
  const sealed = await Promise.all(Array.from({ length: 12 }, (_, i) => seal(store, i * 10)));
  const numbers = sealed.map(({ sequence }) => sequence).sort((a, b) => a - b);
  t.deepEqual(
    numbers,
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  const closing = store.close();
  t.is((await fault(seal(store, 1))).code, 'store-closed');
  await closing;
  await store.close();
  t.deepEqual(checkStore(folder), (await reopened(folder)).sort());
});

async function reopened(folder: string): Promise<string[]> {
  const store = await EvidenceStore.open(folder, options);
  const found = await ids(store);
  await store.close();
  return found;
}

test('closing waits for what is being sealed', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, options);
  const sealing = seal(store, 5);
  await store.close();
  t.is((await sealing).sequence, 1);
  t.is(checkStore(folder).length, 1);
});

test('one process, and one opening in it, has the folder', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, options);
  const error = await fault(EvidenceStore.open(folder, options));
  t.is(error.code, 'store-locked');
  t.true(error.message.includes(String(process.pid)));
  await store.close();
  await (await EvidenceStore.open(folder, options)).close();
});

test('a damaged store is not opened, and is free again for the next attempt', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, options);
  await seal(store, 1);
  await seal(store, 2);
  await store.close();
  const path = join(folder, 'journal', '000000000001.journal');
  const file = await systemFiles.open(path, 'update');
  await file.write([Buffer.from('X')], 400);
  await file.close();
  for (let i = 0; i < 2; i += 1) {
    const error = await fault(EvidenceStore.open(folder, options));
    t.is(error.code, 'store-damaged');
    t.regex(error.message, /segment 000000000001\.journal at byte \d+/);
  }
});

test('a blob that was changed is found when it is read', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, options);
  const [file] = (await seal(store, 1)).files;
  const handle = await systemFiles.open(file?.path as string, 'update');
  await handle.write([Buffer.from('X')], 30);
  await handle.close();
  t.is((await fault(store.readFile({ sha256: file?.sha256 as string }))).code, 'store-damaged');
  await store.close();
});

for (const folderName of ['blobs', 'journal']) {
  test(`a disk that fills up in ${folderName} refuses evidence, says so each time, and loses nothing`, async (t) => {
    const files = new MemoryFiles();
    const store = await EvidenceStore.open('/data', inMemory(files));
    for (let i = 1; i <= 3; i += 1) await seal(store, i);
    files.plan = ({ kind, path }) =>
      kind === 'write' && path.startsWith(`/data/${folderName}`) ? { code: 'ENOSPC', bytes: 100 } : undefined;
    t.is((await fault(seal(store, 4))).code, 'store-full');
    files.plan = () => undefined;
    const refused = await fault(seal(store, 5));
    t.is(refused.code, 'store-full');
    t.true(refused.message.startsWith('no evidence is sealed any more'));
    t.is(store.status.fault?.code, 'store-full');
    t.is((await ids(store)).length, 3);
    await store.close();
    const again = await EvidenceStore.open('/data', inMemory(files));
    t.is(again.opening.records, 3);
    t.is((await seal(again, 4)).sequence, 4);
  });
}

test('an index that cannot be written does not stop evidence, is told of, and is made good later', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  files.plan = ({ path }) => (path.includes('/index/') ? { code: 'EROFS' } : undefined);
  await seal(store, 1);
  await seal(store, 2);
  t.is((await ids(store)).length, 2);
  await store.close();
  t.is(store.status.indexFault?.code, 'store-failed');
  files.plan = () => undefined;
  const again = await EvidenceStore.open('/data', inMemory(files));
  t.is(again.opening.rebuiltDocuments, 1);
  t.is((await ids(again)).length, 2);
});

test('a seal that misses its deadline is given up before its record, and the store goes on', async (t) => {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', { ...inMemory(files), timer: clock, sealDeadline: milliseconds(50) });
  const late = fault(seal(store, 1));
  await clock.advance(60);
  t.is((await late).code, 'deadline-exceeded');
  t.is((await seal(store, 2)).sequence, 1);
});

test('a picture of the wrong size costs its own seal alone', async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles()));
  const at = frameOf(1);
  const short = keptFrame({ ...at, picture: { ...at.picture, data: at.picture.data.subarray(0, 100) } });
  t.is((await fault(store.seal(infractionAt(1), { at: short }, contextAt(1)))).code, 'frame-damaged');
  t.is((await seal(store, 10)).sequence, 1);
});

test('a record that could not be read back is refused before it has a number', async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles()));
  const infraction = { ...infractionAt(10), track: Number.NaN };
  const { code, message } = await fault(store.seal(infraction, framesAround(10), contextAt(10)));
  t.is(code, 'internal');
  t.true(message.includes('infraction.track'), message);
  t.is((await seal(store, 10)).sequence, 1);
});

test('after a power cut at each operation of a seal everything acknowledged is there, with its files, and nothing is half there', async (t) => {
  const dry = new MemoryFiles();
  const whole = await EvidenceStore.open('/data', inMemory(dry));
  const start = dry.operations;
  for (let i = 1; i <= 4; i += 1) await seal(whole, i);
  await whole.close();
  const end = dry.operations;
  t.log(`${end} operations, ${end - start} of them in four seals`);
  for (let cut = 0; cut <= end; cut += 1) {
    const files = new MemoryFiles();
    files.plan = ({ number }) => (number === cut ? 'power-cut' : undefined);
    const acknowledged: string[] = [];
    try {
      const store = await EvidenceStore.open('/data', inMemory(files));
      for (let i = 1; i <= 4; i += 1) acknowledged.push((await seal(store, i)).id);
      await store.close();
    } catch (error) {
      if (!(error instanceof AtalayaError)) throw error;
    }
    const store = await EvidenceStore.open('/data', inMemory(files.survivors(seededRandom(cut))));
    const found = await ids(store);
    t.deepEqual(found.slice(0, acknowledged.length), acknowledged, `cut at operation ${cut}`);
    t.true(found.length <= acknowledged.length + 1);
    for (let sequence = 1; sequence <= found.length; sequence += 1) {
      const sealed = await store.read(sequence);
      for (const file of sealed?.files ?? []) t.is((await store.readFile(file)).byteLength, file.bytes);
    }
    t.is((await seal(store, 9)).sequence, found.length + 1);
  }
});
