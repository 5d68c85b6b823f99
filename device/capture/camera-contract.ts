import type { ExecutionContext } from 'ava';
import { AtalayaError, type ErrorCode } from '../kernel/errors.ts';
import type { Camera, FrameDamage } from './camera.ts';
import { type Frame, pictureBytes } from './frame.ts';

/** A camera under test: what every one is asked for. */
export interface CameraCase {
  /** `source`: `whole`, or `other`, one that holds no pictures. */
  make(source: 'whole' | 'other', onDamage: (damage: FrameDamage) => void): Promise<Camera>;
  readonly width: number;
  readonly height: number;
  /** Frames to look at; the source holds as many or has no end. */
  readonly frames: number;
  /** The fault of opening a source that holds no pictures. */
  readonly refusal: ErrorCode;
  /** Buffers for pictures that it has in its hands besides one that it decodes ahead; none where it is not given. */
  readonly inHand?: number;
  /** Processes of this camera that are alive now. */
  readonly processes?: () => Promise<number>;
}

/** A recording under test, and what it holds. */
export interface RecordingCase extends Omit<CameraCase, 'make' | 'refusal'> {
  /** `truncated`: one that has lost its end. */
  make(source: 'whole' | 'truncated' | 'other', onDamage: (damage: FrameDamage) => void): Promise<Camera>;
  /** Frames of the whole source, all good, and the frames before the end of the truncated one. */
  readonly frames: number;
  readonly goodFrames: number;
}

/** Longest that a camera may take to stop. */
const STOP = 1000;
/** Milliseconds from one reader of a live camera to the next, and longest that a picture is on its way to one. */
const BETWEEN_READERS = 300;
const ON_ITS_WAY = 2000;
/** ava's `test`, or `test.serial`. */
type Declare = (title: string, body: (t: ExecutionContext) => void | Promise<void>) => void;

const never = new AbortController().signal;
const noDamage = (damage: FrameDamage): void => {
  throw new Error(`unexpected damage ${JSON.stringify(damage)}`);
};

function passedOver(test: Declare, name: string): void {
  test(`${name}: passed over`, (t) => {
    t.log(`${name} was not tested: a program that it needs (ffmpeg) is not installed`);
    t.pass();
  });
}

/** What `Camera` promises, whatever stands behind it. `found` is undefined where the camera cannot run here, which is logged. */
export function holdsCameraContract(test: Declare, name: string, found: CameraCase | undefined): void {
  if (found === undefined) {
    passedOver(test, name);
    return;
  }
  const { make, width, height, frames: count, refusal, inHand = 0, processes } = found;
  const opened = async () => {
    const camera = await make('whole', noDamage);
    await camera.open(never);
    return camera;
  };
  const left = async (t: ExecutionContext) => {
    if (processes !== undefined) t.is(await processes(), 0, 'no process is left');
  };

  test(`${name}: numbers and times rise, and pictures have the stated size`, async (t) => {
    const camera = await make('whole', noDamage);
    const info = await camera.open(never);
    t.deepEqual({ width: info.width, height: info.height }, { width, height });
    let last: Frame | undefined;
    let seen = 0;
    for await (const frame of camera.frames(never)) {
      if (last !== undefined) {
        t.true(frame.sequence > last.sequence);
        t.true(frame.time.elapsed > last.time.elapsed);
        // One clock behind both: the date goes on as the elapsed time does.
        const ahead = frame.time.utc - frame.time.elapsed - (last.time.utc - last.time.elapsed);
        t.true(Math.abs(ahead) < 0.01, `${ahead} ms apart`);
      }
      t.true(frame.time.clock.intervalError > 0);
      t.is(frame.picture.width, width);
      t.is(frame.picture.height, height);
      t.is(frame.picture.data.byteLength, pictureBytes(frame.picture.format, width, height));
      t.true(frame.picture.data.buffer instanceof SharedArrayBuffer);
      last = frame;
      seen += 1;
      camera.release(frame);
      if (seen === count) break;
    }
    t.is(seen, count);
    await camera.close();
    await camera.close();
    await left(t);
  });

  test(`${name}: a frame stays as it is until it is released, and memory is used again after that`, async (t) => {
    const camera = await opened();
    const kept: { frame: Frame; copy: Uint8Array }[] = [];
    for await (const frame of camera.frames(never)) {
      kept.push({ frame, copy: frame.picture.data.slice() });
      if (kept.length === count) break;
    }
    t.is(new Set(kept.map(({ frame }) => frame.picture.data.buffer)).size, count);
    for (const { frame, copy } of kept) {
      t.deepEqual(frame.picture.data, copy);
      camera.release(frame);
    }
    const buffers = new Set(kept.map(({ frame }) => frame.picture.data.buffer));
    let seen = 0;
    for await (const frame of camera.frames(never)) {
      buffers.add(frame.picture.data.buffer);
      camera.release(frame);
      seen += 1;
      if (seen === count) break;
    }
    t.true(buffers.size <= count + 1 + inHand, `${buffers.size} buffers for ${count} frames`);
    await camera.close();
  });

  test(`${name}: a frame is released exactly once`, async (t) => {
    const camera = await opened();
    let seen = 0;
    for await (const frame of camera.frames(never)) {
      camera.release(frame);
      t.throws(() => camera.release(frame), { instanceOf: RangeError });
      seen += 1;
      if (seen === count) break;
    }
    await camera.close();
  });

  test(`${name}: a source that holds no pictures is refused when it is opened`, async (t) => {
    const camera = await make('other', () => {});
    const error = await t.throwsAsync(() => camera.open(never), { instanceOf: AtalayaError, code: refusal });
    t.truthy((error as AtalayaError | undefined)?.hint);
    await camera.close();
    await left(t);
  });

  test(`${name}: an abort ends it within a second, and no frame or process is left behind`, async (t) => {
    for (const after of [0, 1, 3]) {
      const camera = await opened();
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
      await left(t);
    }
  });

  test(`${name}: a reader may leave at any frame, and another one may follow`, async (t) => {
    const camera = await opened();
    const buffers = new Set<ArrayBufferLike>();
    for (let turn = 0; turn < 4; turn += 1) {
      for await (const frame of camera.frames(never)) {
        buffers.add(frame.picture.data.buffer);
        camera.release(frame);
        break;
      }
    }
    // A frame that was decoded ahead and never yielded must find its way back, too.
    t.true(buffers.size <= 3 + inHand, `${buffers.size} buffers`);
    await left(t);
    await camera.close();
  });
}

