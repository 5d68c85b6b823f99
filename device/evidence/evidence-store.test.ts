import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { keptFrame } from '../capture/kept-frame.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import type { Files } from '../kernel/files.ts';
import { sha256 } from '../kernel/hash.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { milliseconds } from '../kernel/units.ts';
import { EvidenceStore } from './evidence-store.ts';
import { createIdentity, openWith } from './sealing/identity.ts';
import { opensCommitment, readPlate } from './sealing/plate-commitment.ts';
import { checkStore } from './testing/check-store.ts';
import { contextAt, frameOf, framesAround, infractionAt, jpegFrameOf, timeOf } from './testing/fixtures.ts';
import { plateModels, plateRead } from './testing/plates.ts';
import { everything, fault, gather, inMemory, linesOf, onDisk, seal, testKeystore } from './testing/stores.ts';

const authority = await createIdentity();
const operator = await createIdentity();
const recipients = { authority: [authority.recipient], operators: [operator.recipient] };

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-evidence-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'evidence');
}

/** The same files, in which a write that is durable when it resolves takes as long as `until` says. */
function slowed(files: MemoryFiles, until: (path: string) => Promise<void> | undefined): Files {
  const slow: Files = Object.create(files);
  slow.open = async (path, mode) => {
    const file = await files.open(path, mode);
    if (mode !== 'durable') return file;
    const write = file.write.bind(file);
    file.write = async (chunks, position) => {
      await write(chunks, position);
      await until(path);
    };
    return file;
  };
  for (const name of ['list', 'makeFolder', 'rename', 'remove', 'syncFolder', 'space'] as const) {
    Object.assign(slow, { [name]: files[name].bind(files) });
  }
  return slow;
}

test('a sealed infraction is on disk as it was judged, and read back the same after a new opening', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, onDisk({ recipients }));
  const clip = { frames: [166, 168, 170, 172].map((one) => keptFrame(frameOf(one))), thinned: false };
  const context = { ...contextAt(170), plate: plateRead('AB123CD', 168), plateModels, clip };
  const sealed = await store.seal(infractionAt(170), framesAround(170), context);
  const { record } = sealed;
  t.is(sealed.id, 'unit-1-000000001');
  t.is(sealed.recordSha256, sha256(canonicalJson(record)));
  t.like(record, {
    schema: 'atalaya/evidence/3',
    unit: 'unit-1',
    boot: 'boot-1',
    sequence: 1,
    signer: testKeystore().id,
  });
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
  t.deepEqual(record.sealing?.recipients, [authority.recipient]);
  t.deepEqual(
    record.files.map(({ name, role }) => `${name} ${role}`),
    [
      'before.jpg context',
      'at.jpg context',
      'close-up.png close-up',
      'annotated.jpg annotated',
      'operator.jpg operator',
      'after.jpg context',
      'clip.mjpeg clip',
      'plate.json plate',
      'plate.png plate-crop',
      'plate-vehicle.png plate-vehicle',
    ],
  );
  await store.close();
  t.like(await checkStore(folder), { evidence: [sealed.id], checkpoint: 1, erased: [] });
  const again = await EvidenceStore.open(folder, onDisk({ recipients }));
  t.like(again.opening, { last: 1, segments: 1, torn: undefined, rebuiltDocuments: 0, finishedErasures: 0 });
  t.like(await again.read(1), { kind: 'evidence', record });
  t.is(await again.read(2), undefined);
  for (const file of record.files) {
    const age = await gather(again.ciphertext(record, file.name));
    t.deepEqual([age.byteLength, sha256(age)], [file.bytes, file.sha256]);
    const open = (identity: string) => gather(openWith([identity], again.ciphertext(record, file.name)));
    const clear = await open(authority.identity);
    if (file.role === 'operator') t.deepEqual(await open(operator.identity), clear);
    else t.is((await fault(open(operator.identity))).code, 'key-wrong');
    if (file.role === 'plate') {
      t.like(readPlate(clear), { outcome: 'read', text: 'AB123CD', frame: 168, track: 70, models: plateModels });
      t.true(opensCommitment(clear, record.plate?.commitment ?? ''));
    } else if (file.role === 'clip') {
      t.deepEqual(
        file.frames.map(([frame, ms]) => [frame, ms]),
        [166, 168, 170, 172].map((one) => [one, one * 40]),
      );
      for (const [, , from, length] of file.frames) {
        t.is((await sharp(clear.subarray(from, from + length)).metadata()).width, file.width);
      }
    } else {
      const { width, height } = await sharp(clear).metadata();
      t.deepEqual([width, height], [file.width, file.height]);
    }
  }
  await again.close();
});

