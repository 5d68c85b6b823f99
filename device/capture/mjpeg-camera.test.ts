import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { isAtalayaError } from '../kernel/errors.ts';
import { utcMilliseconds } from '../kernel/units.ts';
import type { FrameDamage } from './camera.ts';
import { holdsRecordingContract } from './camera-contract.ts';
import type { Frame } from './frame.ts';
import { MjpegCamera } from './mjpeg-camera.ts';
import { makeJpeg, makeJpegs, scratchFolder, writeMjpeg } from './testing/made-recordings.ts';

const start = { utc: utcMilliseconds(Date.UTC(2023, 4, 6)), stated: true };
const never = new AbortController().signal;
const steady = (count: number) => Array.from({ length: count }, (_, i) => i * 40);

function camera(path: string, damages: FrameDamage[] = []): MjpegCamera {
  return new MjpegCamera({ path, nominalRate: 20, start, onDamage: (damage) => damages.push(damage) });
}

holdsRecordingContract(test, 'MjpegCamera', {
  width: 48,
  height: 32,
  frames: 8,
  goodFrames: 5,
  make: async (source, onDamage) => {
    const jpegs = await makeJpegs(8);
    const cut = Buffer.concat(jpegs.slice(0, 6)).subarray(0, -30);
    const pieces = { whole: jpegs, truncated: [cut], other: [Buffer.from('no pictures here\n'.repeat(999))] };
    return new MjpegCamera({ path: await writeMjpeg(pieces[source], steady(8)), nominalRate: 25, start, onDamage });
  },
});

interface Played {
  readonly frames: readonly Frame[];
  readonly damages: readonly FrameDamage[];
  readonly error: unknown;
}

/** Plays to the end and gives every frame back. */
async function play(path: string): Promise<Played> {
  const damages: FrameDamage[] = [];
  const frames: Frame[] = [];
  const source = camera(path, damages);
  try {
    await source.open(never);
    for await (const frame of source.frames(never)) {
      frames.push({ ...frame, picture: { ...frame.picture, data: frame.picture.data.slice() } });
      source.release(frame);
    }
    return { frames, damages, error: undefined };
  } catch (error) {
    return { frames, damages, error };
  } finally {
    await source.close();
  }
}

const numbers = ({ frames }: Played) => frames.map((frame) => frame.sequence);
const codeOf = ({ error }: Played) => (isAtalayaError(error) ? error.code : error);

test('pictures are those of the decoder, and originals are the bytes of the file', async (t) => {
  const jpegs = await makeJpegs(3);
  const { frames, error } = await play(await writeMjpeg(jpegs, [0, 33.4, 70]));
  t.is(error, undefined);
  t.is(frames.length, 3);
  for (const [i, frame] of frames.entries()) {
    t.deepEqual(Buffer.from(frame.original ?? []), jpegs[i]);
    t.is(frame.original?.buffer.byteLength, jpegs[i]?.byteLength, 'the original holds on to nothing but itself');
    t.is(frame.picture.format, 'rgb24');
    t.deepEqual(Buffer.from(frame.picture.data), await sharp(jpegs[i]).raw().toBuffer());
  }
});

test('times come from the sidecar', async (t) => {
  const { frames } = await play(await writeMjpeg(await makeJpegs(3), [0, 33.4, 70]));
  t.deepEqual(
    frames.map(({ time }) => time.elapsed as number),
    [0, 33.4, 70],
  );
  t.is(frames[2]?.time.utc as number, Date.UTC(2024, 4, 1, 12) + 70);
  t.is(frames[0]?.time.clock.source, 'recording');
});

test('without a sidecar the times are nominal, and say so', async (t) => {
  const { frames, error } = await play(await writeMjpeg(await makeJpegs(3)));
  t.is(error, undefined);
  t.deepEqual(
    frames.map(({ time }) => time.elapsed as number),
    [0, 50, 100],
  );
  t.is(frames[1]?.time.utc as number, start.utc + 50);
  t.is(frames[0]?.time.clock.source, 'nominal');
  t.is(frames[0]?.time.clock.intervalError as number, 50);
});

test('a sidecar that is wrong is refused, by name', async (t) => {
  const good = { schema: 'atalaya/mjpeg-times/1', start: '2024-05-01T12:00:00Z', times: [0, 40] };
  for (const wrong of [
    'no json',
    '{}',
    JSON.stringify({ ...good, schema: 'other/1' }),
    JSON.stringify({ ...good, start: 'yesterday' }),
    JSON.stringify({ ...good, times: [] }),
    JSON.stringify({ ...good, times: [0, 40, 40] }),
    JSON.stringify({ ...good, times: [40, 0] }),
    JSON.stringify({ ...good, times: [-1, 0] }),
    JSON.stringify({ ...good, times: [0, null] }),
    JSON.stringify({ ...good, rate: 25 }),
  ]) {
    const played = await play(await writeMjpeg(await makeJpegs(2), wrong));
    t.is(codeOf(played), 'source-not-video', wrong);
    t.regex(String(played.error), /made\.mjpeg\.times\.json/);
  }
});

