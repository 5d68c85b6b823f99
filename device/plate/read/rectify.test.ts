import test from 'ava';
import fc from 'fast-check';
import type { Pixels } from '../find/scale-picture.ts';
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

/** What the strip of a parallelogram is by definition: the mean of `nx` x `ny` interpolated samples a pixel. */
function cutPlainly({ width, height, data }: Pixels, [p, right, , down]: Quad, w: number, h: number): number[] {
  const samples = (size: number) => Math.min(4, Math.max(1, Math.round(size)));
  const nx = samples(Math.hypot(right.x - p.x, right.y - p.y) / w);
  const ny = samples(Math.hypot(down.x - p.x, down.y - p.y) / h);
  const inside = (value: number, most: number) => Math.min(most, Math.max(0, value));
  const at = (x: number, y: number, channel: number) =>
    data[(inside(y, height - 1) * width + inside(x, width - 1)) * 3 + channel]!;
  return Array.from({ length: w * h * 3 }, (_, i) => {
    const [channel, column, row] = [i % 3, Math.floor(i / 3) % w, Math.floor(i / 3 / w)];
    let sum = 0;
    for (let k = 0; k < nx * ny; k += 1) {
      const u = (column + ((k % nx) + 0.5) / nx) / w;
      const v = (row + (Math.floor(k / nx) + 0.5) / ny) / h;
      const x = inside(p.x + (right.x - p.x) * u + (down.x - p.x) * v - 0.5, width - 1);
      const y = inside(p.y + (right.y - p.y) * u + (down.y - p.y) * v - 0.5, height - 1);
      const [x0, y0] = [Math.floor(x), Math.floor(y)];
      const upper = at(x0, y0, channel) * (1 - x + x0) + at(x0 + 1, y0, channel) * (x - x0);
      const lower = at(x0, y0 + 1, channel) * (1 - x + x0) + at(x0 + 1, y0 + 1, channel) * (x - x0);
      sum += upper * (1 - y + y0) + lower * (y - y0);
    }
    return sum / (nx * ny);
  });
}

test('a parallelogram is sampled as its definition says, noise and all', (t) => {
  const at = (most: number) => fc.double({ min: -10, max: most + 10, noNaN: true });
  const side = fc.double({ min: -40, max: 120, noNaN: true });
  const noise = fc.infiniteStream(fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(at(width), at(height), side, side, side, side, noise, (x, y, ax, ay, bx, by, values) => {
      const noisy = { width: 30, height: 20, data: Uint8Array.from(values.take(30 * 20 * 3)) };
      const quad: Quad = [
        { x, y },
        { x: x + ax, y: y + ay },
        { x: x + ax + bx, y: y + ay + by },
        { x: x + bx, y: y + by },
      ];
      const exact = cutPlainly(noisy, quad, 16, 8);
      return rectify(noisy, quad, 16, 8).every((value, i) => Math.abs(value - exact[i]!) <= 0.5 + 1e-6);
    }),
    { numRuns: 150 },
  );
  t.pass();
});
