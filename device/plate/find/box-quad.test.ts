import test from 'ava';
import fc from 'fast-check';
import { contains, type Point, signedArea } from '../../scene/geometry.ts';
import {
  boundingQuad,
  centreOf,
  convexHull,
  directionOf,
  grown,
  heightOf,
  leastRectangle,
  widthOf,
} from './box-quad.ts';

/** Corners and a few points inside of a rectangle around `centre`. */
function rectangle(width: number, height: number, angle: number, centre: Point): Point[] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [-0.5, -0.1, 0.3, 0.5].flatMap((a) =>
    [-0.5, 0, 0.5].map((b) => ({
      x: centre.x + a * width * c - b * height * s,
      y: centre.y + a * width * s + b * height * c,
    })),
  );
}

test('the least rectangle of a turned rectangle is that rectangle, read from left to right', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: 30, max: 200, noNaN: true }),
      fc.double({ min: 4, max: 25, noNaN: true }),
      fc.double({ min: -1.5, max: 1.5, noNaN: true }),
      (width, height, angle) => {
        const quad = leastRectangle(rectangle(width, height, angle, { x: 300, y: 200 }));
        const direction = directionOf(quad);
        return (
          Math.abs(widthOf(quad) - width) < 1e-6 * width + 1e-6 &&
          Math.abs(heightOf(quad) - height) < 1e-6 * width + 1e-6 &&
          Math.abs(Math.atan2(direction.y, direction.x) - angle) < 1e-6 &&
          signedArea(quad) > 0 &&
          Math.hypot(centreOf(quad).x - 300, centreOf(quad).y - 200) < 1e-6
        );
      },
    ),
  );
  t.pass();
});

test('every point lies in the least rectangle and in the hull', (t) => {
  const point = fc.record({ x: fc.integer({ min: 0, max: 99 }), y: fc.integer({ min: 0, max: 99 }) });
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 60 }), (points) => {
      const quad = grown(leastRectangle(points), 1e-6, 1e-6);
      const hull = convexHull(points);
      return points.every((one) => contains(quad, one)) && hull.every((one) => points.includes(one));
    }),
  );
  t.pass();
});

test('a slanted quad has the height between its two sides', (t) => {
  const quad = boundingQuad(
    [
      { x: 0, y: 0 },
      { x: 40, y: 20 },
      { x: 40, y: 30 },
      { x: 0, y: 10 },
    ],
    { x: 2 / Math.sqrt(5), y: 1 / Math.sqrt(5) },
    { x: 0, y: 1 },
  );
  t.true(Math.abs(widthOf(quad) - Math.hypot(40, 20)) < 1e-9);
  t.true(Math.abs(heightOf(quad) - 10 * (2 / Math.sqrt(5))) < 1e-9);
});

test('a quad grows by what it is told, above and below apart', (t) => {
  const quad = grown(leastRectangle(rectangle(50, 10, 0.3, { x: 0, y: 0 })), 3, 1, 2);
  t.true(Math.abs(widthOf(quad) - 56) < 1e-9 && Math.abs(heightOf(quad) - 13) < 1e-9);
});
