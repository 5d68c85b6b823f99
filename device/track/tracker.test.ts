import test from 'ava';
import { isAtalayaError } from '../kernel/errors.ts';
import { fraction } from '../kernel/units.ts';
import { defaultTrackerConfig } from './config.ts';
import { carAt, detection, every, frameAt, play } from './testing/drive-tracker.ts';
import { lastPoint } from './track.ts';
import { Tracker } from './tracker.ts';
import { gaussian, randomFrom } from './urbantracker.ts';

test('a vehicle is confirmed by its third strong detection, with its whole history', (t) => {
  const { updates, tracks } = play(every(40, 10), (ms) => [detection(carAt(100 + ms / 4, 300))]);
  t.deepEqual(
    updates.slice(0, 4).map((u) => u.live.length),
    [0, 0, 1, 1],
  );
  t.deepEqual(
    updates[2]?.live[0]?.points.map((p) => p.frame),
    [0, 1, 2],
  );
  t.is(tracks.length, 1);
  t.is(tracks[0]?.status, 'ended');
  t.is(tracks[0]?.points.length, 10);
});

test('each point has the votes of its own detections, and a predicted one has none', (t) => {
  const { tracks } = play(every(40, 14), (ms, i) => {
    const car = detection(carAt(100 + ms / 4, 300), 0.8);
    if (i === 8) return [];
    return i === 5 ? [car, { ...car, class: 'truck', score: fraction(0.4) }] : [car];
  });
  const points = tracks[0]?.points ?? [];
  t.deepEqual(points[4]?.votes, { car: 0.8 });
  t.deepEqual(points[5]?.votes, { car: 0.8, truck: 0.4 });
  t.false(points[8]?.measured);
  t.is(points[8]?.votes, undefined);
});

test('a single false detection is never announced', (t) => {
  const { updates, tracks } = play(every(40, 50), (_, i) => (i % 20 === 0 ? [detection(carAt(500, 300))] : []));
  t.true(updates.every((u) => u.live.length === 0 && u.ended.length === 0));
  t.deepEqual(tracks, []);
});

test('weak detections carry a track through a fade, but begin none', (t) => {
  const fading = play(every(40, 60), (ms, i) => [detection(carAt(100 + ms / 5, 300), i > 10 && i < 40 ? 0.25 : 0.8)]);
  t.is(fading.tracks.length, 1);
  t.true(fading.tracks[0]?.points.every((p) => p.measured));
  t.is(play(every(40, 60), (ms) => [detection(carAt(100 + ms / 5, 300), 0.45)]).tracks.length, 0);
  // Below the weak score there is nothing.
  const gone = play(every(40, 200), (ms, i) => [detection(carAt(100 + ms / 9, 300), i > 10 ? 0.1 : 0.8)]);
  t.is(gone.tracks[0]?.points.length, 11);
});

test('clutter of weak detections does not keep a moving track alive for ever; a standing one it keeps for longer', (t) => {
  const path = (speed: number) =>
    play(every(40, 800), (ms, i) => [detection(carAt(100 + (ms * speed) / 1000, 300), i < 60 ? 0.8 : 0.3)]).tracks[0]!;
  // The last strong detection is at 2.36 s.
  t.true(Math.abs(lastPoint(path(40)).time.elapsed - 2360 - defaultTrackerConfig.weakPatience) <= 80);
  t.true(Math.abs(lastPoint(path(0)).time.elapsed - 2360 - defaultTrackerConfig.coastStanding) <= 80);
});

test('frames may be skipped: uneven times, one id, and points only at the frames that were given', (t) => {
  const random = randomFrom(5);
  let ms = 0;
  const times = Array.from({ length: 60 }, () => {
    const now = ms;
    ms += 33 * (1 + Math.floor(random() * 6));
    return now;
  });
  // 400 px/s with a car of 80 px: up to 80 px between looks.
  const { tracks } = play(times, (now) => [
    detection(carAt(50 + now * 0.1, 200)),
    detection(carAt(1200 - now * 0.1, 320)),
  ]);
  t.is(tracks.length, 2);
  t.true(tracks.every((track) => track.points.length === 60));
});

test('a fast vehicle at 10 frames per second, whose boxes never overlap, keeps its id', (t) => {
  const { tracks } = play(every(100, 12), (ms) => [detection(carAt(50 + ms, 300))]);
  t.is(tracks.length, 1);
  t.is(tracks[0]?.points.length, 12);
});

