import test from 'ava';
import { buildGroundPlane } from './ground-plane.ts';
import type { PointPair } from './homography.ts';
import { project, testCamera } from './testing/camera.ts';

const error = { image: 1, road: 0.03 };
const pair = (x: number, y: number): PointPair => ({ road: { x, y }, image: project(testCamera, x, y) });
const good = [pair(-4, 15), pair(4, 15), pair(-4, 40), pair(4, 40), pair(0, 25), pair(2, 30)];

const refusal = (t: { fail(message: string): void }, pairs: readonly PointPair[], allowed = 4): string => {
  const built = buildGroundPlane(pairs, error, allowed);
  if (!built.ok) return built.reason;
  t.fail('not refused');
  return '';
};

test('good points give a plane that ends at the horizon', (t) => {
  const built = buildGroundPlane(good, error, 4);
  if (!built.ok) return t.fail(built.reason);
  const road = built.plane.toRoad(project(testCamera, 1, 60));
  t.true(road !== undefined && Math.hypot(road.x - 1, road.y - 60) < 0.01);
  // The optical axis looks down by 0.2 rad: the horizon is 1500 tan(0.2) = 304 px above the middle of the picture.
  t.is(built.plane.toRoad({ x: 640, y: 50 }), undefined);
  t.not(built.plane.toRoad({ x: 640, y: 65 }), undefined);
});

test('three points, doubled points and points on one line are refused by name', (t) => {
  t.regex(refusal(t, good.slice(0, 3)), /four points are needed, 3 given/);
  t.regex(refusal(t, [...good, good[2] as PointPair]), /points 3, 7 are the same point/);
  t.regex(refusal(t, [pair(0, 15), pair(0, 20), pair(0, 30), pair(0, 40)]), /one line in the picture/);
  t.regex(refusal(t, [pair(0, 15), pair(0, 20), pair(0, 30), pair(3, 30)]), /points 1, 2, 3 lie on one line/);
});

test('exchanged points are refused, whether they cross or mirror', (t) => {
  const four = good.slice(0, 4);
  const [a, b, c, d] = four as [PointPair, PointPair, PointPair, PointPair];
  const crossed = [a, b, { road: c.road, image: d.image }, { road: d.road, image: c.image }];
  t.regex(refusal(t, crossed), /crossed order/);
  const mirrored = good.map(({ road, image }) => ({ image, road: { x: -road.x, y: road.y } }));
  t.regex(refusal(t, mirrored), /mirrored/);
});

test('a point that is off is refused with the residual of every point in px and m', (t) => {
  const off = good.map((one, i) => (i === 4 ? { ...one, image: { x: one.image.x, y: one.image.y + 40 } } : one));
  const said = refusal(t, off);
  t.regex(said, /residuals are too large \(at most 4 px allowed\)/);
  t.regex(said, /point 5: \d+\.\d px, \d+\.\d\d m/);
});
