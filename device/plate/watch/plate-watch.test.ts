import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import type { Box } from '../../detect/detection.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { PlateReader, PlateSight, VehicleCrop } from '../plate-reader.ts';
import { FakeReader } from '../testing/fake-reader.ts';
import {
  type MadeRead,
  madeCrop,
  madeFrame,
  madeSight,
  madeTrack,
  rejectedSight,
  seen,
} from '../testing/made-sights.ts';
import type { TrackPlate } from '../vote/track-plate.ts';
import { PlateWatch } from './plate-watch.ts';
import { defaultWatchSettings, type WatchSettings } from './settings.ts';

const second = milliseconds(1000);

/** A watch with fake readers, a clock that stands still, and a street that is a list of boxes a frame. */
class Scene {
  readonly clock = new ManualClock();
  readonly readers: FakeReader[] = [];
  readonly told: { readonly track: number; readonly plate: TrackPlate }[] = [];
  readonly faults: AtalayaError[] = [];
  readonly watch: PlateWatch;
  frames = 0;
  elapsed = 0;

  constructor(
    answer: (vehicle: Box) => PlateSight | undefined = () => undefined,
    more: Partial<WatchSettings> & {
      readonly open?: () => Promise<PlateReader>;
      readonly first?: PlateReader;
      readonly bytes?: number;
      readonly settled?: () => void;
      readonly onCrop?: (crop: VehicleCrop) => void;
    } = {},
  ) {
    const { open, first, bytes, settled, onCrop, ...settings } = more;
    const openFake = async () => {
      const reader = new FakeReader((crop) => answer(crop.vehicle));
      this.readers.push(reader);
      return reader;
    };
    this.watch = new PlateWatch(
      {
        open: open ?? openFake,
        ...(first === undefined ? {} : { first }),
        crop: (_, vehicle) => {
          const crop = madeCrop(vehicle, bytes);
          onCrop?.(crop);
          return crop;
        },
        clock: this.clock,
        timer: this.clock,
        random: () => 0.5,
        settled: (track, plate) => {
          this.told.push({ track, plate });
          settled?.();
        },
        onFault: (fault) => this.faults.push(fault),
      },
      { ...defaultWatchSettings, ...settings },
    );
  }

  get reader(): FakeReader {
    const reader = this.readers.at(-1);
    if (reader === undefined) throw new RangeError('no reader was opened');
    return reader;
  }

  /** One frame, 100 ms after the one before. */
  frame(boxes: Readonly<Record<number, Box>>, ended: readonly number[] = []): Promise<void> | undefined {
    this.frames += 1;
    this.elapsed += 100;
    const frame = madeFrame(this.frames, this.elapsed);
    const tracks = Object.entries(boxes).map(([id, box]) => madeTrack(Number(id), frame, box));
    const gone = ended.map((id) => madeTrack(id, frame, car(200), { status: 'ended', measured: false }));
    return this.watch.observe(frame, seen(tracks, gone));
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }
}

/** A car seen from behind, so many pixels wide, whole in the picture. */
const car = (width: number, x = 300): Box => ({ x, y: 100, width, height: width / 1.2 });

const at = (text: string, x: number, more: MadeRead = {}): PlateSight =>
  madeSight(text, { confidence: 0.95, ...more, x });

test('reads a passing vehicle, and tells of it once when two independent looks agree', async (t) => {
  const scene = new Scene(({ x }) => at('AB1234', x));
  for (let i = 0; i < 20; i += 1) {
    scene.frame({ 1: car(200 + 10 * i, 300 + 20 * i) });
    await scene.settle();
  }
  scene.frame({}, [1]);
  await scene.settle();
  t.is(scene.told.length, 1);
  t.like(scene.told[0]?.plate, { kind: 'read', text: 'AB1234' });
  t.true(scene.reader.asked.length >= 2 && scene.reader.asked.length <= 5);
  t.is(scene.reader.most, 0);
  t.like(scene.watch.counts, { vehicles: { looked: 1, read: 1 }, crops: { dropped: 0, failed: 0 } });
  await scene.watch.close();
});

