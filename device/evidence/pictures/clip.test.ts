import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { type FrameMoment, FrameRing } from '../../capture/frame-ring.ts';
import { undated } from '../../capture/frame-times.ts';
import { type KeptFrame, keptFrame } from '../../capture/kept-frame.ts';
import { MjpegCamera } from '../../capture/mjpeg-camera.ts';
import { toRgb } from '../../capture/to-rgb.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { milliseconds } from '../../kernel/units.ts';
import { frameOf, jpegFrameOf } from '../testing/fixtures.ts';
import { makeClip } from './clip.ts';
import { ClipFrames, clipFrames, clipLimits } from './clip-frames.ts';
import { ClipJpegs } from './clip-jpegs.ts';
import type { ClearClip } from './package-files.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const jpegFrames = async (sequences: readonly number[]): Promise<KeptFrame[]> =>
  Promise.all(sequences.map(async (sequence) => keptFrame(await jpegFrameOf(sequence))));
const pixelFrame = (sequence: number, width = 64): KeptFrame => keptFrame(frameOf(sequence, 'yuv420p', width));

async function read(clip: ClearClip): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of clip.content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What our own replay makes of a clip's bytes. */
async function played(bytes: Uint8Array): Promise<{ originals: Uint8Array[]; damage: unknown[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-clip-'));
  try {
    const path = join(folder, 'clip.mjpeg');
    await writeFile(path, bytes);
    const damage: unknown[] = [];
    const camera = new MjpegCamera({ path, nominalRate: 5, start: undated, onDamage: (one) => damage.push(one) });
    const { signal } = new AbortController();
    await camera.open(signal);
    const originals: Uint8Array[] = [];
    for await (const frame of camera.frames(signal)) {
      originals.push(frame.original ?? new Uint8Array());
      camera.release(frame);
    }
    await camera.close();
    return { originals, damage };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("of a camera's JPEGs each is in the clip byte for byte, in the order of capture, where the table says", async (t) => {
  const frames = await jpegFrames([20, 5, 10, 15]);
  const [at] = frames;
  const clip = makeClip(at as KeptFrame, frames);
  const bytes = await read(clip);
  t.deepEqual(
    clip.told().frames.map(([sequence, elapsed]) => [sequence, elapsed]),
    [5, 10, 15, 20].map((sequence) => [sequence, sequence * 40]),
  );
  for (const [sequence, , offset, length] of clip.told().frames) {
    const frame = frames.find((one) => one.sequence === sequence);
    if (frame?.kind !== 'original') return t.fail('a JPEG is kept as that');
    t.deepEqual(bytes.subarray(offset, offset + length), Buffer.from(frame.original));
  }
  t.like(clip.told(), { name: 'clip.mjpeg', role: 'clip', origin: 'original', width: 64, height: 48 });
  t.is(
    clip.told().making,
    '4 pictures one after the other, 5.0 a second, at most 200 ms apart: the bytes that the camera delivered',
  );
  const { originals, damage } = await played(bytes);
  t.deepEqual(damage, []);
  t.deepEqual(
    originals.map((one) => Buffer.from(one)),
    clip.told().frames.map(([, , offset, length]) => bytes.subarray(offset, offset + length)),
  );
});

test('pixels are encoded; the clip plays, shows them, and can be read again with the same bytes', async (t) => {
  const frames = [10, 12, 14].map((sequence) => {
    const frame = frameOf(sequence, 'yuv420p');
    // Flat colour: what the encoder loses is then next to nothing.
    frame.picture.data.fill(80 + sequence);
    return frame;
  });
  const clip = makeClip(keptFrame(frames[1] as (typeof frames)[0]), frames.map(keptFrame));
  const bytes = await read(clip);
  t.is(clip.told().origin, 'encoded');
  t.regex(clip.told().making, /^3 pictures .*: JPEG, quality 85, 4:2:0, of yuv420p$/);
  for (const [i, [, , offset, length]] of clip.told().frames.entries()) {
    const shown = await sharp(bytes.subarray(offset, offset + length))
      .raw()
      .toBuffer();
    const own = toRgb((frames[i] as (typeof frames)[0]).picture).data;
    t.true(
      shown.every((value, at) => Math.abs(value - (own[at] ?? 0)) <= 4),
      `frame ${i}`,
    );
  }
  t.is((await played(bytes)).originals.length, 3);
  t.deepEqual(await read(clip), bytes);
});

test('the table is complete once the content was read to its end, and refused before', async (t) => {
  const clip = makeClip(pixelFrame(1), [pixelFrame(1), pixelFrame(2)]);
  t.throws(() => clip.told().frames, { instanceOf: AtalayaError, code: 'internal' });
  for await (const _ of clip.content) break;
  t.throws(() => clip.told().frames, { instanceOf: AtalayaError, code: 'internal' });
  await read(clip);
  t.is(clip.told().frames.length, 2);
});

test('the charged frame is in it once; frames of another size, gaps and thinning are told', async (t) => {
  const clip = makeClip(pixelFrame(20), [pixelFrame(10), pixelFrame(12, 32), pixelFrame(20)], { thinned: true });
  await read(clip);
  t.deepEqual(
    clip.told().frames.map(([sequence]) => sequence),
    [10, 20],
  );
  t.regex(clip.told().making, /2\.5 a second, at most 400 ms apart/);
  t.regex(
    clip.told().making,
    /; thinned out evenly to bound memory; fewer than 5 a second; 1 frames of another size left out$/,
  );
  const mixed = makeClip(pixelFrame(20), [...(await jpegFrames([19])), pixelFrame(20)]);
  await read(mixed);
  t.is(mixed.told().origin, 'encoded');
  t.regex(
    mixed.told().making,
    /the bytes that the camera delivered of 1, JPEG, quality 85, 4:2:0, of yuv420p of the others/,
  );
});

test('one picture is encoded at a time, and none before it is asked for', async (t) => {
  let reads = 0;
  const watched = (sequence: number): KeptFrame => {
    const { picture, time } = frameOf(sequence, 'rgb24');
    const counting = new Proxy(picture, {
      get: (target, key, receiver) => {
        if (key === 'data') reads += 1;
        return Reflect.get(target, key, receiver);
      },
    });
    return { kind: 'pixels', sequence, time, picture: counting };
  };
  const clip = makeClip(watched(0), numbers(10).map(watched));
  t.is(reads, 0);
  const content = clip.content[Symbol.asyncIterator]();
  await content.next();
  const one = reads;
  t.true(one > 0);
  await new Promise((done) => setTimeout(done, 50));
  t.is(reads, one);
  await content.next();
  t.is(reads, 2 * one);
});

test('pixels that are not there cost the clip and say which frame', async (t) => {
  const frame = pixelFrame(7);
  if (frame.kind !== 'pixels') return t.fail('pixels are kept as that');
  const torn = { ...frame, picture: { ...frame.picture, format: 'rgb24', data: new Uint8Array(100) } } as const;
  await t.throwsAsync(read(makeClip(torn, [])), {
    instanceOf: AtalayaError,
    code: 'frame-damaged',
    message: /^frame 7 cannot be encoded for the clip: ./,
  });
});

const moments = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 1000 })), { maxLength: 80 })
  .map((steps) => {
    let elapsed = 0;
    return steps.map(([step, bytes], i): FrameMoment => {
      elapsed += step;
      return { sequence: i * 3, elapsed: milliseconds(elapsed), bytes };
    });
  });
