import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import type { Picture } from '../capture/frame.ts';
import { pictureBytes } from '../capture/frame.ts';
import { type Region, Sampler } from './sample.ts';

type Rgb = readonly [number, number, number];

function rgb(width: number, height: number, at: (x: number, y: number) => Rgb): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) data.set(at(x, y), (y * width + x) * 3);
  return { format: 'rgb24', width, height, data };
}

/** A yuv420p picture of one colour per 2x2 block. */
function yuv(width: number, height: number, range: 'limited' | 'full', at: (x: number, y: number) => Rgb): Picture {
  const data = new Uint8Array(pictureBytes('yuv420p', width, height));
  const chromaWidth = Math.ceil(width / 2);
  const chroma = chromaWidth * Math.ceil(height / 2);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [luma, u, v] = at(x, y);
      data[y * width + x] = luma;
      data[width * height + (y >> 1) * chromaWidth + (x >> 1)] = u;
      data[width * height + chroma + (y >> 1) * chromaWidth + (x >> 1)] = v;
    }
  }
  return { format: 'yuv420p', width, height, data, range };
}

function sampled(picture: Picture, region: Region, size: number, fit: 'stretch' | 'letterbox' = 'stretch') {
  // Filled with what no test expects, so that a pixel that is never written shows.
  const out = new Uint8Array(size * size * 3).fill(77);
  const sampler = new Sampler(picture, region, size, fit);
  sampler.sample(picture, out);
  const at = (x: number, y: number): Rgb =>
    [...out.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)] as unknown as Rgb;
  return { out, at, inset: sampler.inset };
}

const whole = ({ width, height }: Picture): Region => ({ x: 0, y: 0, width, height });
const near = (a: Rgb, b: Rgb, tolerance: number) => a.every((value, i) => Math.abs(value - b[i]!) <= tolerance);

test('at scale 1 the pixels are those of the region, bit for bit', (t) => {
  const picture = rgb(40, 30, (x, y) => [x * 5, y * 7, (x * y) & 255]);
  for (const [x, y] of [
    [0, 0],
    [7, 3],
    [24, 14],
  ] as const) {
    const { at } = sampled(picture, { x, y, width: 16, height: 16 }, 16);
    for (let j = 0; j < 16; j += 1)
      for (let i = 0; i < 16; i += 1) t.deepEqual(at(i, j), [(x + i) * 5, (y + j) * 7, ((x + i) * (y + j)) & 255]);
  }
});

test('at scale 1 the light of yuv420p stays where it is', (t) => {
  const picture = yuv(16, 16, 'full', (x, y) => [x * 10 + y, 128, 128]);
  const { at } = sampled(picture, whole(picture), 16);
  for (let y = 0; y < 16; y += 1)
    for (let x = 0; x < 16; x += 1) t.deepEqual(at(x, y), [x * 10 + y, x * 10 + y, x * 10 + y]);
});

test('colours of yuv420p, by the figures of BT.601', (t) => {
  // 8-bit codes of 100 % bars: ITU-R BT.601-7 with the coefficients 0.299, 0.587, 0.114, in both ranges.
  const bars: ['limited' | 'full', Rgb, Rgb][] = [
    ['limited', [16, 128, 128], [0, 0, 0]],
    ['limited', [235, 128, 128], [255, 255, 255]],
    ['limited', [126, 128, 128], [128, 128, 128]],
    ['limited', [81, 90, 240], [255, 0, 0]],
    ['limited', [145, 54, 34], [0, 255, 0]],
    ['limited', [41, 240, 110], [0, 0, 255]],
    ['full', [0, 128, 128], [0, 0, 0]],
    ['full', [255, 128, 128], [255, 255, 255]],
    ['full', [76, 85, 255], [255, 0, 0]],
    ['full', [150, 44, 21], [0, 255, 0]],
    ['full', [29, 255, 107], [0, 0, 255]],
    // Beyond black and white: saturates, never wraps around.
    ['limited', [0, 128, 128], [0, 0, 0]],
    ['limited', [255, 128, 128], [255, 255, 255]],
    ['full', [255, 255, 255], [255, 121, 255]],
  ];
  for (const [range, code, colour] of bars) {
    const picture = yuv(22, 18, range, () => code);
    for (const size of [9, 18, 40]) {
      const { out, at } = sampled(picture, whole(picture), size);
      t.true(near(at(0, 0), colour, 2), `${range} ${code}: ${at(0, 0)}, not ${colour}`);
      for (let i = 0; i < out.length; i += 3) t.deepEqual([...out.subarray(i, i + 3)], [...at(0, 0)]);
    }
  }
});

test('planes of an odd size are read where they lie', (t) => {
  const picture = yuv(7, 5, 'full', (x, y) => (x >= 4 ? [76, 85, 255] : y >= 2 ? [29, 255, 107] : [150, 44, 21]));
  const { at } = sampled(picture, { x: 0, y: 0, width: 5, height: 5 }, 5);
  t.true(near(at(4, 4), [255, 0, 0], 2), `${at(4, 4)}`);
  t.true(near(at(4, 0), [255, 0, 0], 2));
  t.true(near(at(0, 0), [0, 255, 0], 2));
  t.true(near(at(0, 4), [0, 0, 255], 2), `${at(0, 4)}`);
});