test("the camera's own bytes are kept untouched", async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles(), { recipients }));
  const at = await jpegFrameOf(103);
  const frames = { at: keptFrame(at), after: keptFrame(frameOf(104, 'yuv420p')) };
  const { record } = await store.seal(infractionAt(103), frames, contextAt(103));
  t.like(
    record.files.find(({ name }) => name === 'at.jpg'),
    { origin: 'original' },
  );
  const clear = await gather(openWith([authority.identity], store.ciphertext(record, 'at.jpg')));
  t.true(clear.equals(at.original as Uint8Array));
  t.true(record.files.find(({ name }) => name === 'after.jpg')?.making.includes('yuv420p'));
  t.throws(() => store.ciphertext(record, 'before.jpg'), { code: 'usage-invalid' });
  await store.close();
});

test('without an authority no picture is kept, and the record says so', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  const { record } = await seal(store, 1, 'AB123CD');
  t.deepEqual([record.files, record.sealing, record.plate], [[], null, undefined]);
  await store.close();
  t.is((await checkStore('/data', files)).evidence.length, 1);
  t.deepEqual(
    [...(await everything('/data', files)).keys()].filter((path) => /blobs|keys/.test(path)),
    [],
  );
});

test('many at a time get numbers without gaps, in one order in journal, log and index', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, onDisk({ recipients }));
  const sealed = await Promise.all(Array.from({ length: 12 }, (_, i) => seal(store, i * 10)));
  t.deepEqual(
    sealed.map(({ sequence }) => sequence).sort((a, b) => a - b),
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  const closing = store.close();
  t.is((await fault(seal(store, 1))).code, 'store-closed');
  await closing;
  await store.close();
  const { evidence } = await checkStore(folder);
  t.deepEqual(evidence, sealed.map(({ id }) => id).sort());
});

test('closing waits for what is being sealed', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, onDisk({ recipients }));
  const sealing = seal(store, 5);
  await store.close();
  t.is((await sealing).sequence, 1);
  t.like(await checkStore(folder), { evidence: ['unit-1-000000001'], checkpoint: 1 });
});

test('one process, and one opening in it, has the folder', async (t) => {
  const folder = await newFolder(t);
  const store = await EvidenceStore.open(folder, onDisk());
  const error = await fault(EvidenceStore.open(folder, onDisk()));
  t.is(error.code, 'store-locked');
  t.true(error.message.includes(String(process.pid)));
  await store.close();
  await (await EvidenceStore.open(folder, onDisk())).close();
});

test('a seal that misses its deadline is given up before its record, leaves no file, and the store goes on', async (t) => {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  const options = inMemory(files, { recipients, timer: clock, sealDeadline: milliseconds(50) });
  const store = await EvidenceStore.open('/data', options);
  const late = fault(seal(store, 1));
  await clock.advance(60);
  t.is((await late).code, 'deadline-exceeded');
  await store.close();
  t.deepEqual(
    [...(await everything('/data', files)).keys()].filter((path) => /blobs|keys/.test(path)),
    [],
  );
  const again = await EvidenceStore.open('/data', options);
  t.is((await seal(again, 2)).sequence, 1);
  await again.close();
});

