import test from 'ava';
import fc from 'fast-check';
import { type Picture, pictureBytes } from './frame.ts';
import { toRgb, toRgbInBands } from './to-rgb.ts';

type Range = 'limited' | 'full';

function flat(range: Range, y: number, u: number, v: number, width = 5, height = 3): Picture {
  const data = new Uint8Array(pictureBytes('yuv420p', width, height));
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  data.fill(y, 0, width * height);
  data.fill(u, width * height, width * height + chroma);
  data.fill(v, width * height + chroma);
  return { format: 'yuv420p', width, height, range, data };
}

// The 100 % colour bars: their codes are rounded, so a colour may be off by the two levels that the rounding costs.
const bars: readonly [string, Range, [number, number, number], [number, number, number]][] = [
  ['black', 'limited', [16, 128, 128], [0, 0, 0]],
  ['white', 'limited', [235, 128, 128], [255, 255, 255]],
  ['red', 'limited', [81, 90, 240], [255, 0, 0]],
  ['green', 'limited', [145, 54, 34], [0, 255, 0]],
  ['blue', 'limited', [41, 240, 110], [0, 0, 255]],
  ['yellow', 'limited', [210, 16, 146], [255, 255, 0]],
  ['black', 'full', [0, 128, 128], [0, 0, 0]],
  ['white', 'full', [255, 128, 128], [255, 255, 255]],
  ['grey', 'full', [77, 128, 128], [77, 77, 77]],
  ['red', 'full', [76, 85, 255], [255, 0, 0]],
  ['green', 'full', [150, 44, 21], [0, 255, 0]],
  ['blue', 'full', [29, 255, 107], [0, 0, 255]],
];

for (const [name, range, [y, u, v], colour] of bars) {
  test(`${name} in the ${range} range`, (t) => {
    const { data } = toRgb(flat(range, y, u, v));
    t.is(data.byteLength, 5 * 3 * 3);
    for (let i = 0; i < data.byteLength; i += 1) {
      const off = Math.abs((data[i] as number) - (colour[i % 3] as number));
      t.true(off <= 2, `byte ${i}: ${data[i]} for ${colour[i % 3]}`);
    }
  });
}

test('every code gives the real-number result of BT.601, rounded, to within one level', (t) => {
  const code = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(code, code, code, fc.constantFrom<Range>('limited', 'full'), (y, u, v, range) => {
      const [low, ys, cs] = range === 'full' ? [0, 1, 1] : [16, 255 / 219, 255 / 224];
      const exact = [
        (y - low) * ys + 1.402 * cs * (v - 128),
        (y - low) * ys - ((0.299 * 1.402 * (v - 128) + 0.114 * 1.772 * (u - 128)) / 0.587) * cs,
        (y - low) * ys + 1.772 * cs * (u - 128),
      ].map((value) => Math.min(255, Math.max(0, value)));
      const { data } = toRgb(flat(range, y, u, v, 1, 1));
      return exact.every((value, i) => Math.abs(value - (data[i] as number)) <= 0.51);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('each colour sample serves its own two by two pixels, odd sizes included', (t) => {
  const width = 3;
  const height = 3;
  const data = new Uint8Array(pictureBytes('yuv420p', width, height)).fill(128);
  data.set([128, 228, 28, 128], width * height + 4);
  const rgb = toRgb({ format: 'yuv420p', width, height, range: 'full', data }).data;
  const red = Array.from({ length: 9 }, (_, i) => rgb[i * 3]);
  t.deepEqual(red, [128, 128, 255, 128, 128, 255, 0, 0, 128]);
});

test('in bands the result is the same, and it pauses between them', async (t) => {
  const width = 7;
  const height = 9;
  const data = Uint8Array.from({ length: pictureBytes('yuv420p', width, height) }, (_, i) => (i * 37) % 256);
  const picture: Picture = { format: 'yuv420p', width, height, range: 'limited', data };
  let pauses = 0;
  const banded = await toRgbInBands(picture, 4, async () => {
    pauses += 1;
  });
  t.deepEqual(banded.data, toRgb(picture).data);
  t.is(pauses, 2);
});

test('RGB passes through untouched, a target of the wrong size is refused', (t) => {
  const rgb: Picture = { format: 'rgb24', width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
  t.is(toRgb(rgb), rgb);
  t.throws(() => toRgb(flat('full', 0, 0, 0), new Uint8Array(4)), { instanceOf: RangeError });
});