test('a standing car is looked at seldom, people and small or predicted boxes never', async (t) => {
  const scene = new Scene(() => rejectedSight('unclear'));
  for (let i = 0; i < 100; i += 1) {
    scene.frames += 1;
    scene.elapsed += 100;
    const frame = madeFrame(scene.frames, scene.elapsed);
    scene.watch.observe(
      frame,
      seen([
        madeTrack(1, frame, car(250)),
        madeTrack(2, frame, car(250, 700), { class: 'person' }),
        madeTrack(3, frame, car(60, 700)),
        madeTrack(4, frame, car(250, 700), { measured: false }),
      ]),
    );
    await scene.settle();
  }
  t.is(scene.reader.asked.length, 3);
  t.like(await scene.watch.plateOf([2], second), { kind: 'unread', reason: 'never-looked', looked: 0 });
  t.like(await scene.watch.plateOf([1], second), { kind: 'unread', reason: 'unclear', looked: 3 });
  await scene.watch.close();
});

test('a crop that the edge cuts is taken only where there is nothing better', async (t) => {
  const scene = new Scene(() => rejectedSight('cut-off'));
  const cut = { x: 300, y: 500, width: 300, height: 219 };
  scene.frame({ 1: cut });
  scene.frame({ 1: { ...cut, x: 320 } });
  await scene.settle();
  t.is(scene.reader.asked.length, 1);
  scene.frame({ 1: car(200) });
  await scene.settle();
  t.is(scene.reader.asked.length, 2);
  for (let i = 0; i < 20; i += 1) scene.frame({ 1: { ...cut, x: 300 + 40 * i, width: 310, height: 219 } });
  await scene.settle();
  t.is(scene.reader.asked.length, 2);
  await scene.watch.close();
});

test('an accused vehicle is read before others, and its plate comes when its crops are read', async (t) => {
  const scene = new Scene();
  scene.frame({ 1: car(400) });
  await scene.settle();
  scene.frame({ 2: car(300), 3: car(150, 800) });
  const plate = scene.watch.plateOf([3], milliseconds(5000));
  scene.reader.open[0]?.answer(at('AA1111', 0));
  await scene.settle();
  t.is(scene.reader.open[0]?.crop.vehicle.width, 150);
  scene.reader.open[0]?.answer(at('CC3333', 0));
  t.like(await plate, { kind: 'read', text: 'CC3333' });
  t.is(scene.clock.sleeping, 1, 'only the crop that is being read has a deadline');
  await scene.watch.close();
});

test('at the deadline the plate is what is there; the crop is kept', async (t) => {
  const scene = new Scene();
  scene.frame({ 1: car(200) });
  scene.frame({ 2: car(200, 800) });
  await scene.settle();
  const plate = scene.watch.plateOf([2], second);
  await scene.clock.advance(999);
  const late = await Promise.race([plate, 'waiting' as const]);
  t.is(late, 'waiting');
  await scene.clock.advance(1);
  t.like(await plate, { kind: 'unread', reason: 'not-in-time', looked: 0 });
  await scene.watch.close();
  t.like(await scene.watch.plateOf([2], second), {
    kind: 'unread',
    reason: 'not-in-time',
    dropped: 1,
    best: { frame: 2 },
  });
});

test('the sightings of two tracks of one road user are put together, and it is told of once', async (t) => {
  const scene = new Scene(({ x }) => at('AB1234', x, { confidence: 0.9 }));
  scene.frame({ 1: car(200, 100) });
  await scene.settle();
  scene.frame({ 7: car(200, 500) });
  await scene.settle();
  const [first, both] = [await scene.watch.plateOf([1], second), await scene.watch.plateOf([1, 7], second)];
  t.like(both, { kind: 'read', text: 'AB1234', looked: 2, agreeing: 2 });
  t.true(first.kind === 'read' && both.kind === 'read' && both.confidence > first.confidence);
  scene.frame({}, [1]);
  scene.frame({}, [7]);
  await scene.watch.finish(second);
  t.is(scene.told.length, 1);
  await scene.watch.close();
});

test('an unread plate waits for better frames while its vehicle comes nearer, and no longer', async (t) => {
  const scene = new Scene(({ width, x }) => (width < 300 ? rejectedSight('too-small') : at('AB1234', x)));
  const approach = async (from: number, to: number, step: number) => {
    for (let width = from; width < to; width += step) {
      scene.frame({ 1: car(width) });
      await scene.settle();
    }
  };
  await approach(150, 250, 10);
  const plate = scene.watch.plateOf([1], milliseconds(60_000));
  await approach(250, 340, 10);
  t.like(await plate, { kind: 'read', text: 'AB1234' });

  // It never gets large enough: the patience ends the waiting.
  const small = new Scene(() => rejectedSight('too-small'), { patience: milliseconds(2000) });
  let settled = false;
  for (let i = 0; i < 8; i += 1) small.frame({ 1: car(150 + 5 * i) });
  await small.settle();
  const none = small.watch.plateOf([1], milliseconds(60_000)).finally(() => {
    settled = true;
  });
  for (let i = 8; i < 27; i += 1) small.frame({ 1: car(150 + 5 * i) });
  await small.settle();
  t.false(settled);
  small.frame({ 1: car(150 + 5 * 27) });
  t.like(await none, { kind: 'unread', reason: 'too-small' });
  await Promise.all([scene.watch.close(), small.watch.close()]);
});

