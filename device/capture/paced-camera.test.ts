import test from 'ava';
import { systemClock } from '../kernel/clock.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { holdsRecordingContract } from './camera-contract.ts';
import { undated } from './frame-times.ts';
import { MjpegCamera } from './mjpeg-camera.ts';
import { PacedCamera } from './paced-camera.ts';
import { makeJpegs, writeMjpeg } from './testing/made-recordings.ts';

const never = new AbortController().signal;

async function recording(
  times: readonly number[],
  pieces?: readonly Uint8Array[],
  onDamage = () => undefined,
): Promise<MjpegCamera> {
  const path = await writeMjpeg(pieces ?? (await makeJpegs(times.length)), times);
  return new MjpegCamera({ path, nominalRate: 25, start: undated, onDamage });
}

holdsRecordingContract(test, 'PacedCamera', {
  width: 48,
  height: 32,
  frames: 6,
  goodFrames: 3,
  make: async (source) => {
    const jpegs = await makeJpegs(6);
    const cut = Buffer.concat(jpegs.slice(0, 4)).subarray(0, -30);
    const pieces = { whole: jpegs, truncated: [cut], other: [Buffer.from('no pictures here\n')] };
    return new PacedCamera(await recording([0, 20, 40, 60, 80, 100], pieces[source]), systemClock);
  },
});

/** A camera on a clock that stands still, and the frames that have come so far with the moment at which each came. */
async function paced(
  times: readonly number[],
  signal: AbortSignal,
  work: (clock: ManualClock) => Promise<void> = async () => undefined,
) {
  const clock = new ManualClock();
  const inner = await recording(times);
  const released: number[] = [];
  const release = inner.release.bind(inner);
  inner.release = (frame) => {
    released.push(frame.sequence);
    release(frame);
  };
  const camera = new PacedCamera(inner, clock, clock);
  await camera.open(never);
  await clock.advance(1234);
  const origin = clock.monotonic();
  const seen: [number, number][] = [];
  const done = (async () => {
    for await (const frame of camera.frames(signal)) {
      seen.push([frame.sequence, clock.monotonic() - origin]);
      camera.release(frame);
      await work(clock);
    }
  })();
  return { clock, seen, done, released };
}

/** Waits, in real time, until the camera waits for its clock. */
async function untilAsleep(clock: ManualClock): Promise<void> {
  const deadline = performance.now() + 5000;
  while (clock.sleeping === 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('a frame comes at its time after the first, no earlier', async (t) => {
  const { clock, seen, done } = await paced([0, 100, 150, 400], never);
  for (const [step, expected] of [
    [99, [[0, 0]]],
    [
      1,
      [
        [0, 0],
        [1, 100],
      ],
    ],
    [
      50,
      [
        [0, 0],
        [1, 100],
        [2, 150],
      ],
    ],
    [
      249,
      [
        [0, 0],
        [1, 100],
        [2, 150],
      ],
    ],
    [
      1,
      [
        [0, 0],
        [1, 100],
        [2, 150],
        [3, 400],
      ],
    ],
  ] as const) {
    await untilAsleep(clock);
    await clock.advance(step);
    t.deepEqual(
      seen,
      expected.map(([sequence, at]) => [sequence, at]),
    );
  }
  await done;
});

test('a reader that is slow does not make the frames after it late', async (t) => {
  // A sleep of no time would count as asleep, and the clock could go on while the next frame is still being decoded.
  const { clock, seen, done } = await paced([0, 100, 200, 300, 400], never, async (own) => {
    if (seen.length === 1) await own.sleep(milliseconds(250));
  });
  for (let i = 0; i < 60 && seen.length < 5; i += 1) {
    await untilAsleep(clock);
    await clock.advance(10);
  }
  await done;
  t.deepEqual(
    seen.map(([, at]) => at),
    [0, 250, 250, 300, 400],
  );
});

test('an abort wakes the wait; the frame that waited is given back, not shown early', async (t) => {
  const abort = new AbortController();
  const { clock, seen, done, released } = await paced([0, 100, 60_000], abort.signal);
  await untilAsleep(clock);
  await clock.advance(100);
  await untilAsleep(clock);
  abort.abort();
  await done;
  t.deepEqual(seen, [
    [0, 0],
    [1, 100],
  ]);
  t.deepEqual(released, [0, 1, 2]);
  t.is(clock.sleeping, 0);
});
