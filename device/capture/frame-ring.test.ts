import test from 'ava';
import fc from 'fast-check';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { Frame } from './frame.ts';
import { type FrameMoment, FrameRing, type Held } from './frame-ring.ts';
import { recordingClock } from './frame-times.ts';
import type { KeptFrame } from './kept-frame.ts';

/** `original`: bytes of a JPEG that comes with the pixels, or none; what is shorter than a JPEG's first three bytes is no JPEG. */
function frame(sequence: number, bytes: number, original = 0): Frame {
  return {
    sequence,
    time: { utc: utcMilliseconds(sequence * 40), elapsed: milliseconds(sequence * 40), clock: recordingClock },
    picture: { format: 'rgb24', width: 1, height: 1, data: new Uint8Array(bytes) },
    original:
      original === 0 ? undefined : Uint8Array.from([0xff, 0xd8, 0xff, ...Array(original)]).subarray(0, original),
  };
}

/** What the ring should hold: written down anew, the slow and plain way. */
interface Model {
  readonly budget: number;
  readonly frames: Frame[];
  ring: Frame[];
  /** Hold handles, in the order in which they were given out; released ones stay in the list. */
  readonly handles: { readonly frame: Frame; readonly by: 'pushing' | 'evidence'; released: boolean }[];
}

interface Real {
  readonly ring: FrameRing;
  readonly handles: Held<Frame | KeptFrame>[];
  readonly disposed: number[];
}

const keptAsOriginal = ({ original }: Frame) => original !== undefined && original.byteLength >= 3;
const sizeOf = (one: Frame) => (keptAsOriginal(one) ? one.original : one.picture.data)?.byteLength ?? 0;

/** True where somebody may still read the frame's pixels. */
function pixelsNeeded({ ring, handles }: Model, one: Frame): boolean {
  const held = handles.filter(({ frame, released }) => frame === one && !released);
  if (keptAsOriginal(one)) return held.some(({ by }) => by === 'pushing');
  return ring.includes(one) || held.length > 0;
}

function same(model: Model, { ring, disposed, handles }: Real): void {
  if (ring.length !== model.ring.length) throw new Error(`length ${ring.length}, not ${model.ring.length}`);
  if (new Set(disposed).size !== disposed.length) throw new Error(`disposed of twice: ${disposed}`);
  const gone = model.frames.filter((one) => !pixelsNeeded(model, one)).map(({ sequence }) => sequence);
  const actual = disposed.toSorted((a, b) => a - b);
  if (actual.join() !== gone.join()) throw new Error(`disposed of ${actual}, not ${gone}`);
  for (const [i, { frame: held }] of handles.entries()) {
    const expected = model.handles[i];
    if (held.sequence !== expected?.frame.sequence) throw new Error('a hold is of another frame');
    const whole = 'kind' in held ? held.kind === 'pixels' : true;
    if (whole !== (expected.by === 'pushing' || !keptAsOriginal(expected.frame)))
      throw new Error('pixels where the original is kept, or the other way round');
    const bytes = 'kind' in held && held.kind === 'original' ? held.original : held.picture.data;
    const own = whole ? expected.frame.picture.data : expected.frame.original;
    if (bytes !== own) throw new Error('a hold has other bytes than its frame');
  }
}

type Command = fc.Command<Model, Real>;

class Push implements Command {
  readonly bytes: number;
  readonly original: number;
  constructor(bytes: number, original: number) {
    this.bytes = bytes;
    this.original = original;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const pushed = frame(model.frames.length, this.bytes, this.original);
    real.handles.push(real.ring.push(pushed));
    model.frames.push(pushed);
    model.ring.push(pushed);
    model.handles.push({ frame: pushed, by: 'pushing', released: false });
    const total = () => model.ring.reduce((sum, one) => sum + sizeOf(one), 0);
    while (total() > model.budget && model.ring.length > 1) model.ring.shift();
    same(model, real);
  }
  toString = () => `push(${this.bytes}+${this.original})`;
}

class HoldNearest implements Command {
  readonly elapsed: number;
  constructor(elapsed: number) {
    this.elapsed = elapsed;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const held = real.ring.holdNearest(milliseconds(this.elapsed));
    const distances = model.ring.map(({ time }) => Math.abs(time.elapsed - this.elapsed));
    if (held === undefined) {
      if (distances.length > 0) throw new Error('nothing was held');
    } else {
      const nearest = model.ring[distances.indexOf(Math.min(...distances))] as Frame;
      if (held.frame.sequence !== nearest.sequence) throw new Error('not the nearest');
      real.handles.push(held);
      model.handles.push({ frame: nearest, by: 'evidence', released: false });
    }
    same(model, real);
  }
  toString = () => `holdNearest(${this.elapsed})`;
}

