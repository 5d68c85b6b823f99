import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { Frame } from '../frame.ts';
import type { RpicamVidSettings } from './camera-settings.ts';
import type { LiveCamera } from './live-camera.ts';
import { bareCamera, cameraBackoff, openCamera } from './open-camera.ts';
import { SupervisedCamera } from './supervised-camera.ts';
import type { Life } from './testing/orders.ts';
import { made, makeStandIns, partsFor } from './testing/stand-ins.ts';

const never = new AbortController().signal;
const vid: RpicamVidSettings = {
  kind: 'rpicam-vid',
  ...made,
  ...{ startS: 15, stallS: 0.6, rate: 50 },
  ...{ exposure: 'auto', gain: 'auto', flip: 'none', quality: 85 },
  ...{ index: 0, exposureMode: 'sport', awb: 'auto', codec: 'mjpeg' },
};
const noCamera: Life = { refuse: 'ERROR: *** no cameras available ***' };

async function supervised(lives: readonly Life[], names = ['rpicam-vid'], patience?: number) {
  const standIns = await makeStandIns(names, lives);
  const told = partsFor(standIns.path, patience === undefined ? {} : { patience: milliseconds(patience) });
  return { ...told, standIns, camera: openCamera(vid, told.parts) };
}

/** Takes frames until there are `most`, with when each was seen. */
async function take(camera: LiveCamera, most: number): Promise<{ frame: Frame; at: number }[]> {
  const seen: { frame: Frame; at: number }[] = [];
  for await (const frame of camera.frames(never)) {
    seen.push({ frame, at: performance.now() });
    camera.release(frame);
    if (seen.length === most) break;
  }
  return seen;
}

test('after a stall it is started anew: numbers and times go on, and the time between is true', async (t) => {
  const { camera, faults, damages, standIns } = await supervised([{ stallAfter: 12 }, {}]);
  await camera.open(never);
  const seen = await take(camera, 25);
  await camera.close();
  t.is(faults.length, 1);
  t.is(faults[0]?.fault.code, 'camera-unavailable');
  t.is((await standIns.starts('rpicam-vid')).length, 2);
  const gap = seen.findIndex(
    ({ frame }, i) => i > 0 && frame.time.elapsed - (seen[i - 1]?.frame.time.elapsed ?? 0) > 400,
  );
  const [before, after] = [seen[gap - 1], seen[gap]];
  t.truthy(before !== undefined && after !== undefined);
  if (before === undefined || after === undefined) return;
  t.true(after.frame.sequence > before.frame.sequence + 1, 'the gap shows');
  const apart = after.frame.time.elapsed - before.frame.time.elapsed;
  t.log(
    `${Math.round(after.at - before.at)} ms without a picture, of which ${Math.round(600)} ms to notice and ${faults[0]?.wait} ms of waiting`,
  );
  // Seen as far apart as they were captured, but for the way of a picture to here, which a busy machine makes longer.
  t.true(Math.abs(apart - (after.at - before.at)) < 1800, `${apart} ms, seen ${after.at - before.at} ms apart`);
  for (const [i, { frame }] of seen.entries()) t.true(i === 0 || frame.sequence > (seen[i - 1]?.frame.sequence ?? 0));
  t.deepEqual(damages, []);
});

test('a camera that is away is tried again, with longer waits, for as long as it takes', async (t) => {
  const { camera, faults } = await supervised([noCamera, noCamera, {}]);
  const info = await camera.open(never);
  t.is(info.width, made.width);
  t.deepEqual(
    faults.map(({ wait }) => wait),
    [250, 500],
  );
  t.is((await take(camera, 3)).length, 3);
  await camera.close();
});

test('a technician is told after the time that was set, by the last fault', async (t) => {
  const { camera, standIns } = await supervised([noCamera], ['rpicam-vid'], 4000);
  const began = performance.now();
  const error = await t.throwsAsync(camera.open(never), { code: 'camera-unavailable' });
  t.regex(error?.message ?? '', /sees no such camera/);
  t.true(isAtalayaError(error) && /ribbon/.test(error.hint ?? ''));
  const took = performance.now() - began;
  t.true(took > 3900 && took < 9000, `${took} ms`);
  t.is(await standIns.running(), 0);
});

test('what waiting cannot cure is told at once', async (t) => {
  const { camera, faults } = await supervised([{}], []);
  await t.throwsAsync(camera.open(never), { code: 'program-missing' });
  t.is(faults.length, 0);
});

test('a camera that comes back with another size stops the unit', async (t) => {
  const { camera, faults } = await supervised([{ stallAfter: 6 }, { otherSizeAt: 0 }]);
  await camera.open(never);
  await t.throwsAsync(take(camera, 99), { code: 'scene-mismatch' });
  t.is(faults.length, 1);
  await camera.close();
});

test('who takes frames slowly is no fault of the camera, and sees the present after it', async (t) => {
  const { parts, faults, standIns } = { ...(await supervised([{}])) };
  const camera = new SupervisedCamera(bareCamera({ ...vid, stallS: 0.6 }, parts), {
    ...parts,
    backoff: cameraBackoff,
    deadline: milliseconds(4000),
  });
  await camera.open(never);
  let last: Frame | undefined;
  let age = 0;
  let seen = 0;
  for await (const frame of camera.frames(never)) {
    camera.release(frame);
    seen += 1;
    if (seen === 3) await sleep(5000);
    [last, age] = [frame, Date.now() - frame.time.utc];
    if (seen === 10) break;
  }
  t.deepEqual(faults, []);
  t.true((last?.sequence ?? 0) > 50, 'what came meanwhile was dropped');
  t.true(age < 2000, `${age} ms old`);
  await camera.close();
  t.is(await standIns.running(), 0);
});

test('an abort ends it within a second while it waits to try again', async (t) => {
  const { camera, faults, standIns } = await supervised([{ stallAfter: 4 }, noCamera]);
  await camera.open(never);
  const abort = new AbortController();
  const watching = (async () => {
    for await (const frame of camera.frames(abort.signal)) camera.release(frame);
  })();
  while (faults.length < 3) await sleep(50);
  const at = performance.now();
  abort.abort();
  await watching;
  t.true(performance.now() - at < 1000);
  await camera.close();
  t.is(await standIns.running(), 0);
});
