import test from 'ava';
import fc from 'fast-check';
import type { Detection } from '../detect/detection.ts';
import { carAt, detection, every, play } from './testing/drive-tracker.ts';
import { lastPoint } from './track.ts';
import { gaussian, randomFrom } from './urbantracker.ts';

/** Some vehicles at constant speeds with clutter, a detector that misses and jitters: content by seed. */
function traffic(seed: number): (elapsed: number) => readonly Detection[] {
  const random = randomFrom(seed);
  const cars = Array.from({ length: 2 + Math.floor(random() * 8) }, () => ({
    x: random() * 1280,
    y: random() * 720,
    vx: (random() - 0.5) * 600,
    vy: (random() - 0.5) * 100,
    score: 0.2 + random() * 0.8,
  }));
  return (elapsed) => [
    ...cars.flatMap((car) => {
      const jitter = () => gaussian(random) * 2;
      const box = carAt(car.x + (car.vx * elapsed) / 1000 + jitter(), car.y + (car.vy * elapsed) / 1000 + jitter());
      const score = Math.min(1, Math.max(0.05, car.score + gaussian(random) * 0.15));
      const objectClass = random() < 0.2 ? 'truck' : 'car';
      return random() < 0.15 ? [] : [detection(box, score, objectClass)];
    }),
    ...(random() < 0.3 ? [detection(carAt(random() * 1280, random() * 720), random())] : []),
  ];
}

const seeds = fc.integer({ min: 0, max: 1e9 });

test('the order of the detections in a frame changes nothing', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const times = every(50, 60);
      const sequence = times.map(traffic(seed));
      const shuffle = randomFrom(seed + 1);
      const mixed = sequence.map((detections) =>
        detections
          .map((d) => ({ d, key: shuffle() }))
          .sort((a, b) => a.key - b.key)
          .map(({ d }) => d),
      );
      const a = play(times, (_, i) => sequence[i] ?? []);
      const b = play(times, (_, i) => mixed[i] ?? []);
      return JSON.stringify(a) === JSON.stringify(b);
    }),
    { numRuns: 30 },
  );
  t.pass();
});

test('ids count up and never come back; ended tracks never change; points are in order and lie in given frames', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { updates, tracks } = play(every(50, 120), traffic(seed));
      const over = new Set<number>();
      let highest = 0;
      for (const update of updates) {
        for (const track of update.live) {
          if (over.has(track.id) || track.status === 'ended' || track.status === 'tentative') return false;
          if (track.id > highest + update.live.length + update.ended.length) return false;
          highest = Math.max(highest, track.id);
        }
        for (const track of update.ended) {
          if (over.has(track.id) || track.status !== 'ended' || !lastPoint(track).measured) return false;
          over.add(track.id);
        }
      }
      const ordered = tracks.every(({ points }) => points.every((p, i) => i === 0 || p.frame > points[i - 1]!.frame));
      return ordered && new Set(tracks.map((track) => track.id)).size === tracks.length;
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('every measured point is a detection of its frame, each used by one track at most', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const times = every(50, 80);
      const sequence = times.map(traffic(seed));
      const { tracks } = play(times, (_, i) => sequence[i] ?? []);
      const used = new Set<unknown>();
      for (const point of tracks.flatMap((track) => track.points)) {
        if (!point.measured) continue;
        const source = sequence[point.frame]?.find((d) => d.box === point.box && d.score === point.score);
        if (source === undefined || used.has(source)) return false;
        used.add(source);
      }
      return true;
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('clear traffic is accounted for in full: one track a vehicle, every strong detection in it', (t) => {
  const lanes = fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 7 });
  const step = fc.integer({ min: 20, max: 150 });
  fc.assert(
    fc.property(lanes, fc.integer({ min: -500, max: 500 }), step, (lanes, speed, step) => {
      const { tracks } = play(every(step, 30), (ms) =>
        lanes.map((lane) => detection(carAt(640 + (speed * (lane % 2 === 0 ? 1 : -1) * ms) / 1000, 50 + lane * 100))),
      );
      return tracks.length === lanes.length && tracks.every((track) => track.points.length === 30);
    }),
    { numRuns: 100 },
  );
  t.pass();
});
