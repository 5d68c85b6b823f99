import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';
import type { Frame } from '../frame.ts';
import type { CameraSettings, RpicamVidSettings } from './camera-settings.ts';
import { bareCamera } from './open-camera.ts';
import type { Life } from './testing/orders.ts';
import { made, makeStandIns, partsFor } from './testing/stand-ins.ts';

const never = new AbortController().signal;
const vid: RpicamVidSettings = {
  kind: 'rpicam-vid',
  ...made,
  ...{ startS: 15, stallS: 0.8, rate: 60 },
  ...{ exposure: 'auto', gain: 'auto', flip: 'none', quality: 85 },
  ...{ index: 0, exposureMode: 'sport', awb: 'auto', codec: 'mjpeg' },
};

interface Seen {
  readonly frames: readonly Frame[];
  readonly error: AtalayaError | undefined;
  /** Milliseconds from the last frame to the fault. */
  readonly silence: number;
}

/** Opens a camera and takes up to `most` frames. */
async function watch(life: Life, most: number, settings: CameraSettings = vid, names = ['rpicam-vid']) {
  const standIns = await makeStandIns(names, [life]);
  const { parts, damages } = partsFor(standIns.path);
  const camera = bareCamera(settings, parts);
  const frames: Frame[] = [];
  let error: unknown;
  let last = performance.now();
  try {
    await camera.open(never);
    for await (const frame of camera.frames(never)) {
      frames.push(frame);
      camera.release(frame);
      last = performance.now();
      if (frames.length === most) break;
    }
  } catch (fault) {
    error = fault;
  }
  const seen: Seen = {
    frames,
    error: isAtalayaError(error) ? error : undefined,
    silence: performance.now() - last,
  };
  if (error !== undefined && seen.error === undefined) throw error;
  await camera.close();
  return { ...seen, damages, standIns, left: await standIns.running() };
}

test('times are those of the sensor: even spacing, whatever the arrivals', async (t) => {
  const { frames, error, left } = await watch({}, 20);
  t.is(error, undefined);
  t.is(left, 0);
  const [first] = frames;
  t.like(first?.time.clock, { source: 'system', dated: true, intervalError: 0.5 });
  for (const frame of frames) {
    const index = frame.sequence - (first?.sequence ?? 0);
    const expected = (index * 1000) / 60;
    t.true(Math.abs(frame.time.elapsed - (first?.time.elapsed ?? 0) - expected) < 0.01);
    t.true(Math.abs(frame.time.utc - Date.now()) < 20_000);
    t.true(frame.original !== undefined && frame.original[0] === 0xff);
  }
});

test('a burst of pictures keeps its times, and what nobody takes in time is dropped with a gap', async (t) => {
  const { frames, error } = await watch({ burst: 30 }, 12);
  t.is(error, undefined);
  const [first] = frames;
  for (const { sequence, time } of frames) {
    const apart = ((sequence - (first?.sequence ?? 0)) * 1000) / 60;
    t.true(Math.abs(time.elapsed - (first?.time.elapsed ?? 0) - apart) < 0.01, 'number and time go together');
  }
});

test('the street through rpicam-vid: its own pictures, byte for byte', async (t) => {
  const street = fileURLToPath(new URL('../street/street.mjpeg', import.meta.url));
  const { path } = await makeStandIns(['rpicam-vid'], [{}], street);
  const { parts, damages } = partsFor(path);
  const camera = bareCamera({ ...vid, width: 1920, height: 1080, rate: 5 }, parts);
  const info = await camera.open(never);
  t.is(info.width, 1920);
  let seen = 0;
  for await (const frame of camera.frames(never)) {
    if (frame.sequence === 0) t.is(frame.original?.byteLength, 89_332);
    t.is(sha256(frame.original ?? new Uint8Array()).length, 64);
    camera.release(frame);
    seen += 1;
    if (seen === 3) break;
  }
  // On a machine that is busy enough a picture waits for longer than a camera may be behind, and is left out.
  t.deepEqual(
    damages.filter(({ reason }) => !reason.endsWith('off its arrival')),
    [],
  );
  await camera.close();
});

test('a missing program is named, with what to install', async (t) => {
  const { error } = await watch({}, 1, vid, []);
  t.is(error?.code, 'program-missing');
  t.regex(error?.message ?? '', /rpicam-vid and libcamera-vid not found/);
  t.regex(error?.hint ?? '', /rpicam-apps/);
});

test('the legacy name serves where the new one is not', async (t) => {
  const { frames, standIns } = await watch({}, 2, vid, ['libcamera-vid']);
  t.is(frames.length, 2);
  t.is((await standIns.starts('libcamera-vid')).length, 1);
});

test('a stall is found in time, and no process is left', async (t) => {
  const { frames, error, silence, left } = await watch({ stallAfter: 10 }, 99);
  t.true(frames.length > 0 && frames.length <= 10);
  t.is(error?.code, 'camera-unavailable');
  t.regex(error?.message ?? '', /gave no picture for 0\.8 s/);
  t.true(silence > 700 && silence < 5000, `${silence} ms`);
  t.is(left, 0);
});

test('half a picture and silence is a stall; the half is never given', async (t) => {
  const { frames, error } = await watch({ halfAt: 6 }, 99);
  t.true(frames.length <= 6);
  t.is(error?.code, 'camera-unavailable');
});

test('a program that ignores being asked to end is made to', async (t) => {
  const began = performance.now();
  const { error, left } = await watch({ stallAfter: 3, ignoresTerm: true }, 99);
  t.is(error?.code, 'camera-unavailable');
  t.is(left, 0);
  t.true(performance.now() - began < 15_000);
});