test('a damaged frame is reported, leaves a gap in the numbers, and the next ones keep their times', async (t) => {
  const jpegs = await makeJpegs(7, 160, 120);
  const headless = jpegs[4]!.subarray(1);
  const pieces = [
    jpegs[0]!,
    jpegs[1]!.subarray(0, 900),
    jpegs[2]!,
    Buffer.from([0xff, 0xd8, 0xff, 0xd9]),
    headless,
    jpegs[5]!,
    jpegs[6]!,
  ];
  const played = await play(await writeMjpeg(pieces, steady(7)));
  t.is(played.error, undefined);
  t.deepEqual(numbers(played), [0, 2, 5, 6]);
  t.deepEqual(
    played.frames.map(({ time }) => time.elapsed as number),
    [0, 80, 200, 240],
  );
  t.deepEqual(
    played.damages.map((damage) => damage.sequence),
    [1, 3, 4],
  );
  t.regex(played.damages[1]?.reason ?? '', /empty/);
});

test('a picture that the decoder refuses is damage', async (t) => {
  const jpegs = await makeJpegs(3);
  const broken = Buffer.from(jpegs[1]!);
  // An unknown Huffman table in the scan header.
  broken[broken.indexOf(Buffer.from([0xff, 0xda])) + 6] = 0x33;
  const played = await play(await writeMjpeg([jpegs[0]!, broken, jpegs[2]!], steady(3)));
  t.is(played.error, undefined);
  t.deepEqual(numbers(played), [0, 2]);
  t.deepEqual(
    played.damages.map((damage) => damage.sequence),
    [1],
  );
});

test('a picture of another size is damage, and one that claims a huge size takes no memory', async (t) => {
  const jpegs = await makeJpegs(5);
  const huge = Buffer.from(jpegs[3]!);
  const frame = huge.indexOf(Buffer.from([0xff, 0xc0]));
  huge.writeUInt16BE(16_000, frame + 5);
  huge.writeUInt16BE(16_000, frame + 7);
  const before = process.memoryUsage().rss;
  const played = await play(
    await writeMjpeg([jpegs[0]!, await makeJpeg(9, 32, 32), await makeJpeg(9, 64, 64), huge, jpegs[4]!], steady(5)),
  );
  t.true(process.memoryUsage().rss - before < 200 * 1024 * 1024);
  t.is(played.error, undefined);
  t.deepEqual(numbers(played), [0, 4]);
  t.deepEqual(played.damages, [
    { sequence: 1, reason: 'the picture is 32x32, not 48x32' },
    { sequence: 2, reason: 'the picture is 64x64, not 48x32' },
    { sequence: 3, reason: 'the picture is 16000x16000, not 48x32' },
  ]);
});

test('fewer frames than times, and a frame of no bytes: source-truncated after the last good frame', async (t) => {
  const jpegs = await makeJpegs(4);
  const played = await play(await writeMjpeg([jpegs[0]!, Buffer.alloc(0), jpegs[2]!, jpegs[3]!], steady(4)));
  t.is(codeOf(played), 'source-truncated');
  t.regex(String(played.error), /after 3 of 4 frames/);
  t.is(played.frames.length, 3);
});

test('more frames than times: those without a time are damage, not frames with a guessed one', async (t) => {
  const played = await play(await writeMjpeg(await makeJpegs(4), steady(2)));
  t.is(played.error, undefined);
  t.deepEqual(numbers(played), [0, 1]);
  t.deepEqual(
    played.damages.map((damage) => damage.sequence),
    [2, 3],
  );
});

test('a first frame that is broken does not hide the rest', async (t) => {
  const jpegs = await makeJpegs(3, 160, 120);
  const played = await play(await writeMjpeg([jpegs[0]!.subarray(0, 400), jpegs[1]!, jpegs[2]!], steady(3)));
  t.is(played.error, undefined);
  t.deepEqual(numbers(played), [1, 2]);
});

test('what is no MJPEG is refused: empty, missing, a folder, one empty frame', async (t) => {
  const folder = await scratchFolder();
  await mkdir(join(folder, 'folder.mjpeg'));
  const cases: [string, string, RegExp][] = [
    [await writeMjpeg([]), 'source-not-video', /is empty/],
    [join(folder, 'missing.mjpeg'), 'source-missing', /ENOENT/],
    [join(folder, 'folder.mjpeg'), 'source-not-video', /no plain file/],
    [await writeMjpeg([Buffer.from([0xff, 0xd8, 0xff, 0xd9])]), 'source-not-video', /no JPEG/],
    [await writeMjpeg([Buffer.alloc(5000)]), 'source-not-video', /no JPEG/],
  ];
  for (const [path, code, message] of cases) {
    const played = await play(path);
    t.is(codeOf(played), code, path);
    t.regex(String(played.error), message);
  }
});

test('a camera that is not open says so', async (t) => {
  const frames = camera(await writeMjpeg(await makeJpegs(1))).frames(never);
  await t.throwsAsync(() => frames.next(), { code: 'internal' });
});

test("an abort while it is being opened is the signal's own reason", async (t) => {
  const abort = new AbortController();
  abort.abort();
  await t.throwsAsync(camera(await writeMjpeg([Buffer.alloc(1 << 20, 1)])).open(abort.signal), { name: 'AbortError' });
});
