import test from 'ava';
import { systemClock } from '../kernel/clock.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { defaultTrackerConfig } from '../track/config.ts';
import { Tracker } from '../track/tracker.ts';
import type { FrameDamage } from './camera.ts';
import { holdsCameraContract } from './camera-contract.ts';
import type { Frame } from './frame.ts';
import { undated } from './frame-times.ts';
import { MjpegCamera } from './mjpeg-camera.ts';
import { PacedCamera } from './paced-camera.ts';
import { playGap, RepeatingCamera } from './repeating-camera.ts';
import { makeJpegs, writeMjpeg } from './testing/made-recordings.ts';

const never = new AbortController().signal;
const times = [0, 20, 40, 60];

async function recording(
  pieces: readonly Uint8Array[],
  onDamage: (damage: FrameDamage) => void = () => undefined,
): Promise<MjpegCamera> {
  const path = await writeMjpeg(pieces, times.slice(0, Math.max(1, pieces.length)));
  return new MjpegCamera({ path, nominalRate: 25, start: undated, onDamage });
}

holdsCameraContract(test, 'RepeatingCamera', {
  width: 48,
  height: 32,
  frames: 10,
  refusal: 'source-not-video',
  make: async (source) => {
    const pieces = source === 'whole' ? await makeJpegs(4) : [Buffer.from('no pictures here\n')];
    return new RepeatingCamera(new PacedCamera(await recording(pieces), systemClock));
  },
});

/** So many frames, with the pauses between plays left out. */
async function seen(camera: RepeatingCamera, count: number): Promise<readonly Frame[]> {
  await camera.open(never);
  const frames: Frame[] = [];
  for await (const frame of camera.frames(never)) {
    frames.push(frame);
    camera.release(frame);
    if (frames.length === count) break;
  }
  await camera.close();
  return frames;
}

const atOnce = { sleep: async () => undefined };

test('numbers, times and dates go on; the leap lies at the cut; the clock stays the recording', async (t) => {
  const camera = new RepeatingCamera(await recording(await makeJpegs(4)), atOnce);
  t.is((await camera.open(never)).frames, undefined);
  const frames = await seen(camera, 10);
  t.deepEqual(
    frames.map(({ sequence }) => sequence),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  const second = 60 + playGap;
  const third = second + 60 + playGap;
  const elapsed = [0, 20, 40, 60, second, second + 20, second + 40, second + 60, third, third + 20];
  t.deepEqual(
    frames.map(({ time }) => Number(time.elapsed)),
    elapsed,
  );
  const began = frames[0]?.time.utc ?? 0;
  for (const { time } of frames) {
    t.is(time.utc - began, Number(time.elapsed));
    t.like(time.clock, { source: 'recording', synchronised: false });
  }
  t.deepEqual(
    elapsed.map((at) => Number(camera.ownTime(milliseconds(at)))),
    [0, 20, 40, 60, 0, 20, 40, 60, 0, 20],
    'what holds over the time of the recording holds for each play',
  );
});

test('no track goes on over the cut, be it of a vehicle that stands', async (t) => {
  const frames = await seen(new RepeatingCamera(await recording(await makeJpegs(4)), atOnce), 8);
  const tracker = new Tracker(defaultTrackerConfig);
  const box = { x: 10, y: 10, width: 20, height: 12 };
  const updates = frames.map((frame) => tracker.update(frame, [{ box, class: 'car', score: 0.9 as never }]));
  t.deepEqual(
    updates.map(({ live, ended }) => [live.map(({ id }) => id), ended.map(({ id }) => id)]),
    [
      [[], []],
      [[], []],
      [[1], []],
      [[1], []],
      [[], [1]],
      [[], []],
      [[2], []],
      [[2], []],
    ],
  );
  t.true(playGap > defaultTrackerConfig.coastStanding);
});

test('damage has the number that its frame would have had, in every play', async (t) => {
  const damaged: number[] = [];
  const jpegs = await makeJpegs(4);
  const bad = Buffer.from(jpegs[2] as Uint8Array);
  bad.fill(0, 4, bad.length - 2);
  const own: { camera?: RepeatingCamera } = {};
  const inner = await recording([jpegs[0], jpegs[1], bad, jpegs[3]] as Uint8Array[], (damage) =>
    damaged.push(own.camera?.numbered(damage).sequence ?? -1),
  );
  own.camera = new RepeatingCamera(inner, atOnce);
  const frames = await seen(own.camera, 6);
  t.deepEqual(
    frames.map(({ sequence }) => sequence),
    [0, 1, 3, 4, 5, 7],
  );
  t.deepEqual(damaged, [2, 6]);
});

test('a pause lies between two plays, and an abort ends it', async (t) => {
  const clock = new ManualClock();
  const camera = new RepeatingCamera(await recording(await makeJpegs(1)), clock);
  await camera.open(never);
  const abort = new AbortController();
  let count = 0;
  const done = (async () => {
    for await (const frame of camera.frames(abort.signal)) {
      count += 1;
      camera.release(frame);
    }
  })();
  const untilAsleep = async () => {
    const deadline = performance.now() + 5000;
    while (clock.sleeping === 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 1));
  };
  await untilAsleep();
  t.is(count, 1);
  await clock.advance(199);
  t.is(count, 1);
  await clock.advance(1);
  await untilAsleep();
  t.is(count, 2);
  abort.abort();
  await done;
  t.is(clock.sleeping, 0);
});
