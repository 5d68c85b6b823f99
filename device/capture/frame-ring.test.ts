import test from 'ava';
import fc from 'fast-check';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { Frame } from './frame.ts';
import { FrameRing, type HeldFrame } from './frame-ring.ts';
import { recordingClock } from './frame-times.ts';

function frame(sequence: number, bytes: number, original = 0): Frame {
  return {
    sequence,
    time: { utc: utcMilliseconds(sequence * 40), elapsed: milliseconds(sequence * 40), clock: recordingClock },
    picture: { format: 'rgb24', width: 1, height: 1, data: new Uint8Array(bytes) },
    original: original === 0 ? undefined : new Uint8Array(original),
  };
}

/** What the ring should hold: written down anew, the slow and plain way. */
interface Model {
  readonly budget: number;
  next: number;
  ring: { frame: Frame; size: number }[];
  /** Holds per frame number. */
  readonly holds: Map<number, number>;
  /** Hold handles, in the order in which they were given out, with the frame's number; released ones stay in the list. */
  readonly handles: { sequence: number; released: boolean }[];
  /** Numbers of the frames that must have been disposed of. */
  readonly gone: Set<number>;
}

interface Real {
  readonly ring: FrameRing;
  readonly handles: HeldFrame[];
  readonly disposed: number[];
}

function settle(model: Model, sequences: readonly number[]): void {
  for (const sequence of sequences) {
    const inRing = model.ring.some((slot) => slot.frame.sequence === sequence);
    if (!inRing && (model.holds.get(sequence) ?? 0) === 0) model.gone.add(sequence);
  }
}

function hold(model: Model, sequence: number): void {
  model.holds.set(sequence, (model.holds.get(sequence) ?? 0) + 1);
  model.handles.push({ sequence, released: false });
}

function same(model: Model, { ring, disposed, handles }: Real): void {
  if (ring.length !== model.ring.length) throw new Error(`length ${ring.length}, not ${model.ring.length}`);
  if (new Set(disposed).size !== disposed.length) throw new Error(`disposed of twice: ${disposed}`);
  const [actual, expected] = [disposed.toSorted((a, b) => a - b), [...model.gone].sort((a, b) => a - b)];
  if (actual.join() !== expected.join()) throw new Error(`disposed of ${actual}, not ${expected}`);
  for (const [i, handle] of handles.entries()) {
    if (handle.frame.sequence !== model.handles[i]?.sequence) throw new Error('a hold is of another frame');
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
    const pushed = frame(model.next, this.bytes, this.original);
    real.handles.push(real.ring.push(pushed));
    model.next += 1;
    model.ring.push({ frame: pushed, size: this.bytes + this.original });
    hold(model, pushed.sequence);
    const total = () => model.ring.reduce((sum, { size }) => sum + size, 0);
    while (total() > model.budget && model.ring.length > 1) settle(model, [model.ring.shift()?.frame.sequence ?? -1]);
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
    const distances = model.ring.map((slot) => Math.abs(slot.frame.time.elapsed - this.elapsed));
    if (held === undefined) {
      if (distances.length > 0) throw new Error('nothing was held');
    } else {
      if (Math.abs(held.frame.time.elapsed - this.elapsed) !== Math.min(...distances))
        throw new Error('not the nearest');
      real.handles.push(held);
      hold(model, held.frame.sequence);
    }
    same(model, real);
  }
  toString = () => `holdNearest(${this.elapsed})`;
}

class HoldNewest implements Command {
  check = () => true;
  run(model: Model, real: Real): void {
    const held = real.ring.holdNewest();
    if (held?.frame !== model.ring.at(-1)?.frame) throw new Error('not the newest');
    if (held !== undefined) {
      real.handles.push(held);
      hold(model, held.frame.sequence);
    }
    same(model, real);
  }
  toString = () => 'holdNewest';
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
    const handle = model.handles[i]!;
    if (!handle.released) {
      handle.released = true;
      model.holds.set(handle.sequence, (model.holds.get(handle.sequence) ?? 0) - 1);
      settle(model, [handle.sequence]);
    }
    same(model, real);
  }
  toString = () => `release(${this.pick})`;
}

class Clear implements Command {
  check = () => true;
  run(model: Model, real: Real): void {
    real.ring.clear();
    const sequences = model.ring.map((slot) => slot.frame.sequence);
    model.ring = [];
    settle(model, sequences);
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
        handles: [] as HeldFrame[],
        disposed,
      };
      const model: Model = { budget, next: 0, ring: [], holds: new Map(), handles: [], gone: new Set() };
      fc.modelRun(() => ({ model, real }), list);
      real.ring.clear();
      for (const handle of real.handles) handle.release();
      t.deepEqual(
        disposed.toSorted((a, b) => a - b),
        Array.from({ length: model.next }, (_, i) => i),
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

test('an empty ring holds nothing', (t) => {
  const ring = new FrameRing(10, () => t.fail());
  t.is(ring.holdNewest(), undefined);
  t.is(ring.holdNearest(milliseconds(0)), undefined);
});

test('thinning reaches further back, keeps the newest whole, and leaves no gap wider than asked', (t) => {
  const disposed: number[] = [];
  const thinning = { dense: milliseconds(400), gap: milliseconds(200) };
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