class HoldNewest implements Command {
  check = () => true;
  run(model: Model, real: Real): void {
    const held = real.ring.holdNewest();
    const newest = model.ring.at(-1);
    if (held?.frame.sequence !== newest?.sequence) throw new Error('not the newest');
    if (held !== undefined && newest !== undefined) {
      real.handles.push(held);
      model.handles.push({ frame: newest, by: 'evidence', released: false });
    }
    same(model, real);
  }
  toString = () => 'holdNewest';
}

class HoldBetween implements Command {
  readonly from: number;
  readonly to: number;
  readonly every: number | undefined;
  constructor(from: number, to: number, every: number | undefined) {
    this.from = from;
    this.to = to;
    this.every = every;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const { from, to, every } = this;
    const wanted = (sequence: number) => every === undefined || sequence % every === 0;
    const offered: FrameMoment[] = [];
    const choose = (frames: readonly FrameMoment[]) => {
      offered.push(...frames);
      // 5000 is of no frame that the ring has.
      return new Set([5000, ...frames.map(({ sequence }) => sequence).filter(wanted)]);
    };
    const held = real.ring.holdBetween(milliseconds(from), milliseconds(to), every === undefined ? undefined : choose);
    const between = model.ring.filter(({ time }) => time.elapsed >= from && time.elapsed <= to);
    const chosen = between.filter(({ sequence }) => wanted(sequence));
    if (held.map(({ frame: { sequence } }) => sequence).join() !== chosen.map(({ sequence }) => sequence).join())
      throw new Error('not the frames between the moments, in their order');
    const said = (one: FrameMoment) => `${one.sequence} ${one.elapsed} ${one.bytes}`;
    const truly = between.map((one) => `${one.sequence} ${one.time.elapsed} ${sizeOf(one)}`);
    if (every !== undefined && offered.map(said).join() !== truly.join()) throw new Error('others were offered');
    real.handles.push(...held);
    for (const one of chosen) model.handles.push({ frame: one, by: 'evidence', released: false });
    same(model, real);
  }
  toString = () => `holdBetween(${this.from}, ${this.to}, ${this.every})`;
}

class Release implements Command {
  readonly pick: number;
  constructor(pick: number) {
    this.pick = pick;
  }
  check = (model: Readonly<Model>) => model.handles.length > 0;
  run(model: Model, real: Real): void {
    const i = this.pick % model.handles.length;
    real.handles[i]?.release();
    model.handles[i]!.released = true;
    same(model, real);
  }
  toString = () => `release(${this.pick})`;
}

class Clear implements Command {
  check = () => true;
  run(model: Model, real: Real): void {
    real.ring.clear();
    model.ring = [];
    same(model, real);
  }
  toString = () => 'clear';
}

test('whatever is pushed, held, released and cleared: each picture is disposed of exactly once, and only when nobody needs it', (t) => {
  const commands = fc.commands(
    [
      fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(20)).map(([bytes, original]) => new Push(bytes, original)),
      fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(20)).map(([bytes, original]) => new Push(bytes, original)),
      fc.integer({ min: -50, max: 1000 }).map((elapsed) => new HoldNearest(elapsed)),
      fc.constant(new HoldNewest()),
      fc
        .tuple(
          fc.integer({ min: -50, max: 1000 }),
          fc.integer({ min: -50, max: 1000 }),
          fc.option(fc.constantFrom(1, 2, 3), { nil: undefined }),
        )
        .map(([from, to, every]) => new HoldBetween(from, to, every)),
      fc.nat(50).map((pick) => new Release(pick)),
      fc.nat(50).map((pick) => new Release(pick)),
      fc.constant(new Clear()),
    ],
    { maxCommands: 60 },
  );
  fc.assert(
    fc.property(commands, fc.integer({ min: 0, max: 200 }), (list, budget) => {
      const disposed: number[] = [];
      const real = {
        ring: new FrameRing(budget, ({ sequence }) => disposed.push(sequence)),
        handles: [] as Real['handles'],
        disposed,
      };
      const model: Model = { budget, frames: [], ring: [], handles: [] };
      fc.modelRun(() => ({ model, real }), list);
      real.ring.clear();
      for (const handle of real.handles) handle.release();
      t.deepEqual(
        disposed.toSorted((a, b) => a - b),
        Array.from({ length: model.frames.length }, (_, i) => i),
      );
    }),
    { numRuns: 300 },
  );
});