const included = fc.array(fc.nat(240), { maxLength: 4 });

test('no gap is wider than asked where the frames allow it, and no frame could be left out', (t) => {
  fc.assert(
    fc.property(moments, included, (frames, include) => {
      const { chosen, thinned } = clipFrames(frames, include, { gap: milliseconds(200), most: 1000, bytes: 1e9 });
      const taken = frames.filter(({ sequence }) => chosen.has(sequence));
      const fixed = (i: number) => i === 0 || i === taken.length - 1 || include.includes(taken[i]?.sequence ?? -1);
      const at = (i: number) => taken[i]?.elapsed ?? Number.NaN;
      const close = frames.every(({ elapsed }, i) => {
        const next = frames[i + 1];
        return (
          next === undefined ||
          chosen.has(next.sequence) ||
          taken.some((one) => one.elapsed > elapsed - 200 && one.elapsed <= elapsed)
        );
      });
      const needed = taken.every((_, i) => fixed(i) || at(i + 1) - at(i - 1) > 200);
      const gaps = taken.slice(1).every((one, i) => {
        const from = frames.findIndex(({ sequence }) => sequence === taken[i]?.sequence);
        return one.elapsed - at(i) <= 200 || frames[from + 1] === one;
      });
      const has = [frames[0], frames.at(-1), ...frames.filter(({ sequence }) => include.includes(sequence))];
      return !thinned && close && needed && gaps && has.every((one) => one === undefined || chosen.has(one.sequence));
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('the bounds hold, but for the frames that must be there, and what is left is spread evenly', (t) => {
  fc.assert(
    fc.property(moments, included, fc.nat(30), fc.nat(20_000), (frames, include, most, bytes) => {
      const { chosen, thinned } = clipFrames(frames, include, { gap: milliseconds(200), most, bytes });
      const all = clipFrames(frames, include, { gap: milliseconds(200), most: 1e6, bytes: 1e9 }).chosen;
      const taken = frames.filter(({ sequence }) => chosen.has(sequence));
      const must = new Set([frames[0]?.sequence, frames.at(-1)?.sequence, ...include]);
      const within = taken.length <= most && taken.reduce((sum, one) => sum + one.bytes, 0) <= bytes;
      const bare = taken.every(({ sequence }) => must.has(sequence));
      return (within || bare) && (thinned || chosen.size === all.size);
    }),
    { numRuns: 500 },
  );
  const even = numbers(1000).map((sequence) => ({ sequence, elapsed: milliseconds(sequence * 40), bytes: 1 }));
  const { chosen, thinned } = clipFrames(even, [500], { gap: milliseconds(200), most: 50, bytes: 1e9 });
  const times = [...chosen].map((sequence) => sequence * 40);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  t.true(thinned && chosen.has(500) && chosen.size > 44 && chosen.size <= 50, `${chosen.size} frames`);
  t.true(Math.max(...gaps) <= 920, `gaps up to ${Math.max(...gaps)} ms, where 800 would be the least`);
  const none = clipFrames(even, [], { gap: milliseconds(0), most: 0, bytes: 0 });
  t.deepEqual([...none.chosen], [0, 999]);
});

test('a ring gives the frames of a clip, holds them alone, and lets them go', (t) => {
  const disposed: number[] = [];
  const ring = new FrameRing(1e9, ({ sequence }) => disposed.push(sequence));
  for (const sequence of numbers(51)) ring.push(frameOf(sequence)).release();
  const clips = new ClipFrames({ ...clipLimits, bytes: 1e6 });
  const { held, thinned } = clips.hold(ring, { from: milliseconds(400), to: milliseconds(2000), include: [12] });
  t.false(thinned);
  const taken = held.map(({ frame }) => frame.sequence);
  t.deepEqual(taken, [10, 12, 17, 22, 27, 32, 37, 42, 47, 50]);
  ring.clear();
  t.deepEqual(
    disposed.toSorted((a, b) => a - b),
    numbers(51).filter((sequence) => !taken.includes(sequence)),
  );
  for (const one of held) one.release();
  t.is(disposed.length, 51);
});

test('clips that are under way together hold no more than the bound, a frame that they share once', (t) => {
  const ring = new FrameRing(1e9, () => {});
  for (const sequence of numbers(101)) ring.push(frameOf(sequence)).release();
  const one = frameOf(0).picture.data.byteLength;
  const clips = new ClipFrames({ ...clipLimits, bytes: 12 * one });
  const window = (from: number) => ({ from: milliseconds(from), to: milliseconds(from + 2000), include: [] });
  const first = clips.hold(ring, window(0));
  t.is(first.held.length, 11);
  t.false(first.thinned);
  const same = clips.hold(ring, window(0));
  t.is(same.held.length, 11);
  t.is(clips.heldBytes, 11 * one);
  const later = clips.hold(ring, window(2000));
  t.true(later.thinned);
  t.deepEqual(
    later.held.map(({ frame }) => frame.sequence),
    [50, 100],
    'the first and the last are always there, here one of them for nothing',
  );
  for (const { held } of [first, same]) for (const frame of held) frame.release();
  t.is(clips.heldBytes, 2 * one);
  for (const frame of later.held) {
    frame.release();
    frame.release();
  }
  t.is(clips.heldBytes, 0);
  t.false(clips.hold(ring, window(2000)).thinned);
});

test('in haste no frame is added but the charged one, and the clip says how many it left out', async (t) => {
  let inHaste = false;
  const jpegs = new ClipJpegs();
  const frames = [10, 12, 14, 16, 18].map((sequence) => pixelFrame(sequence));
  const at = frames[3] as KeptFrame;
  const clip = makeClip(at, frames, { jpegs, inHaste: () => inHaste });
  const chunks: Uint8Array[] = [];
  for await (const chunk of clip.content) {
    chunks.push(chunk);
    inHaste = chunks.length === 2;
  }
  t.deepEqual(
    clip.told().frames.map(([sequence]) => sequence),
    [10, 12, 16, 18],
  );
  t.regex(clip.told().making, /^4 pictures .*; 1 frames left out for want of time$/);
  const alone = makeClip(at, frames, { inHaste: () => true });
  t.is((await played(await read(alone))).originals.length, 1);
  t.regex(alone.told().making, /^1 pictures .*; 4 frames left out for want of time$/);
});

test('clips of the same seconds encode each frame once', async (t) => {
  const jpegs = new ClipJpegs();
  const frames = [10, 12].map((sequence) => pixelFrame(sequence));
  const [one, other] = frames as [KeptFrame, KeptFrame];
  t.is(await jpegs.of(one), await jpegs.of(one));
  t.deepEqual(await read(makeClip(one, frames, { jpegs })), await read(makeClip(other, frames, { jpegs })));
});

test('a clip that begins after the charged moment says how long after', async (t) => {
  const clip = makeClip(pixelFrame(20), [pixelFrame(20), pixelFrame(22)], { moment: milliseconds(20 * 40 - 7300) });
  await read(clip);
  t.regex(clip.told().making, /; begins 7\.3 s after the charged moment, whose frames were no longer held$/);
});
