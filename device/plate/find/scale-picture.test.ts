import test from 'ava';
import fc from 'fast-check';
import { type Pixels, scalePicture } from './scale-picture.ts';
import { workingSize } from './working-size.ts';

const made = (width: number, height: number, value: (x: number, y: number, channel: number) => number) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    value(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
  ),
});

test('at its own size a picture stays as it is, bit for bit', (t) => {
  const picture = made(17, 11, (x, y, channel) => (x * 37 + y * 11 + channel * 90) & 255);
  t.deepEqual(scalePicture(picture, 17, 11), picture.data);
});

test('a plain picture stays plain at any size, and nothing gets brighter or darker than it was', (t) => {
  const side = fc.integer({ min: 1, max: 70 });
  fc.assert(
    fc.property(side, side, side, side, (w, h, width, height) => {
      const plain = scalePicture(
        made(w, h, (_x, _y, channel) => 40 + 60 * channel),
        width,
        height,
      );
      const striped = scalePicture(
        made(w, h, (x) => (x % 2 === 0 ? 50 : 200)),
        width,
        height,
      );
      return (
        plain.every((value, i) => value === 40 + 60 * (i % 3)) && striped.every((value) => value >= 50 && value <= 200)
      );
    }),
  );
  t.pass();
});

test('shrinking averages: stripes of one pixel become their mean, not one of them', (t) => {
  const out = scalePicture(
    made(120, 30, (x) => (x % 2 === 0 ? 0 : 200)),
    30,
    30,
  );
  t.true(out.slice(30, 60).every((value) => Math.abs(value - 100) <= 26));
});

test('sizes are multiples of 32, keep the aspect nearly, and enlarge no more than told', (t) => {
  const side = fc.integer({ min: 1, max: 4000 });
  fc.assert(
    fc.property(side, side, (width, height) => {
      const size = workingSize({ width, height }, 448, 2);
      const fits = (length: number, wanted: number) => length === 32 || Math.abs(length - wanted) <= 16;
      const scale = Math.min(2, 448 / Math.max(width, height));
      return (
        size.width % 32 === 0 &&
        size.height % 32 === 0 &&
        Math.max(size.width, size.height) <= 448 &&
        fits(size.width, width * scale) &&
        fits(size.height, height * scale)
      );
    }),
  );
  t.pass();
});

/** The same triangles by their definition, each pixel for itself. */
function scaledPlainly(picture: Pixels, width: number, height: number): number[] {
  const windows = (source: number, outputs: number) =>
    Array.from({ length: outputs }, (_, i) => {
      const scale = source / outputs;
      const reach = Math.max(1, scale);
      const centre = (i + 0.5) * scale - 0.5;
      const taps = Array.from({ length: 2 * Math.ceil(reach) + 3 }, (_, k) => Math.floor(centre - reach) + k)
        .map((at) => ({ at: Math.min(source - 1, Math.max(0, at)), weight: 1 - Math.abs(at - centre) / reach }))
        .filter(({ weight }) => weight > 0);
      const sum = taps.reduce((all, { weight }) => all + weight, 0);
      return taps.map(({ at, weight }) => ({ at, weight: weight / sum }));
    });
  const columns = windows(picture.width, width);
  return windows(picture.height, height).flatMap((rows) =>
    columns.flatMap((taps) =>
      [0, 1, 2].map((channel) =>
        rows.reduce(
          (sum, row) =>
            sum +
            taps.reduce(
              (own, tap) =>
                own + row.weight * tap.weight * picture.data[(row.at * picture.width + tap.at) * 3 + channel]!,
              0,
            ),
          0,
        ),
      ),
    ),
  );
}

test('scaled by lines, whatever the number of rows and columns that a pixel weighs, a picture is what it is pixel by pixel', (t) => {
  const side = fc.integer({ min: 1, max: 24 });
  fc.assert(
    fc.property(
      side,
      side,
      side,
      side,
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      (w, h, width, height, all) => {
        const picture = { width: w, height: h, data: Uint8Array.from(all.take(w * h * 3)) };
        const exact = scaledPlainly(picture, width, height);
        return scalePicture(picture, width, height).every((value, i) => Math.abs(value - exact[i]!) <= 0.5 + 1e-3);
      },
    ),
    { numRuns: 150 },
  );
  t.pass();
});