test('a box that is too large for once does not end the waiting', async (t) => {
  const scene = new Scene(({ width, x }) => (width < 300 ? rejectedSight('too-small') : at('AB1234', x)));
  let plate: Promise<TrackPlate> | undefined;
  for (let i = 0; i < 24; i += 1) {
    // The fifth box is the one from which growth is measured next.
    scene.frame({ 1: car(150 + 12 * i + (i === 4 ? 40 : 0)) });
    await scene.settle();
    if (i === 5) plate = scene.watch.plateOf([1], milliseconds(60_000));
  }
  t.like(await plate, { kind: 'read', text: 'AB1234' });
  await scene.watch.close();
});

test('no more frames end the patience, and so does the deadline where the frames wait for the seal', async (t) => {
  for (const end of ['finish', 'deadline'] as const) {
    const scene = new Scene(() => rejectedSight('too-small'));
    for (let i = 0; i < 8; i += 1) scene.frame({ 1: car(150 + 5 * i) });
    await scene.settle();
    const plate = scene.watch.plateOf([1], second);
    await scene.settle();
    t.is(await Promise.race([plate, 'waiting' as const]), 'waiting');
    if (end === 'finish') await scene.watch.finish(second);
    else await scene.clock.advance(1000);
    t.like(await plate, { kind: 'unread', reason: 'too-small' });
    await scene.watch.close();
  }
});

test('a reader that dies is opened again after a wait; the crop that it died of is not tried twice', async (t) => {
  const scene = new Scene(({ width, x }) => (width === 400 ? undefined : at('AB1234', x)));
  scene.frame({ 1: car(400) });
  scene.frame({ 2: car(200, 800) });
  await scene.settle();
  scene.reader.open[0]?.fail(new AtalayaError('engine-failed', 'the thread has died'));
  await scene.settle();
  t.true(scene.readers[0]?.closed);
  t.is(scene.readers.length, 1);
  t.like(await scene.watch.plateOf([1], second), { kind: 'unread', reason: 'reader-failed', best: { frame: 1 } });
  const waiting = scene.watch.plateOf([2], milliseconds(100));
  await scene.clock.advance(100);
  t.like(await waiting, { kind: 'unread', reason: 'reader-failed' });
  await scene.clock.advance(1000);
  t.is(scene.readers.length, 2);
  t.deepEqual(
    scene.reader.asked.map(({ vehicle }) => vehicle.width),
    [200],
  );
  t.like(await scene.watch.plateOf([2], second), { kind: 'read' });
  t.is(scene.watch.counts.crops.failed, 1);
  await scene.watch.close();
});

test('a reader that hangs is given up at its deadline, one that cannot be opened is tried again ever more seldom', async (t) => {
  const hangs = new Scene();
  hangs.frame({ 1: car(200) });
  await hangs.clock.advance(defaultWatchSettings.reader.deadline);
  t.deepEqual(
    hangs.faults.map(({ code }) => code),
    ['deadline-exceeded'],
  );
  t.true(hangs.reader.closed);

  let opened = 0;
  const never = new Scene(undefined, {
    every: true,
    queue: { crops: 2, bytes: 1e6, perTrack: 9 },
    open: async () => {
      opened += 1;
      throw new AtalayaError('engine-unavailable', 'no engine');
    },
  });
  never.frame({ 1: car(200) });
  await never.clock.advance(60_000);
  t.true(opened >= 6 && opened <= 10, `${opened}`);
  // A replay does not wait for a reader that is not there.
  for (let i = 0; i < 50; i += 1) t.is(never.frame({ [i]: car(200) }), undefined);
  t.like(await never.watch.plateOf([90], second), { reason: 'never-looked' });
  t.true(never.watch.counts.crops.dropped >= 48);
  await Promise.all([hangs.watch.close(), never.watch.close()]);
  t.is(never.clock.sleeping + hangs.clock.sleeping, 0);
});

