import test from 'ava';
import fc from 'fast-check';
import type { Quad } from '../plate-reader.ts';
import { rectify } from './rectify.ts';

const width = 60;
const height = 40;
/** Red grows to the right, green downwards. */
const picture = {
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    return i % 3 === 0 ? (at % width) * 4 : i % 3 === 1 ? Math.floor(at / width) * 6 : 7;
  }),
};

test('the whole picture at its own size is the picture', (t) => {
  const whole: Quad = [
    { x: 0, y: 0 },
    { x: width, y: 0 },
    { x: width, y: height },
    { x: 0, y: height },
  ];
  t.deepEqual(rectify(picture, whole, width, height), picture.data);
});

test('corners come out at the corners, and straight lines stay straight, in perspective', (t) => {
  const quad: Quad = [
    { x: 8, y: 6 },
    { x: 50, y: 10 },
    { x: 54, y: 34 },
    { x: 5, y: 28 },
  ];
  const [w, h] = [64, 32];
  const out = rectify(picture, quad, w, h);
  const at = (x: number, y: number) => ({
    x: (out[(y * w + x) * 3] ?? 0) / 4 + 0.5,
    y: (out[(y * w + x) * 3 + 1] ?? 0) / 6 + 0.5,
  });
  for (const [i, [x, y]] of (
    [
      [0, 0],
      [w - 1, 0],
      [w - 1, h - 1],
      [0, h - 1],
    ] as const
  ).entries()) {
    const corner = quad[i];
    t.true(corner !== undefined && Math.hypot(at(x, y).x - corner.x, at(x, y).y - corner.y) < 1.6, `${i}`);
  }
  const [a, b, c] = [at(10, 10), at(30, 15), at(50, 20)];
  t.true(Math.abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)) / Math.hypot(c.x - a.x, c.y - a.y) < 0.6);
});

test('a strip may be written into a wider one', (t) => {
  const quad: Quad = [
    { x: 0, y: 0 },
    { x: 8, y: 0 },
    { x: 8, y: 4 },
    { x: 0, y: 4 },
  ];
  const wide = new Uint8Array(20 * 4 * 3);
  rectify(picture, quad, 8, 4, wide.subarray(6 * 3), 20 * 3);
  const alone = rectify(picture, quad, 8, 4);
  for (let row = 0; row < 4; row += 1)
    t.deepEqual(wide.slice((row * 20 + 6) * 3, (row * 20 + 14) * 3), alone.slice(row * 24, (row + 1) * 24));
  t.true(wide.slice(0, 18).every((value) => value === 0));
});

test('any quad gives pixels of the picture: outside it, crossed, or a single point', (t) => {
  const point = fc.record({
    x: fc.double({ min: -1e4, max: 1e4, noNaN: true }),
    y: fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  });
  fc.assert(
    fc.property(point, point, point, point, (a, b, c, d) => {
      const out = rectify(picture, [a, b, c, d], 16, 8);
      return out.every((value, i) => (i % 3 === 2 ? value === 7 : value <= 240));
    }),
  );
  t.true(
    rectify({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) }, [point0, point0, point0, point0], 8, 8).length ===
      192,
  );
});
const point0 = { x: 0, y: 0 };
