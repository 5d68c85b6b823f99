import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import type { BlockDevice } from './block-device.ts';
import { chunkBytes, type FlashOutcome, flashImage } from './flash-image.ts';
import { systemDisks } from './system-disks.ts';
import { type DiskFaults, FaultyDisk } from './testing/faulty-disk.ts';

const mebibyte = 1024 * 1024;
const bytes = 11 * mebibyte;

interface Bench {
  readonly image: string;
  readonly disk: string;
  readonly content: Buffer;
}

/** An image that is no whole number of chunks, and a disk full of something else. */
function bench(t: { teardown(end: () => void): void }): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-flash-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const made = { image: join(folder, 'image'), disk: join(folder, 'disk'), content: randomBytes(bytes) };
  writeFileSync(made.image, made.content);
  writeFileSync(made.disk, randomBytes(bytes + mebibyte));
  return made;
}

async function flash(
  made: Bench,
  device: () => Promise<BlockDevice>,
  signal = new AbortController().signal,
  sha256 = hashOf(made.content),
): Promise<FlashOutcome> {
  const image = await systemFiles.open(made.image, 'read');
  try {
    return await flashImage(device, { image, sha256, clock: systemClock, signal, progress: () => undefined });
  } finally {
    await image.close();
  }
}

const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const faulty =
  ({ disk }: Bench, faults: DiskFaults) =>
  async () =>
    new FaultyDisk(disk, faults);
/** What firmware would look at: the first sector has to be empty on a disk that is not finished. */
const startsNothing = ({ disk }: Bench): boolean =>
  readFileSync(disk)
    .subarray(0, chunkBytes)
    .every((byte) => byte === 0);

const devices = {
  'a fake disk': faulty,
  'a file by the real adapter': (made: Bench) => () => systemDisks.open(made.disk),
};
for (const [name, open] of Object.entries(devices)) {
  test(`what was written is read back, and what lies behind it stays: ${name}`, async (t) => {
    const made = bench(t);
    const before = readFileSync(made.disk);
    t.deepEqual(await flash(made, open(made, {})), { kind: 'done', bytes });
    const after = readFileSync(made.disk);
    t.true(after.subarray(0, bytes).equals(made.content));
    t.true(after.subarray(bytes).equals(before.subarray(bytes)));
  });
}

test('the real adapter reads back a part, from any place', async (t) => {
  const made = bench(t);
  const disk = await systemDisks.open(made.image);
  const read: Uint8Array[] = [];
  for await (const part of disk.readBack(4096, 8192)) read.push(part);
  await disk.close();
  t.true(Buffer.concat(read).equals(made.content.subarray(4096, 12_288)));
});

test('a damaged image is noticed before the disk is opened', async (t) => {
  const made = bench(t);
  const opened = flash(made, () => Promise.reject(new Error('opened')), undefined, hashOf(Buffer.from('another')));
  t.like(await opened, { kind: 'image-differs', got: hashOf(made.content) });
});

const writes = { EIO: 'medium', ENXIO: 'unplugged', ENODEV: 'unplugged', ENOSPC: 'full', EROFS: 'read-only' } as const;
for (const [code, why] of Object.entries(writes)) {
  test(`a write that ends with ${code} leaves a disk that starts nothing`, async (t) => {
    const made = bench(t);
    const outcome = await flash(made, faulty(made, { writeFails: { at: 6 * mebibyte, code } }));
    t.like(outcome, { kind: 'failed', step: 'writing', why, at: chunkBytes });
    t.true(startsNothing(made));
  });
}

test('a disk that is gone while it is read back, or cannot be read, starts nothing', async (t) => {
  for (const [code, why] of [
    ['ENXIO', 'unplugged'],
    ['EIO', 'medium'],
  ] as const) {
    const made = bench(t);
    t.like(await flash(made, faulty(made, { readFails: { at: 9 * mebibyte, code } })), {
      kind: 'failed',
      step: 'reading back',
      why,
    });
    t.true(startsNothing(made));
  }
});

test('a forged card and a bit that changed are found, at the start and at the end', async (t) => {
  for (const faults of [{ forgetsFrom: 8 * mebibyte }, { flips: bytes - 1 }, { flips: chunkBytes }, { flips: 3 }]) {
    const made = bench(t);
    t.is((await flash(made, faulty(made, faults))).kind, 'read-back-differs', JSON.stringify(faults));
    t.true(startsNothing(made));
  }
});

test('stopped at any moment before the end: the disk starts nothing', async (t) => {
  for (const after of [chunkBytes, 2 * chunkBytes, bytes]) {
    const made = bench(t);
    const stop = new AbortController();
    const onWrite = (end: number) => (end >= after ? stop.abort() : undefined);
    t.is((await flash(made, faulty(made, { onWrite }), stop.signal)).kind, 'stopped');
    t.true(startsNothing(made));
  }
});

test('a fault that is none of the disk is not taken for one', async (t) => {
  const made = bench(t);
  await t.throwsAsync(flash(made, faulty(made, { writeFails: { at: 6 * mebibyte, code: 'EINVAL' } })), {
    message: 'EINVAL',
  });
});
