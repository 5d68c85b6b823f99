import type { ExecutionContext } from 'ava';
import { AtalayaError } from '../kernel/errors.ts';
import type { Camera, FrameDamage } from './camera.ts';
import { type Frame, pictureBytes } from './frame.ts';

/** A camera under test, and what its source holds. */
export interface CameraCase {
  /** `source`: `whole`, one that has lost its end, or `other`, one that holds no pictures. */
  make(source: 'whole' | 'truncated' | 'other', onDamage: (damage: FrameDamage) => void): Promise<Camera>;
  readonly width: number;
  readonly height: number;
  /** Frames of the whole source, all good, and the frames before the end of the truncated one. */
  readonly frames: number;
  readonly goodFrames: number;
  /** Processes of this camera that are alive now. */
  readonly processes?: () => Promise<number>;
}

/** Longest that a camera may take to stop. */
const STOP = 1000;

/** ava's `test`, or `test.serial`. */
type Declare = (title: string, body: (t: ExecutionContext) => void | Promise<void>) => void;

/** What `Camera` promises, held against one adapter. `found` gives undefined, with the reason logged, where it cannot run here. */
export function holdsCameraContract(test: Declare, name: string, found: CameraCase | undefined): void {
  if (found === undefined) {
    test(`${name}: passed over`, (t) => {
      t.log(`${name} was not tested: a program that it needs (ffmpeg) is not installed`);
      t.pass();
    });
    return;
  }
  const { make, width, height, frames: count, goodFrames, processes } = found;
  const never = new AbortController().signal;
  const noDamage = (damage: FrameDamage): void => {
    throw new Error(`unexpected damage ${JSON.stringify(damage)}`);
  };
  const opened = async (source: 'whole' | 'truncated', onDamage = noDamage) => {
    const camera = await make(source, onDamage);
    await camera.open(never);
    return camera;
  };

  test(`${name}: every frame comes once, numbered from 0, in rising time, with pictures of the stated size`, async (t) => {
    const camera = await make('whole', noDamage);
    const info = await camera.open(never);
    t.is(info.width, width);
    t.is(info.height, height);
    t.true(info.frames === undefined || info.frames === count);
    let last: Frame | undefined;
    let seen = 0;
    for await (const frame of camera.frames(never)) {
      t.is(frame.sequence, seen);
      t.is(frame.time.elapsed >= (last?.time.elapsed ?? 0), true);
      t.true(
        Math.abs(
          frame.time.utc -
            frame.time.elapsed -
            ((last?.time.utc ?? frame.time.utc) - (last?.time.elapsed ?? frame.time.elapsed)),
        ) < 0.01,
      );
      if (last === undefined) t.is(frame.time.elapsed as number, 0);
      t.is(frame.picture.width, width);
      t.is(frame.picture.height, height);
      t.is(frame.picture.data.byteLength, pictureBytes(frame.picture.format, width, height));
      t.true(frame.picture.data.buffer instanceof SharedArrayBuffer);
      last = frame;
      seen += 1;
      camera.release(frame);
    }
    t.is(seen, count);
    await camera.close();
    await camera.close();
  });

  test(`${name}: a frame stays as it is until it is released, and memory is used again after that`, async (t) => {
    const camera = await opened('whole');
    const kept: { frame: Frame; copy: Uint8Array }[] = [];
    for await (const frame of camera.frames(never)) kept.push({ frame, copy: frame.picture.data.slice() });
    t.is(new Set(kept.map(({ frame }) => frame.picture.data.buffer)).size, count);
    for (const { frame, copy } of kept) {
      t.deepEqual(frame.picture.data, copy);
      camera.release(frame);
    }
    const buffers = new Set(kept.map(({ frame }) => frame.picture.data.buffer));
    for await (const frame of camera.frames(never)) {
      buffers.add(frame.picture.data.buffer);
      camera.release(frame);
    }
    t.true(buffers.size <= count + 1, `${buffers.size} buffers for ${count} frames`);
    await camera.close();
  });

  test(`${name}: a frame is released exactly once`, async (t) => {
    const camera = await opened('whole');
    for await (const frame of camera.frames(never)) {
      camera.release(frame);
      t.throws(() => camera.release(frame), { instanceOf: RangeError });
    }
    await camera.close();
  });

  test(`${name}: a source that ends before its time gives its good frames, then source-truncated`, async (t) => {
    // At a cut a decoder may make up a picture from what is left; such a one is reported and not given.
    let damaged = 0;
    const camera = await opened('truncated', () => {
      damaged += 1;
    });
    let seen = 0;
    const error = await t.throwsAsync(
      async () => {
        for await (const frame of camera.frames(never)) {
          seen += 1;
          camera.release(frame);
        }
      },
      { instanceOf: AtalayaError, code: 'source-truncated' },
    );
    t.regex(error?.message ?? '', /ends early, after \d+/);
    t.true(seen > 0);
    t.true(seen <= goodFrames && seen + damaged >= goodFrames, `${seen} seen and ${damaged} damaged of ${goodFrames}`);
    await camera.close();
  });

  test(`${name}: a source that holds no pictures is refused when it is opened`, async (t) => {
    const camera = await make('other', noDamage);
    const error = await t.throwsAsync(() => camera.open(never), { instanceOf: AtalayaError, code: 'source-not-video' });
    t.truthy((error as AtalayaError | undefined)?.hint);
    await camera.close();
  });

  test(`${name}: an abort ends it within a second, and no frame or process is left behind`, async (t) => {
    for (const after of [0, 1, 3]) {
      const camera = await opened('whole');
      const abort = new AbortController();
      let seen = 0;
      if (after === 0) abort.abort();
      let at = performance.now();
      for await (const frame of camera.frames(abort.signal)) {
        seen += 1;
        if (seen === after) {
          at = performance.now();
          abort.abort();
        }
        camera.release(frame);
      }
      t.true(performance.now() - at < STOP);
      t.is(seen, after, 'nothing comes after the abort');
      await camera.close();
      if (processes !== undefined) t.is(await processes(), 0);
    }
  });

  test(`${name}: a reader may leave at any frame, and another one starts from the first`, async (t) => {
    const camera = await opened('whole');
    const buffers = new Set<ArrayBufferLike>();
    for (let turn = 0; turn < 6; turn += 1) {
      for await (const frame of camera.frames(never)) {
        buffers.add(frame.picture.data.buffer);
        t.is(frame.sequence, 0);
        camera.release(frame);
        break;
      }
    }
    // One in hand and those decoded ahead of it: a frame that was never yielded must find its way back, too.
    t.true(buffers.size <= 3, `${buffers.size} buffers`);
    if (processes !== undefined) t.is(await processes(), 0);
    await camera.close();
  });
}