test('a moving vehicle behind an obstacle coasts where it should be and comes back as itself', (t) => {
  const hidden = (i: number) => i >= 30 && i < 50;
  const { updates, tracks } = play(every(40, 80), (ms, i) => (hidden(i) ? [] : [detection(carAt(100 + ms / 4, 300))]));
  t.is(tracks.length, 1);
  const coasting = updates[40]?.live[0];
  t.is(coasting?.status, 'lost');
  const point = lastPoint(coasting!);
  t.false(point.measured);
  t.is(point.score, 0);
  t.true(Math.abs(point.box.x + 40 - (100 + 1600 / 4)) < 5, `${point.box.x}`);
});

test('a track that is not seen again ends with its last measured point', (t) => {
  const { updates, tracks } = play(every(40, 100), (ms, i) => (i < 30 ? [detection(carAt(100 + ms / 8, 300))] : []));
  const end = updates.findIndex((u) => u.ended.length > 0);
  // Last seen at frame 29; 2 s are 50 frames.
  t.is(end, 29 + 51);
  t.is(lastPoint(tracks[0]!).frame, 29);
  t.is(updates[end]?.live.length, 0);
});

test('a vehicle that leaves the picture does not hand its id to the next one', (t) => {
  // The follower arrives 1 s after the first has left, at the place where coasting would have waited.
  const at = (ms: number) => 1000 + ms / 4;
  const { tracks } = play(every(40, 120), (ms) => [
    ...(at(ms) < 1290 ? [detection(carAt(at(ms), 300))] : []),
    ...(ms > 2200 && at(ms - 2200) < 1290 ? [detection(carAt(at(ms - 2200), 300))] : []),
  ]);
  t.is(tracks.length, 2);
  t.true(lastPoint(tracks[0]!).frame < 35);
});

test('a standing vehicle keeps its id for minutes, through jitter, flicker and occlusions of 12 s', (t) => {
  const random = randomFrom(11);
  const jittered = (x: number, y: number) => carAt(x + 2.5 * gaussian(random), y + 2.5 * gaussian(random));
  const { tracks } = play(every(66, 2800), (ms) => {
    const hidden = ms % 40_000 > 28_000;
    const flicker = random();
    return [
      ...(hidden || flicker < 0.2 ? [] : [detection(jittered(400, 400), flicker < 0.5 ? 0.3 : 0.7)]),
      // A bus passes in front whenever the car is hidden.
      ...(hidden ? [detection({ x: (ms % 40_000) / 12 - 2400, y: 300, width: 330, height: 190 }, 0.9, 'bus')] : []),
    ];
  });
  const cars = tracks.filter((track) => track.class === 'car');
  t.is(cars.length, 1);
  t.true((lastPoint(cars[0]!).time.elapsed - cars[0]!.points[0]!.time.elapsed) / 1000 > 180);
  t.true(cars[0]!.points.length <= defaultTrackerConfig.historyPoints);
});

test('after an outage longer than the coasting time nobody is taken for somebody else', (t) => {
  const { tracks } = play([...every(40, 100), ...every(40, 100).map((ms) => ms + 60_000)], () => [
    detection(carAt(400, 300)),
  ]);
  t.is(tracks.length, 2);
});

test('a van that flickers between car and truck, or is both at once, is one track by the heavier vote', (t) => {
  const { tracks } = play(every(40, 60), (ms, i) => {
    const box = carAt(100 + ms / 5, 300);
    const wider = { ...box, x: box.x - 4, width: box.width + 8 };
    if (i % 3 === 0) return [detection(box, 0.6, 'car'), detection(wider, 0.7, 'truck')];
    return [detection(box, 0.6, i % 3 === 1 ? 'car' : 'truck')];
  });
  t.is(tracks.length, 1);
  t.is(tracks[0]?.class, 'truck');
});

test('a second track on one vehicle is merged into the older one', (t) => {
  // Two boxes of 0.6 IoU on the same vehicle: too different to fold, too alike to be two road users.
  const { updates, tracks } = play(every(40, 60), (ms, i) => {
    const box = carAt(100 + ms / 5, 300);
    return [detection(box, 0.8), detection({ ...box, x: box.x + Math.max(20, 90 - 6 * i) }, 0.7)];
  });
  t.is(tracks.length, 2);
  t.is(updates.at(-1)?.live.length, 1);
  t.is(updates.at(-1)?.live[0]?.id, 1);
  // The boxes are closer than 0.55 from frame 12 on; 0.4 s are 10 frames.
  t.is(lastPoint(tracks[1]!).frame, 22);
});