test('a seal whose deadline passes while its record is made durable is refused, and found later as any other', async (t) => {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  let syncing: Promise<void> | undefined;
  const slow = slowed(files, (path) => (path.includes('/journal/') ? syncing : undefined));
  const store = await EvidenceStore.open('/data', inMemory(slow, { timer: clock, sealDeadline: milliseconds(50) }));
  const { promise, resolve } = Promise.withResolvers<void>();
  syncing = promise;
  const late = fault(seal(store, 1));
  // The record is being written, so it is waited for once more as long.
  for (let time = 0; time < 2; time += 1) {
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    await clock.advance(60);
  }
  t.is((await late).code, 'deadline-exceeded');
  resolve();
  await store.close();
  const again = await EvidenceStore.open('/data', inMemory(files));
  t.is((await linesOf(again)).length, 1);
  t.is((await seal(again, 2)).sequence, 2);
  await again.close();
});

test('a clip that is not made when half of the deadline is over gives way, and the infraction is kept', async (t) => {
  const clock = new ManualClock();
  const options = inMemory(new MemoryFiles(), { recipients, clock, timer: clock, sealDeadline: milliseconds(1000) });
  const store = await EvidenceStore.open('/data', options);
  const frames = [8, 9, 10].map((sequence) => keptFrame(frameOf(sequence)));
  const context = { ...contextAt(10), clip: { frames, thinned: false } };
  const sealing = store.seal(infractionAt(10), framesAround(10), context);
  await clock.advance(500);
  const clip = (await sealing).record.files.find(({ role }) => role === 'clip');
  t.regex(clip?.making ?? '', /^1 pictures .*; 2 frames left out for want of time$/);
  await store.close();
});

test('a seal whose deadline passes while its record is written is waited for: what is kept is never told as lost', async (t) => {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  const options = inMemory(files, { timer: clock, sealDeadline: milliseconds(50) });
  const store = await EvidenceStore.open('/data', options);
  let passed = false;
  files.plan = ({ kind, path }) => {
    if (kind === 'write' && path.includes('/journal/') && !passed) {
      passed = true;
      void clock.advance(60);
    }
    return undefined;
  };
  t.is((await seal(store, 1)).sequence, 1);
  t.true(passed);
  files.plan = () => undefined;
  await store.close();
});

test('a picture of the wrong size costs its own seal alone', async (t) => {
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles(), { recipients }));
  const at = frameOf(101);
  const short = keptFrame({ ...at, picture: { ...at.picture, data: at.picture.data.subarray(0, 100) } });
  t.is((await fault(store.seal(infractionAt(101), { at: short }, contextAt(101)))).code, 'frame-damaged');
  t.is((await seal(store, 10)).sequence, 1);
  await store.close();
});

test('a record that could not be read back is refused before it has a number, and its files are gone', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files, { recipients }));
  const infraction = { ...infractionAt(110), track: Number.NaN };
  const { code, message } = await fault(store.seal(infraction, framesAround(110), contextAt(110)));
  t.is(code, 'internal');
  t.true(message.includes('infraction.track'), message);
  t.deepEqual(
    [...(await everything('/data', files)).keys()].filter((path) => /blobs|keys/.test(path)),
    [],
  );
  t.is((await seal(store, 10)).sequence, 1);
  await store.close();
});

test('an index that cannot be written does not stop evidence, is told of, and is made good later', async (t) => {
  const files = new MemoryFiles();
  const store = await EvidenceStore.open('/data', inMemory(files));
  files.plan = ({ path }) => (path.includes('/index/') ? { code: 'EROFS' } : undefined);
  await seal(store, 1);
  await seal(store, 2);
  t.is((await linesOf(store)).length, 2);
  await store.close();
  t.is(store.status.indexFault?.code, 'store-failed');
  files.plan = () => undefined;
  const again = await EvidenceStore.open('/data', inMemory(files));
  t.is(again.opening.rebuiltDocuments, 1);
  t.is((await linesOf(again)).length, 2);
  await again.close();
});
