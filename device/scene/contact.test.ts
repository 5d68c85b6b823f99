import test from 'ava';
import fc from 'fast-check';
import { chassisOnRoad, isCut, wheelsInPicture, wheelsOnRoad } from './contact.ts';
import { buildGroundPlane } from './ground-plane.ts';
import { boxOf, project, testCamera } from './testing/camera.ts';

test('without metres the axles of a projected car are met to a tenth of its box or 15 % in any direction', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
      fc.double({ min: 0.2, max: 0.55, noNaN: true }),
      (heading, pitch) => {
        const y = 20;
        const camera = { ...testCamera, above: y * Math.tan(pitch), pitch };
        const box = boxOf(camera, 0, y, heading);
        const [dx, dy] = [Math.cos(heading), Math.sin(heading)];
        const a = project(camera, 0, y);
        const b = project(camera, 0.1 * dx, y + 0.1 * dy);
        const length = Math.hypot(b.x - a.x, b.y - a.y);
        const { front, rear } = wheelsInPicture(box, { x: (b.x - a.x) / length, y: (b.y - a.y) / length }, 'car');
        // The axles stand 1.4 m before and behind the middle.
        const exact = [1.4, -1.4].map((s) => project(camera, s * dx, y + s * dy));
        return [front, rear].every((axle, i) => {
          const truth = exact[i] ?? a;
          return Math.abs(axle.x - truth.x) < 0.15 * box.width && Math.abs(axle.y - truth.y) < 0.15 * box.height;
        });
      },
    ),
  );
  t.pass();
});

test('with metres the chassis is the same place of the car from wherever it is seen', (t) => {
  const marks = [-4, 4].flatMap((x) => [15, 30, 50].map((y) => ({ road: { x, y }, image: project(testCamera, x, y) })));
  const built = buildGroundPlane(marks, { image: 0.2, road: 0.01 }, 2, testCamera);
  if (!built.ok) return t.fail(built.reason);
  for (const y of [14, 20, 30, 45]) {
    for (const x of [-5, 0, 4]) {
      for (const heading of [Math.PI / 2, -Math.PI / 2, 0.4, 2.5]) {
        const box = boxOf(testCamera, x, y, heading);
        const way = { x: Math.cos(heading), y: Math.sin(heading) };
        const found = chassisOnRoad(box, way, 'car', built.plane);
        const off = found === undefined ? Number.NaN : Math.hypot(found.x - x, found.y - y);
        t.true(off < 0.6, `(${x}, ${y}) heading ${heading}: off by ${off.toFixed(2)} m`);
      }
    }
  }
  const { front, rear } = wheelsOnRoad(boxOf(testCamera, 0, 25, Math.PI / 2), { x: 0, y: -1 }, 'car', built.plane);
  const base = (built.plane.toRoad(front)?.y ?? 0) - (built.plane.toRoad(rear)?.y ?? 0);
  t.true(Math.abs(base - 2.7) < 0.05, `${base}`);
  return t.pass();
});

test('a box at the border is cut', (t) => {
  const picture = { width: 640, height: 360 };
  t.true(isCut({ x: 100, y: 300, width: 50, height: 60 }, picture));
  t.true(isCut({ x: 0, y: 100, width: 50, height: 60 }, picture));
  t.false(isCut({ x: 100, y: 100, width: 50, height: 60 }, picture));
});
