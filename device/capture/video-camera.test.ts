import { readFile, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { isAtalayaError } from '../kernel/errors.ts';
import { utcMilliseconds } from '../kernel/units.ts';
import type { FrameDamage } from './camera.ts';
import type { Frame } from './frame.ts';
import { undated } from './frame-times.ts';
import { makeVideo } from './testing/made-recordings.ts';
import { VideoCamera, type VideoOptions } from './video-camera.ts';

const start = { utc: utcMilliseconds(Date.UTC(2023, 4, 6)), stated: true };
const never = new AbortController().signal;
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-movflags', '+faststart'];
const pattern = (duration: number, rate = 25, size = '96x64') => [
  '-f',
  'lavfi',
  '-i',
  `testsrc=size=${size}:rate=${rate}:duration=${duration}`,
];

function camera(path: string, more: Partial<VideoOptions> = {}): VideoCamera {
  return new VideoCamera({
    path,
    nominalRate: 20,
    start,
    ffmpeg: 'ffmpeg',
    ffprobe: 'ffprobe',
    onDamage: () => undefined,
    ...more,
  });
}

interface Played {
  readonly frames: readonly Frame[];
  readonly damages: readonly FrameDamage[];
  readonly error: unknown;
}

async function play(path: string, more: Partial<VideoOptions> = {}): Promise<Played> {
  const damages: FrameDamage[] = [];
  const frames: Frame[] = [];
  const source = camera(path, { onDamage: (damage) => damages.push(damage), ...more });
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

const codeOf = ({ error }: Played) => (isAtalayaError(error) ? error.code : error);
const elapsed = ({ frames }: Played) => frames.map(({ time }) => Math.round(time.elapsed * 100) / 100);

/** A test that needs a video made with ffmpeg. */
function withVideo(
  title: string,
  name: string,
  args: readonly string[],
  body: (t: ExecutionContext, path: string) => Promise<void>,
) {
  test(title, async (t) => {
    const path = await makeVideo(name, args);
    if (path === undefined) {
      t.log('not tested: ffmpeg is not installed');
      return t.pass();
    }
    return body(t, path);
  });
}

// Every third picture is missing and one stands still: what a camera with dropped and repeated pictures writes.
const uneven = ['-vf', "select='not(eq(mod(n,3),1))',setpts='PTS+if(gte(N,6),0.72/TB,0)'", '-fps_mode', 'vfr'];
withVideo(
  'times are the timestamps, not an index over a rate',
  'uneven.mkv',
  [...pattern(0.48), ...uneven, ...h264],
  async (t, path) => {
    const played = await play(path);
    t.is(played.error, undefined);
    // The source's frames 0 2 3 5 6 8 9 11 at 25/s, the last two 720 ms later.
    t.deepEqual(elapsed(played), [0, 80, 120, 200, 240, 320, 1080, 1160]);
    t.deepEqual(
      played.frames.map(({ sequence }) => sequence),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
    t.true(played.frames.every(({ time }) => time.clock.source === 'recording' && !time.clock.synchronised));
    t.is(played.frames[2]?.time.utc as number, start.utc + 120);
  },
);

const late = ['-vf', "setpts='if(gte(N,5),PTS+20000/TB,PTS)'", '-fps_mode', 'vfr', '-bf', '0'];
withVideo('times stay exact after hours', 'late.mp4', [...pattern(0.5, 30), ...late, ...h264], async (t, path) => {
  const { frames } = await play(path);
  const after = frames.map(({ time }) => time.elapsed).filter((time) => time > 1000);
  t.true(after.length >= 6, `${after.length}`);
  for (let i = 1; i < after.length - 2; i += 1) {
    t.true(Math.abs(after[i]! - after[i - 1]! - 1000 / 30) < 0.1, `${after[i]! - after[i - 1]!} ms`);
  }
});

withVideo(
  "elapsed time begins at 0 and the date is the container's",
  'dated.mp4',
  [...pattern(0.2), ...h264, '-metadata', 'creation_time=2024-02-03T04:05:06Z', '-output_ts_offset', '7'],
  async (t, path) => {
    const { frames } = await play(path);
    t.is(frames[0]?.time.elapsed as number, 0);
    t.is(frames[0]?.time.utc as number, Date.UTC(2024, 1, 3, 4, 5, 6));
    t.is(frames.length, 5);
  },
);

withVideo(
  'a bare stream without timestamps gets nominal times, and says so',
  'bare.h264',
  [...pattern(0.4), ...h264],
  async (t, path) => {
    const played = await play(path);
    t.is(played.error, undefined);
    t.deepEqual(elapsed(played), [0, 50, 100, 150, 200, 250, 300, 350, 400, 450]);
    t.true(played.frames.every(({ time }) => time.clock.source === 'nominal'));
  },
);

withVideo(
  'planes of an odd size, and colours in limited range',
  'odd.mkv',
  [
    ...[
      '-f',
      'lavfi',
      '-i',
      'color=white:size=64x48:rate=25:duration=0.12',
      '-vf',
      'scale=35:27:out_range=full,format=yuvj420p',
    ],
    ...['-c:v', 'ffv1', '-color_range', 'pc'],
  ],
  async (t, path) => {
    const { frames, error } = await play(path);
    t.is(error, undefined);
    t.is(frames.length, 3);
    const data = frames[0]?.picture.data ?? new Uint8Array();
    t.is(data.byteLength, 35 * 27 + 2 * 18 * 14);
    t.true(
      data.subarray(0, 35 * 27).every((luma) => Math.abs(luma - 235) <= 1),
      `${data[0]}`,
    );
    t.true(data.subarray(35 * 27).every((chroma) => Math.abs(chroma - 128) <= 1));
  },
);

withVideo(
  'a recording that was made upright is delivered upright',
  'plain.mp4',
  [...pattern(0.2), ...h264],
  async (t, path) => {
    const turned = await makeVideo('turned.mp4', ['-i', path, '-c', 'copy', '-metadata:s:v:0', 'rotate=90']);
    const source = camera(turned ?? '');
    const info = await source.open(never);
    if (info.width === 96) {
      t.log('not tested: this ffmpeg writes no rotation from metadata');
      t.pass();
      return;
    }
    t.deepEqual([info.width, info.height], [64, 96]);
    const [frames, plain] = [(await play(turned ?? '')).frames, (await play(path)).frames];
    t.is(frames.length, plain.length);
    // The top row of the upright picture is a column of the lying one.
    const row = [...(frames[0]?.picture.data.subarray(0, 64) ?? [])];
    const lying = plain[0]?.picture.data ?? new Uint8Array();
    const column = (x: number) => Array.from({ length: 64 }, (_, y) => lying[y * 96 + x] ?? 0);
    t.true(
      [column(0), column(0).reverse(), column(95), column(95).reverse()].some((other) => other.join() === row.join()),
    );
  },
);

withVideo(
  'a stretch that cannot be decoded is reported, and the video goes on',
  'damaged.mp4',
  [...pattern(2), ...h264],
  async (t, path) => {
    const bytes = await readFile(path);
    const middle = bytes.byteLength >> 1;
    await writeFile(path, bytes.fill(0x5a, middle, middle + 500));
    const played = await play(path);
    t.true(played.damages.length > 0);
    t.true(played.damages.every(({ sequence }) => sequence > 0 && sequence < 50));
    t.true(played.frames.length > 25);
    t.true((played.frames.at(-1)?.time.elapsed ?? 0) > 1800);
  },
);

withVideo(
  'a missing end shows in a container that counts no frames, too',
  'cut.mkv',
  [...pattern(6), ...h264],
  async (t, path) => {
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.byteLength * 0.9));
    const played = await play(path);
    t.is(codeOf(played), 'source-truncated');
    t.true(played.frames.length > 100);
  },
);

withVideo(
  'a video whose last picture stands for long is not cut',
  'long-last.mp4',
  [...pattern(1, 5), ...['-vf', "setpts='if(eq(N,4),PTS+5/TB,PTS)'", '-fps_mode', 'vfr'], ...h264],
  async (t, path) => {
    const played = await play(path);
    t.is(played.error, undefined);
    t.is(played.frames.length, 5);
  },
);

withVideo(
  'sound alone is no video',
  'sound.m4a',
  ['-f', 'lavfi', '-i', 'sine=duration=0.2', '-c:a', 'aac'],
  async (t, path) => {
    const played = await play(path);
    t.is(codeOf(played), 'source-not-video');
    t.regex(String(played.error), /no video stream/);
  },
);

withVideo('a missing program is named, with what to do', 'short.mp4', [...pattern(0.2), ...h264], async (t, path) => {
  for (const missing of [{ ffprobe: 'ffprobe-that-is-not-there' }, { ffmpeg: 'ffmpeg-that-is-not-there' }]) {
    const played = await play(path, missing);
    t.is(codeOf(played), 'program-missing');
    t.regex(String(played.error), /that-is-not-there/);
    t.regex(isAtalayaError(played.error) ? (played.error.hint ?? '') : '', /apt-get install ffmpeg/);
  }
});

withVideo(
  "an abort while the file is probed is the signal's own reason",
  'probed.mp4',
  [...pattern(0.2), ...h264],
  async (t, path) => {
    await t.throwsAsync(camera(path).open(AbortSignal.abort()), { name: 'AbortError' });
  },
);

withVideo(
  'an end that is missing by a few pictures shows, too',
  'nearly.mp4',
  [...pattern(2), ...h264],
  async (t, path) => {
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -1200));
    const played = await play(path);
    t.is(codeOf(played), 'source-truncated');
    t.true(played.frames.length >= 40 && played.frames.length <= 50, `${played.frames.length}`);
  },
);

withVideo(
  'equal timestamps are no damage',
  'equal.mkv',
  [...pattern(0.4), '-vf', "setpts='floor(N/2)*2'", '-fps_mode', 'passthrough', '-c:v', 'ffv1'],
  async (t, path) => {
    const played = await play(path);
    t.is(played.error, undefined);
    t.deepEqual(played.damages, []);
    t.deepEqual(elapsed(played), [0, 0, 80, 80, 160, 160, 240, 240, 320, 320]);
  },
);

test('a recording that nobody dates says so, and one that somebody dates is believed', async (t) => {
  const path = await makeVideo('undated.mp4', [...pattern(0.2), ...h264]);
  if (path === undefined) {
    t.log('ffmpeg is not here: passed over');
    t.pass();
    return;
  }
  for (const [given, dated] of [
    [undated, false],
    [start, true],
  ] as const) {
    const source = camera(path, { start: given });
    await source.open(never);
    for await (const frame of source.frames(never)) {
      t.is(frame.time.clock.dated, dated);
      t.is(frame.time.utc - given.utc, frame.time.elapsed as number);
      source.release(frame);
    }
    await source.close();
  }
});