test('a letterbox keeps the aspect, stands in the middle, and is grey outside', (t) => {
  const red = rgb(80, 40, () => [250, 10, 20]);
  for (const [region, inset] of [
    [
      { x: 0, y: 0, width: 80, height: 40 },
      { x: 0, y: 15, width: 60, height: 30 },
    ],
    [
      { x: 10, y: 0, width: 20, height: 40 },
      { x: 15, y: 0, width: 30, height: 60 },
    ],
    [
      { x: 0, y: 0, width: 40, height: 40 },
      { x: 0, y: 0, width: 60, height: 60 },
    ],
    [
      { x: 0, y: 0, width: 80, height: 27 },
      { x: 0, y: 20, width: 60, height: 20 },
    ],
  ] as const) {
    const got = sampled(red, region, 60, 'letterbox');
    t.deepEqual(got.inset, inset);
    for (let y = 0; y < 60; y += 1) {
      for (let x = 0; x < 60; x += 1) {
        const inside = x >= inset.x && x < inset.x + inset.width && y >= inset.y && y < inset.y + inset.height;
        t.deepEqual(got.at(x, y), inside ? [250, 10, 20] : [128, 128, 128]);
      }
    }
  }
});

test('one sampler, many pictures: nothing of the one before is left', (t) => {
  const sampler = new Sampler({ width: 20, height: 10 }, { x: 0, y: 0, width: 20, height: 10 }, 12, 'letterbox');
  const out = new Uint8Array(12 * 12 * 3);
  sampler.sample(
    rgb(20, 10, () => [1, 2, 3]),
    out,
  );
  const other = rgb(20, 10, (x) => [x * 3, 200, 100]);
  sampler.sample(other, out);
  t.deepEqual(out, sampled(other, whole(other), 12, 'letterbox').out);
});

test('a region shows what stands in it, and nothing from beside it', (t) => {
  const region = { x: 30, y: 20, width: 24, height: 16 };
  const inside = (x: number, y: number) => x >= 30 && x < 54 && y >= 20 && y < 36;
  const at = (x: number, y: number): Rgb => (inside(x, y) ? [90, 180, 30] : [255, 0, 255]);
  for (const size of [8, 12]) {
    const { out } = sampled(rgb(100, 60, at), region, size);
    for (let i = 0; i < out.length; i += 3) t.deepEqual([...out.subarray(i, i + 3)], [90, 180, 30]);
  }
});

test('shrinking and growing keep a smooth picture where sharp keeps it', async (t) => {
  const wave = (x: number, y: number): Rgb => [
    128 + 100 * Math.sin(x / 40) * Math.cos(y / 50),
    128 + 100 * Math.sin((x + y) / 60),
    40 + (x * 160) / 320 + (y * 40) / 180,
  ];
  const picture = rgb(320, 180, (x, y) => wave(x, y).map(Math.round) as unknown as Rgb);
  for (const [region, size] of [
    [{ x: 0, y: 0, width: 320, height: 180 }, 100],
    [{ x: 0, y: 0, width: 320, height: 180 }, 300],
    [{ x: 40, y: 20, width: 150, height: 150 }, 75],
    [{ x: 160, y: 90, width: 64, height: 64 }, 256],
  ] as const) {
    const { out } = sampled(picture, region, size);
    const expected = await sharp(picture.data, { raw: { width: 320, height: 180, channels: 3 } })
      .extract({ left: region.x, top: region.y, width: region.width, height: region.height })
      .resize(size, size, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    let worst = 0;
    for (let i = 0; i < out.length; i += 1) worst = Math.max(worst, Math.abs(out[i]! - expected[i]!));
    t.true(worst <= 4, `${JSON.stringify(region)} to ${size}: ${worst}`);
  }
});

test('no pixel is brighter or darker than what the region holds; a mirrored picture gives the mirrored input', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer(),
      (width, height, size, seed) => {
        const value = (x: number, y: number) => (Math.imul(seed ^ (x * 7919 + y * 104729), 2654435761) >>> 24) & 255;
        const picture = rgb(width, height, (x, y) => [value(x, y), value(x, y), value(x, y)]);
        const { out, at } = sampled(picture, whole(picture), size);
        const [least, most] = [Math.min(...picture.data), Math.max(...picture.data)];
        t.true(out.every((level) => level >= least && level <= most));
        const mirrored = sampled(
          rgb(width, height, (x, y) => [value(width - 1 - x, y), 0, 0]),
          whole(picture),
          size,
        );
        // Where the output pixel's middle falls between two source pixels, the sides may differ; the middle of odd scales may not.
        if (width % size === 0 && (width / size) % 2 === 1) {
          for (let x = 0; x < size; x += 1) t.true(Math.abs(mirrored.at(size - 1 - x, 0)[0] - at(x, 0)[0]) <= 1);
        }
      },
    ),
    { numRuns: 300 },
  );
});
