import test from 'ava';
import fc from 'fast-check';
import { recentSpeed, thinOut, withoutTail } from './history.ts';
import { captureTime, carAt } from './testing/drive-tracker.ts';
import type { TrackPoint } from './track.ts';

const point = (frame: number, measured = true, x = 0): TrackPoint => ({
  frame,
  time: captureTime(frame * 40),
  box: carAt(x, 0),
  score: measured ? 0.9 : 0,
  measured,
});

test('a history never exceeds its limit, keeps its first point, its newest half and its order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 400 }), fc.integer({ min: 4, max: 60 }), (measured, limit) => {
      let points: readonly TrackPoint[] = [];
      measured.forEach((seen, frame) => {
        points = thinOut([...points, point(frame, seen)], limit);
      });
      const newest = Math.min(Math.floor(limit / 2), measured.length);
      return (
        points.length <= limit &&
        (points.length === 0 || points[0]?.frame === 0) &&
        points.slice(points.length - newest).every((p, i) => p.frame === measured.length - newest + i) &&
        points.every((p, i) => i === 0 || p.frame > (points[i - 1]?.frame ?? -1))
      );
    }),
  );
  t.pass();
});

test('the predicted tail goes, predicted points between measured ones stay', (t) => {
  const points = [point(0), point(1, false), point(2), point(3, false), point(4, false)];
  t.deepEqual(
    withoutTail(points).map((p) => p.frame),
    [0, 1, 2],
  );
});

test('recent speed is exact for a constant velocity, and not stated from too short a time', (t) => {
  // 4 px a frame of 40 ms is 100 px/s.
  const points = Array.from({ length: 60 }, (_, frame) => point(frame, frame % 3 !== 1, frame * 4));
  t.true(Math.abs((recentSpeed(points, 1500) ?? 0) - 100) < 1e-6);
  t.is(recentSpeed(points.slice(-20), 1500), undefined);
  t.is(recentSpeed([], 1500), undefined);
});