const refusals = [
  ['ERROR: *** no cameras available ***', 'camera-unavailable', /sees no such camera/, /ribbon/],
  [
    'ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***',
    'camera-unavailable',
    /another program/,
    /fuser/,
  ],
  [
    'ERROR V4L2 v4l2_videodevice.cpp:1047 Unable to set format: Device or resource busy',
    'camera-unavailable',
    /another/,
    /fuser/,
  ],
  ['Failed to open /dev/media0: Permission denied', 'camera-unavailable', /may not open/, /group video/],
  ['ERROR: the system appears to be configured for the legacy camera stack', 'program-missing', /legacy/, /raspistill/],
  ["ERROR: *** unrecognised option '--metadata' ***", 'config-invalid', /does not take a flag/, /rpicam-apps/],
] as const;
for (const [says, code, reason, hint] of refusals) {
  test(`it refuses: ${says}`, async (t) => {
    const { error } = await watch({ refuse: says }, 1);
    t.is(error?.code, code);
    t.regex(error?.message ?? '', reason);
    t.regex(error?.hint ?? '', hint);
  });
}

test('an end in the middle tells why', async (t) => {
  const message = 'ERROR: Device timeout detected, attempting a restart!!!';
  const { frames, error } = await watch({ endAfter: { pictures: 5, message, code: 1 } }, 99);
  t.true(frames.length > 0);
  t.is(error?.code, 'camera-unavailable');
  t.regex(error?.message ?? '', /sensor stopped .*ended with 1/);
  const unknown = await watch({ endAfter: { pictures: 2, message: 'terminate called', code: 134 } }, 99);
  t.regex(unknown.error?.message ?? '', /ended with 134: terminate called/);
});

test('what stands before the first picture is passed over', async (t) => {
  const { frames, error, damages } = await watch({ garbage: 3000 }, 5);
  t.is(error, undefined);
  t.is(frames.length, 5);
  t.true(damages.length <= 1);
});

test('a break between pictures ends the run where times are told apart from pictures by their number alone', async (t) => {
  const { error, frames } = await watch({ garbageAt: { picture: 5, bytes: 3000 } }, 99);
  t.is(error?.code, 'camera-unavailable');
  t.regex(error?.message ?? '', /broke off/);
  t.true(frames.length <= 6);
});

test('a picture of another size at the start is refused for good; in the middle the camera is started anew', async (t) => {
  const first = await watch({ otherSizeAt: 0 }, 99);
  t.is(first.error?.code, 'scene-mismatch');
  t.is(first.error?.disposition, 'halt');
  t.regex(first.error?.message ?? '', /48x32, and source\.camera says 96x64/);
  const middle = await watch({ otherSizeAt: 6 }, 99);
  t.is(middle.error?.code, 'camera-unavailable');
  t.regex(middle.error?.message ?? '', /changed their size/);
  t.is(middle.damages.length, 3);
});

test('a slow start is waited for, one that is too slow is not', async (t) => {
  t.is((await watch({ startMs: 1000 }, 3)).error, undefined);
  const late = await watch({ startMs: 3000 }, 3, { ...vid, startS: 1 });
  t.is(late.error?.code, 'camera-unavailable');
  t.is(late.left, 0);
});

test('a program that complains without end does not fill the memory, and works', async (t) => {
  const { frames, error } = await watch({ chatter: 'WARN '.repeat(400) }, 30);
  t.is(error, undefined);
  t.is(frames.length, 30);
});

test('an abort while it is opened is the signal’s own reason, and leaves nothing', async (t) => {
  const standIns = await makeStandIns(['rpicam-vid'], [{ startMs: 5000 }]);
  const camera = bareCamera(vid, partsFor(standIns.path).parts);
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error('enough')), 300);
  await t.throwsAsync(camera.open(abort.signal), { message: 'enough' });
  t.is(await standIns.running(), 0);
});

test('V4L2: the controls are set before the device is read, and a refusal names them', async (t): Promise<void> => {
  const usb: CameraSettings = {
    kind: 'v4l2',
    ...made,
    ...{
      startS: 15,
      stallS: 1,
      rate: 50,
      exposure: 1000,
      gain: 10,
      flip: 'none',
      device: '/dev/video0',
      format: 'mjpeg',
    },
  };
  const { frames, error, standIns } = await watch({}, 5, usb, ['ffmpeg', 'v4l2-ctl']);
  if (error?.code === 'camera-unavailable' && frames.length === 0) {
    t.log('not tested: ffmpeg is not installed');
    t.pass();
    return;
  }
  t.is(error, undefined);
  t.deepEqual(
    (await standIns.starts('v4l2-ctl')).map((args) => args.at(-1)),
    ['auto_exposure=1', 'exposure_time_absolute=10', 'gain_automatic=0', 'gain=10'],
  );
  // The driver's stamps, through ffmpeg to here: 20 ms apart to the microsecond.
  for (const [index, frame] of frames.entries()) {
    const before = frames[index - 1];
    if (before === undefined) continue;
    const apart = (frame.time.elapsed - before.time.elapsed) / (frame.sequence - before.sequence);
    t.true(Math.abs(apart - 20) < 0.01, `${apart} ms`);
    t.is(frame.time.clock.intervalError as number, 2);
  }
  const gone = await watch({}, 5, { ...usb, device: '/dev/nowhere' }, ['ffmpeg', 'v4l2-ctl']);
  t.regex(gone.error?.message ?? '', /no such device/);
});
