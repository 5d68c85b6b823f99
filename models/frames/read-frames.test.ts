import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { AtalayaError, type ErrorCode } from '../../device/kernel/errors.ts';
import { readFrames, splitJpegs, spread } from './read-frames.ts';

const size = { width: 20, height: 10 };

/** A picture whose left half is red and whose right half is green or blue. */
async function jpeg(right: 'green' | 'blue'): Promise<Buffer> {
  const half = await sharp({
    create: { width: 40, height: 40, channels: 3, background: right === 'green' ? '#00ff00' : '#0000ff' },
  })
    .png()
    .toBuffer();
  return sharp({ create: { width: 80, height: 40, channels: 3, background: '#ff0000' } })
    .composite([{ input: half, left: 40, top: 0 }])
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** Which colour channel is strongest in the middle of a row. */
const strongest = (frame: Uint8Array, x: number) => {
  const at = (5 * size.width + x) * 3;
  return [0, 1, 2].reduce((best, c) => (frame[at + c]! > frame[at + best]! ? c : best), 0);
};

async function scratch(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-frames-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function failsWith(t: ExecutionContext, promise: Promise<unknown>, code: ErrorCode, word: string): Promise<void> {
  const error = await t.throwsAsync(promise, { instanceOf: AtalayaError });
  t.is(error?.code, code);
  t.true(error?.message.includes(word));
}

test('pictures in a folder come back in order of their names, as red, green, blue bytes', async (t) => {
  const folder = await scratch(t);
  await writeFile(join(folder, 'b.jpg'), await jpeg('blue'));
  await writeFile(join(folder, 'a.jpg'), await jpeg('green'));
  await writeFile(join(folder, 'notes.txt'), 'no picture');
  const frames = await readFrames({ source: folder, count: 9, size });
  t.deepEqual(
    frames.map((frame) => frame.length),
    [600, 600],
  );
  t.deepEqual(
    frames.map((frame) => [strongest(frame, 3), strongest(frame, 16)]),
    [
      [0, 1],
      [0, 2],
    ],
  );
});

test('concatenated JPEGs come back one by one, and views look at either end', async (t) => {
  const source = join(await scratch(t), 'clip.mjpeg');
  await writeFile(source, Buffer.concat([await jpeg('green'), await jpeg('blue'), await jpeg('green')]));
  const right = await readFrames({ source, count: 3, size, view: 'right-square' });
  t.deepEqual(
    right.map((frame) => [strongest(frame, 3), strongest(frame, 16)]),
    [
      [1, 1],
      [2, 2],
      [1, 1],
    ],
  );
  const left = await readFrames({ source, count: 2, size, view: 'left-square' });
  t.deepEqual(
    left.map((frame) => [strongest(frame, 3), strongest(frame, 16)]),
    [
      [0, 0],
      [0, 0],
    ],
  );
});

test('JPEGs in a row are cut apart whatever lies between them, and a cut one is left out', async (t) => {
  const [a, b] = [await jpeg('green'), await jpeg('blue')];
  const pieces = splitJpegs(Buffer.concat([Buffer.from('junk'), a, Buffer.from('between'), b, a.subarray(0, 50)]));
  t.deepEqual(
    pieces.map((piece) => Buffer.from(piece)),
    [a, b],
  );
});

test('spreading takes as many as asked, in order, without repetition', (t) => {
  const property = fc.property(fc.nat(200), fc.integer({ min: 1, max: 60 }), (length, count) => {
    const taken = spread(
      Array.from({ length }, (_, i) => i),
      count,
    );
    return taken.length === Math.min(length, count) && taken.every((value, i) => i === 0 || value > taken[i - 1]!);
  });
  t.notThrows(() => fc.assert(property));
});

test('a source that is missing, empty or no video is refused by name', async (t) => {
  const folder = await scratch(t);
  await failsWith(
    t,
    readFrames({ source: join(folder, 'absent.mp4'), count: 1, size }),
    'source-missing',
    'absent.mp4',
  );
  await failsWith(t, readFrames({ source: folder, count: 1, size }), 'source-not-video', folder);
  await writeFile(join(folder, 'empty.mjpeg'), '');
  await failsWith(
    t,
    readFrames({ source: join(folder, 'empty.mjpeg'), count: 1, size }),
    'source-not-video',
    'empty.mjpeg',
  );
});

test('a video is refused where it is none, and where ffmpeg is missing', async (t) => {
  const source = join(await scratch(t), 'text.mp4');
  await writeFile(source, 'this is no video');
  const error = await t.throwsAsync(readFrames({ source, count: 1, size }), { instanceOf: AtalayaError });
  t.true(error?.code === 'source-not-video' || error?.code === 'program-missing');
  const request = { source, count: 1, size, ffmpeg: 'ffmpeg-of-another-machine' };
  await failsWith(t, readFrames(request), 'program-missing', 'ffmpeg-of-another-machine');
});
