import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { Frame } from '../frame.ts';
import { makeVideo, scratchFolder } from '../testing/made-recordings.ts';
import type { RtspSettings } from './camera-settings.ts';
import { openCamera } from './open-camera.ts';
import { accessUnits, type RtspOrders, serveRtsp } from './testing/rtsp-server.ts';
import { partsFor } from './testing/stand-ins.ts';

const { PATH: searched = '' } = process.env;
const never = new AbortController().signal;
const RATE = 25;
const size = { width: 320, height: 240 } as const;
const stream = await makeVideo('street.h264', [
  ...['-f', 'lavfi', '-i', `testsrc=size=320x240:rate=${RATE}:duration=2`],
  ...[
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    '10',
    '-pix_fmt',
    'yuv420p',
    '-x264-params',
    'sliced-threads=0',
  ],
]);
const pictures = stream === undefined ? [] : accessUnits(await readFile(stream));
const PASSWORD = 'kerb/stone?9';

/** A network camera under test; passed over where ffmpeg is missing. */
function withCamera(
  title: string,
  orders: RtspOrders,
  more: Partial<RtspSettings> & { readonly password?: string; readonly patience?: number },
  body: (
    t: ExecutionContext,
    camera: ReturnType<typeof openCamera>,
    told: ReturnType<typeof partsFor>,
    plays: () => number,
  ) => Promise<void>,
): void {
  test(title, async (t): Promise<void> => {
    if (pictures.length === 0) {
      t.log('not tested: ffmpeg is not installed');
      t.pass();
      return;
    }
    const server = await serveRtsp(pictures, RATE, orders);
    const passwordFile = join(await scratchFolder(), 'password');
    const { password, patience = 30_000, ...settings } = more;
    if (password !== undefined) await writeFile(passwordFile, `${password}\n`);
    const told = partsFor(searched, { patience: milliseconds(patience) });
    const camera = openCamera(
      {
        kind: 'rtsp',
        ...size,
        ...{ url: server.url, transport: 'tcp', pictures: 'decoded', rate: RATE, startS: 15, stallS: 1 },
        ...(password === undefined ? {} : { user: 'admin', passwordFile }),
        ...settings,
      },
      told.parts,
    );
    try {
      await body(t, camera, told, server.plays);
    } finally {
      await camera.close();
      await server.close();
    }
  });
}

async function take(camera: ReturnType<typeof openCamera>, most: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of camera.frames(never)) {
    frames.push(frame);
    camera.release(frame);
    if (frames.length === most) break;
  }
  return frames;
}

withCamera('its pictures come with the spacing of RTP', {}, {}, async (t, camera) => {
  t.like(await camera.open(never), size);
  const frames = await take(camera, 45);
  for (const [i, frame] of frames.entries()) {
    t.is(frame.picture.format, 'yuv420p');
    const before = frames[i - 1];
    if (before === undefined || i < 30) continue;
    const apart = (frame.time.elapsed - before.time.elapsed) / (frame.sequence - before.sequence);
    t.true(Math.abs(apart - 1000 / RATE) < 0.1, `${apart} ms`);
  }
  t.is(frames.at(-1)?.time.clock.intervalError as number, 5);
  t.true(Math.abs((frames.at(-1)?.time.utc ?? 0) - Date.now()) < 1500);
});

for (const scheme of ['Basic', 'Digest'] as const) {
  const account = { user: 'admin', password: PASSWORD, scheme };
  withCamera(
    `a password from the file opens it (${scheme})`,
    { account },
    { password: PASSWORD },
    async (t, camera) => {
      await camera.open(never);
      t.is((await take(camera, 2)).length, 2);
    },
  );

  withCamera(
    `a wrong one is told, and read nowhere (${scheme})`,
    { account },
    { password: 'sesame/4711', patience: 5000 },
    async (t, camera, told) => {
      const error = await t.throwsAsync(camera.open(never), { code: 'camera-unavailable' });
      t.regex(error?.message ?? '', /refuses name or password/);
      t.true(isAtalayaError(error) && /passwordFile/.test(error.hint ?? ''));
      const said = JSON.stringify([
        error?.message,
        ...told.faults.map(({ fault }) => [fault.message, fault.hint, String(fault.stack)]),
      ]);
      t.notRegex(said, /sesame|4711|admin/);
    },
  );
}

withCamera(
  'a stall is found and the camera started anew; the time between is true',
  { stallAfter: 40 },
  {},
  async (t, camera, told, plays) => {
    await camera.open(never);
    const frames = await take(camera, 60);
    t.is(told.faults.length, 1);
    t.regex(told.faults[0]?.fault.message ?? '', /gave no picture for 1\.0 s/);
    t.is(plays(), 2);
    const gaps = frames.map((frame, i) => (i === 0 ? 0 : frame.time.elapsed - (frames[i - 1] as Frame).time.elapsed));
    t.log(`${Math.round(Math.max(...gaps))} ms without a picture`);
    t.true(Math.max(...gaps) > 1000 && Math.max(...gaps) < 5000);
  },
);

withCamera('a cut connection is found at once', { cutAfter: 40 }, {}, async (t, camera, told, plays) => {
  await camera.open(never);
  t.is((await take(camera, 50)).length, 50);
  t.is(told.faults.length, 1);
  t.is(plays(), 2);
});

withCamera(
  'another size than the settings say is refused for good',
  {},
  { width: 640, height: 480 },
  async (t, camera) => {
    const error = await t.throwsAsync(camera.open(never), { code: 'scene-mismatch' });
    t.regex(error?.message ?? '', /320x240, and source\.camera says 640x480/);
  },
);

withCamera(
  'nobody there is told as that',
  {},
  { url: 'rtsp://127.0.0.1:9/stream', patience: 5000 },
  async (t, camera) => {
    const error = await t.throwsAsync(camera.open(never), { code: 'camera-unavailable' });
    t.regex(error?.message ?? '', /nothing listens/);
  },
);

withCamera(
  'a password file that is not there is told',
  {},
  { user: 'admin', passwordFile: '/nowhere/password' },
  async (t, camera) => {
    await t.throwsAsync(camera.open(never), { code: 'config-invalid', message: /\/nowhere\/password cannot be read/ });
  },
);