/** What a recording promises besides: it has a first frame, an end, and nothing in it is lost. */
export function holdsRecordingContract(test: Declare, name: string, found: RecordingCase | undefined): void {
  holdsCameraContract(test, name, found === undefined ? undefined : { ...found, refusal: 'source-not-video' });
  if (found === undefined) return;
  const { make, frames: count, goodFrames } = found;

  test(`${name}: every frame comes once, numbered from 0, from time 0, and another reader starts from the first`, async (t) => {
    const camera = await make('whole', noDamage);
    const info = await camera.open(never);
    t.true(info.frames === undefined || info.frames === count);
    for (const until of [1, count]) {
      let seen = 0;
      for await (const frame of camera.frames(never)) {
        t.is(frame.sequence, seen);
        if (seen === 0) t.is(frame.time.elapsed as number, 0);
        seen += 1;
        camera.release(frame);
        if (seen === until && until === 1) break;
      }
      t.is(seen, until);
    }
    await camera.close();
  });

  test(`${name}: a source that ends before its time gives its good frames, then source-truncated`, async (t) => {
    // At a cut a decoder may make up a picture from what is left; such a one is reported and not given.
    let damaged = 0;
    const camera = await make('truncated', () => {
      damaged += 1;
    });
    await camera.open(never);
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
}

/** What a live camera promises besides (`LiveCamera`): it goes on where it was, over all its readers. */
export function holdsLiveContract(test: Declare, name: string, found: CameraCase): void {
  holdsCameraContract(test, name, found);

  test(`${name}: numbers and times go on from one reader to the next, with a gap`, async (t) => {
    const camera = await found.make('whole', noDamage);
    await camera.open(never);
    let last: Frame | undefined;
    let wall = 0;
    for (const turn of [1, 2, 3]) {
      let seen = 0;
      await new Promise((resolve) => setTimeout(resolve, turn === 1 ? 0 : BETWEEN_READERS));
      for await (const frame of camera.frames(never)) {
        camera.release(frame);
        const now = performance.now();
        if (last !== undefined && seen === 0) {
          t.true(frame.sequence > last.sequence + 1, 'what was lost shows as a gap');
          // Captures are as far apart as the readers were, and as they were seen, but for how long each was on its way.
          const apart = frame.time.elapsed - last.time.elapsed;
          t.true(apart >= BETWEEN_READERS, `turn ${turn}: ${apart} ms`);
          t.true(apart - (now - wall) < ON_ITS_WAY, `turn ${turn}: ${apart} ms, seen ${now - wall} ms apart`);
        }
        if (last !== undefined) t.true(frame.time.elapsed > last.time.elapsed);
        [last, wall] = [frame, now];
        seen += 1;
        if (seen === 3) break;
      }
    }
    await camera.close();
  });
}