test('no message of a fault quotes what a reader threw, and nothing that is injected throws into the frame path', async (t) => {
  const scene = new Scene(
    ({ width, x }) => {
      if (width === 200) throw new TypeError('cannot read AB1234');
      return at('AB1234', x);
    },
    {
      settled: () => {
        throw new Error('AB1234 is on a list');
      },
    },
  );
  scene.frame({ 1: car(200) });
  await scene.clock.advance(1000);
  scene.frame({ 2: car(220) });
  await scene.clock.advance(1000);
  scene.frame({}, [1, 2]);
  await scene.settle();
  t.deepEqual(
    scene.faults.map(({ code }) => code),
    ['engine-failed', 'internal', 'internal'],
  );
  for (const fault of scene.faults) t.notRegex(`${fault.message} ${fault.stack} ${String(fault.cause)}`, /AB1234/);
  t.like(await scene.watch.plateOf([2], second), { kind: 'read' });
  await scene.watch.close();
});

test('a replay reads the same crops however slow its reader is', async (t) => {
  const widthsRead = async (slow: boolean) => {
    const scene = new Scene(({ x }) => (slow ? undefined : at('AB1234', x)), { every: true });
    for (let i = 0; i < 20; i += 1) {
      const x = 300 + 20 * i;
      let caughtUp = false;
      Promise.resolve(scene.frame({ 1: car(200 + 10 * i, x) })).then(() => {
        caughtUp = true;
      });
      await scene.settle();
      if (slow && scene.reader.open.length > 0) t.false(caughtUp);
      for (const asked of scene.reader.open) asked.answer(at('AB1234', x));
      await scene.settle();
      t.true(caughtUp);
    }
    await scene.watch.close();
    return scene.reader.asked.map(({ vehicle }) => vehicle.width);
  };
  const quick = await widthsRead(false);
  t.true(quick.length >= 2);
  t.deepEqual(await widthsRead(true), quick);
});

test('a replay waits for its reader and loses nothing', async (t) => {
  const scene = new Scene(undefined, { every: true, queue: { crops: 3, bytes: 1e6, perTrack: 1 } });
  let waits = 0;
  for (let track = 1; track <= 30; track += 1) {
    const room = scene.frame({ [track]: car(200) });
    if (room === undefined) continue;
    waits += 1;
    let has = false;
    room.then(() => {
      has = true;
    });
    await scene.settle();
    while (!has) {
      scene.reader.open[0]?.answer(at('AB1234', track));
      await scene.settle();
    }
  }
  t.true(waits > 20);
  const finished = scene.watch.finish(milliseconds(60_000));
  while (scene.reader.open.length > 0) {
    scene.reader.open[0]?.answer(at('AB1234', 0));
    await scene.settle();
  }
  await finished;
  t.like(scene.watch.counts, { vehicles: { looked: 30, read: 30 }, crops: { taken: 30, read: 30, dropped: 0 } });
  await scene.watch.close();
});

test('closing while a crop is read and others wait answers everybody and closes the reader', async (t) => {
  const scene = new Scene(undefined, { every: true, queue: { crops: 1, bytes: 1e6, perTrack: 1 } });
  scene.frame({ 1: car(200) });
  await scene.settle();
  const room = scene.frame({ 2: car(200, 800) });
  const plates = Promise.all([1, 2, 3].map((track) => scene.watch.plateOf([track], milliseconds(60_000))));
  await scene.watch.close();
  await scene.watch.close();
  await room;
  t.deepEqual(
    (await plates).map((plate) => plate.kind),
    ['unread', 'unread', 'unread'],
  );
  t.true(scene.reader.closed);
  t.deepEqual(scene.faults, []);
  t.is(scene.clock.sleeping, 0);
  t.is(scene.told.length, 2);
  t.is(scene.frame({ 4: car(200) }), undefined);
  t.is(scene.watch.counts.crops.taken, 2);
});

test('a reader that comes up after the end is closed', async (t) => {
  const { promise, resolve } = Promise.withResolvers<PlateReader>();
  const scene = new Scene(undefined, { open: () => promise });
  scene.frame({ 1: car(200) });
  await scene.settle();
  await scene.watch.close();
  const late = new FakeReader();
  resolve(late);
  await scene.settle();
  t.true(late.closed);
});

test('a reader that is open from the beginning is used first, and closed where no crop ever came', async (t) => {
  const idle = new FakeReader();
  const unused = new Scene(undefined, { first: idle });
  unused.frame({});
  await unused.settle();
  await unused.watch.finish(second);
  await Promise.all([unused.watch.close(), unused.watch.close()]);
  t.true(idle.closed);

  const busy = new FakeReader(({ vehicle }) => at('AB1234', vehicle.x));
  const used = new Scene(undefined, { first: busy });
  used.frame({ 1: car(240) });
  await used.settle();
  t.deepEqual([busy.asked.length, used.readers.length], [1, 0]);
  await used.watch.close();
  t.true(busy.closed);
});