test('a track lost beside a vehicle is not revived by a second box on that vehicle', (t) => {
  const { tracks } = play(every(40, 60), (ms, i) => {
    const box = carAt(100 + ms / 5, 300);
    const neighbour = { ...box, x: box.x + 90 };
    if (i < 10) return [detection(box, 0.8), detection(neighbour, 0.7)];
    return [detection(box, 0.8), detection({ ...box, x: box.x + 22 }, i % 2 === 0 ? 0.7 : 0.3)];
  });
  t.is(tracks.length, 2);
  t.is(lastPoint(tracks[1]!).frame, 9);
});

test('a part of a vehicle, cut off by a tile, becomes no track of its own', (t) => {
  const { tracks } = play(every(40, 50), (ms, i) => {
    const box = { x: 100 + ms / 5, y: 300, width: 200, height: 110 };
    const part = { ...box, width: 70 };
    return i > 15 && i < 35 ? [detection(box), detection(part, 0.7)] : [detection(box)];
  });
  t.is(tracks.length, 1);
});

test('a person beside a car stays a person, and the car lost there is not continued by the person', (t) => {
  const { tracks } = play(every(40, 80), (_, i) => [
    ...(i < 40 ? [detection(carAt(400, 300))] : []),
    ...(i >= 35 ? [detection({ x: 375, y: 270, width: 60, height: 60 }, 0.9, 'person')] : []),
  ]);
  t.deepEqual(
    tracks.map((track) => track.class),
    ['car', 'person'],
  );
  t.is(lastPoint(tracks[0]!).frame, 39);
});

test('a frame timed before its forerunner is refused and changes nothing', (t) => {
  const tracker = new Tracker(defaultTrackerConfig);
  for (const i of [0, 1, 2]) tracker.update(frameAt(i, i * 40), [detection(carAt(100, 100))]);
  const error = t.throws(() => tracker.update(frameAt(3, 79), [detection(carAt(100, 100))]));
  t.true(isAtalayaError(error, 'frame-damaged'));
  t.throws(() => tracker.update(frameAt(3, Number.NaN), []));
  const after = tracker.update(frameAt(4, 80), [detection(carAt(100, 100))]);
  t.is(after.live[0]?.points.length, 4);
});

test('boxes without area or number are ignored', (t) => {
  const bad = [Number.NaN, Infinity, 0, -3].map((width) => detection({ x: 100, y: 100, width, height: 50 }));
  const { tracks } = play(every(40, 10), () => [
    ...bad,
    detection(carAt(400, 300)),
    detection(carAt(600, 300), Number.NaN),
  ]);
  t.is(tracks.length, 1);
});

test('what was handed out stays as it was', (t) => {
  const tracker = new Tracker(defaultTrackerConfig);
  const look = (i: number) => tracker.update(frameAt(i, i * 40), [detection(carAt(100 + i, 100))]);
  for (const i of [0, 1, 2]) look(i);
  const update = look(3);
  const copy = structuredClone(update);
  for (const i of [4, 5, 6]) look(i);
  t.deepEqual(update, copy);
});

test('memory stays bounded: an hour of a standing car and passing traffic keeps its history within the limit', (t) => {
  const tracker = new Tracker(defaultTrackerConfig);
  let longest = 0;
  let live = 0;
  for (let i = 0; i < 36_000; i++) {
    const update = tracker.update(frameAt(i, i * 100), [
      detection(carAt(300, 300)),
      detection(carAt((i % 60) * 24 - 40, 500)),
    ]);
    longest = Math.max(longest, ...update.live.map((track) => track.points.length));
    live = Math.max(live, update.live.length);
  }
  t.true(longest <= defaultTrackerConfig.historyPoints, `${longest}`);
  t.true(live <= 4, `${live}`);
  const standing = tracker.finish().find((track) => lastPoint(track).box.y === 275);
  t.is(standing?.points[0]?.frame, 0);
  t.is(lastPoint(standing!).frame, 35_999);
});