test('a frame larger than the whole budget is kept until the next one comes', (t) => {
  const disposed: number[] = [];
  const ring = new FrameRing(10, ({ sequence }) => disposed.push(sequence));
  ring.push(frame(0, 500)).release();
  t.is(ring.length, 1);
  t.deepEqual(disposed, []);
  ring.push(frame(1, 500)).release();
  t.is(ring.length, 1);
  t.deepEqual(disposed, [0]);
});

test('of a frame with a JPEG the pixels go when they are released, the JPEG stays, and it alone counts', (t) => {
  const disposed: number[] = [];
  const ring = new FrameRing(40, ({ sequence }) => disposed.push(sequence));
  const inWork = Array.from({ length: 8 }, (_, sequence) => ring.push(frame(sequence, 500, 5)));
  t.is(ring.length, 8, 'pixels in work crowd nothing out');
  const evidence = ring.holdNearest(milliseconds(0));
  t.deepEqual(disposed, []);
  for (const held of inWork) held.release();
  t.deepEqual(disposed, [0, 1, 2, 3, 4, 5, 6, 7], 'evidence keeps no pixels');
  ring.push(frame(8, 500, 5)).release();
  t.is(ring.length, 8);
  t.like(evidence?.frame, { kind: 'original', sequence: 0, original: inWork[0]?.frame.original });
  evidence?.release();
  ring.clear();
  t.deepEqual(disposed, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('an empty ring holds nothing', (t) => {
  const ring = new FrameRing(10, () => t.fail());
  t.is(ring.holdNewest(), undefined);
  t.is(ring.holdNearest(milliseconds(0)), undefined);
  t.deepEqual(ring.holdBetween(milliseconds(0), milliseconds(9)), []);
});

test('a choice of frames that fails holds nothing', (t) => {
  const disposed: number[] = [];
  const ring = new FrameRing(100, ({ sequence }) => disposed.push(sequence));
  for (let sequence = 0; sequence < 5; sequence += 1) ring.push(frame(sequence, 1)).release();
  const choose = () => {
    throw new RangeError('no choice');
  };
  t.throws(() => ring.holdBetween(milliseconds(0), milliseconds(1000), choose), { message: 'no choice' });
  ring.clear();
  t.deepEqual(disposed, [0, 1, 2, 3, 4]);
});

test('thinning reaches further back, keeps the newest whole, and leaves no gap wider than asked', (t) => {
  const disposed: number[] = [];
  const thinning = { dense: milliseconds(400), gap: milliseconds(200), reach: milliseconds(60_000) };
  const ring = new FrameRing(40, ({ sequence }) => disposed.push(sequence), thinning);
  for (let sequence = 0; sequence < 300; sequence += 1) ring.push(frame(sequence, 1)).release();
  t.is(ring.length, 40);
  const kept = Array.from({ length: 300 }, (_, i) => i).filter((i) => !disposed.includes(i));
  const gaps = kept.slice(1).map((sequence, i) => (sequence - (kept[i] ?? 0)) * 40);
  t.true(Math.max(...gaps) <= 200, `gaps of ${gaps.join(' ')} ms`);
  t.deepEqual(
    kept.slice(-11),
    Array.from({ length: 11 }, (_, i) => 289 + i),
    'the last 400 ms are whole',
  );
  t.true(300 - (kept[0] ?? 0) > 90, `reaches back to frame ${kept[0]} of 300`);
  ring.clear();
  t.is(new Set(disposed).size, 300);
});

test('beyond its reach the ring keeps nothing but the newest, though the budget has room', (t) => {
  const disposed: number[] = [];
  const thinning = { dense: milliseconds(400), gap: milliseconds(200), reach: milliseconds(1000) };
  const ring = new FrameRing(1e6, ({ sequence }) => disposed.push(sequence), thinning);
  for (let sequence = 0; sequence < 100; sequence += 1) ring.push(frame(sequence, 1)).release();
  t.is(ring.length, 26, 'one second of frames 40 ms apart, both ends counted');
  t.is(ring.holdNearest(milliseconds(0))?.frame.sequence, 74);
  ring.push(frame(500, 1)).release();
  t.is(ring.length, 1);
});