test('a second close waits for the first: nobody is told of a plate after it', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = new FakeReader();
  slow.close = () => promise;
  const scene = new Scene(undefined, { first: slow });
  const closing = scene.watch.close();
  let over = false;
  const again = scene.watch.close().then(() => {
    over = true;
  });
  await scene.settle();
  t.false(over);
  resolve();
  await Promise.all([closing, again]);
  t.true(over);
});

test('those who wait for better frames have an answer as soon as none can come', async (t) => {
  const scene = new Scene(() => rejectedSight('unclear'));
  for (let i = 0; i < 10; i += 1) {
    scene.frame({ 1: car(200 + 10 * i) });
    await scene.settle();
  }
  let answered: TrackPlate | undefined;
  scene.watch.plateOf([1], milliseconds(60_000)).then((plate) => {
    answered = plate;
  });
  await scene.settle();
  t.is(answered, undefined);
  scene.watch.hurry();
  await scene.settle();
  t.like(answered, { kind: 'unread', reason: 'unclear' });
  await scene.watch.close();
});

test('nobody waits for a reader that fails again and again, and it is tried all the same', async (t) => {
  const dead = () => Promise.reject(new AtalayaError('engine-failed', 'dead'));
  const works = new FakeReader(({ vehicle }) => at('AB1234', vehicle.x));
  let opened = 0;
  const scene = new Scene(undefined, {
    open: async () => {
      opened += 1;
      return opened > 4 ? works : dead();
    },
  });
  scene.frame({ 1: car(240) });
  let answered: TrackPlate | undefined;
  scene.watch.plateOf([1], milliseconds(60_000)).then((plate) => {
    answered = plate;
  });
  await scene.clock.advance(600);
  t.deepEqual([opened, answered], [2, undefined]);
  await scene.clock.advance(1500);
  t.is(opened, 3);
  t.like(answered, { kind: 'unread', reason: 'reader-failed' });
  await scene.watch.finish(milliseconds(60_000));
  await scene.clock.advance(30_000);
  t.like(await scene.watch.plateOf([1], second), { kind: 'read', text: 'AB1234' });
  await scene.watch.close();
});

test('ten thousand crops pass in bounded memory', async (t) => {
  const bytes = 30_000;
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let texts = 0;
  const memory = { tracks: 100, sightings: 8, bytes: 60 * bytes };
  const scene = new Scene(
    ({ x }) => {
      texts += 1;
      return texts % 3 === 0 ? rejectedSight('unclear') : at(`AB${1000 + (texts % 7)}`, x, { confidence: 0.8 });
    },
    { bytes, memory, onCrop: (crop) => crops.push(new WeakRef(crop)) },
  );
  let most = 0;
  let told = 0;
  let crops: WeakRef<VehicleCrop>[] = [];
  for (let i = 0; scene.watch.counts.crops.taken < 10_000; i += 1) {
    // Twelve vehicles at a time; each stays for fifty frames, and grows.
    const age = i % 50;
    const first = Math.floor(i / 50) * 12;
    const boxes = Object.fromEntries(
      Array.from({ length: 12 }, (_, k) => [first + k, car(150 + 4 * age, 20 * k + 9 * age)]),
    );
    scene.frame(boxes, age === 0 ? Array.from({ length: 12 }, (_, k) => first - 12 + k) : []);
    if (i % 5 === 0) await scene.settle();
    if (i % 200 === 0) {
      // What the test itself remembers is not the watch's.
      for (const reader of scene.readers) reader.asked.length = 0;
      told += scene.told.splice(0).length;
      // A weak reference holds until the turn in which it was made or read ends.
      await scene.settle();
      collect();
      crops = crops.filter((crop) => crop.deref() !== undefined);
      most = Math.max(most, crops.length);
    }
  }
  const { crops: passed, vehicles } = scene.watch.counts;
  t.true(passed.read + passed.dropped + passed.spared >= 10_000 - 64);
  t.true(told + scene.told.length >= vehicles.looked - 24);
  // The queue's 64 crops, what is remembered, and one second's crops beyond that until the next sweep.
  t.true(most > 0 && most < 250, `${most} crops`);
  await scene.watch.close();
});
