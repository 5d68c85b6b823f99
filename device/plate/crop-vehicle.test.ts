import test from 'ava';
import fc from 'fast-check';
import type { Picture } from '../capture/frame.ts';
import { pictureBytes } from '../capture/frame.ts';
import { cropVehicle } from './crop-vehicle.ts';

function rgb(width: number, height: number): Picture {
  const data = new Uint8Array(new SharedArrayBuffer(width * height * 3));
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) data.set([x & 255, y & 255, (x >> 8) * 16 + (y >> 8)], (y * width + x) * 3);
  return { format: 'rgb24', width, height, data };
}

const number = fc.double({ min: -300, max: 900, noNaN: true });
const box = fc.record({
  x: number,
  y: number,
  width: fc.double({ min: 0.1, max: 900, noNaN: true }),
  height: number.map(Math.abs),
});

test('the crop is the part of the picture that it says it is, with a margin and inside the picture', (t) => {
  const picture = rgb(321, 203);
  fc.assert(
    fc.property(box, (vehicle) => {
      const crop = cropVehicle(picture, vehicle, []);
      const visible =
        Math.min(vehicle.x + vehicle.width, 321) > Math.max(vehicle.x, 0) &&
        Math.min(vehicle.y + vehicle.height, 203) > Math.max(vehicle.y, 0);
      if (crop === undefined) return !visible;
      const { pixels, origin } = crop;
      if (origin.x < 0 || origin.y < 0 || origin.x + pixels.width > 321 || origin.y + pixels.height > 203) return false;
      if (origin.x > Math.max(0, vehicle.x) || origin.y > Math.max(0, vehicle.y)) return false;
      if (origin.x + pixels.width < Math.min(321, vehicle.x + vehicle.width)) return false;
      for (const [x, y] of [
        [0, 0],
        [pixels.width - 1, pixels.height - 1],
        [pixels.width >> 1, pixels.height >> 1],
      ] as const) {
        const at = (y * pixels.width + x) * 3;
        if (pixels.data[at] !== ((x + origin.x) & 255) || pixels.data[at + 1] !== ((y + origin.y) & 255)) return false;
      }
      return visible;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('the pixels are its own', (t) => {
  const picture = rgb(64, 64);
  const crop = cropVehicle(picture, { x: 10, y: 10, width: 20, height: 20 }, []);
  t.not(crop?.pixels.data.buffer, picture.data.buffer);
  const before = crop?.pixels.data.slice();
  picture.data.fill(9);
  t.deepEqual(crop?.pixels.data.slice(), before);
});

test('nothing of the vehicle inside, no place or no size: no crop', (t) => {
  const picture = rgb(64, 64);
  for (const vehicle of [
    { x: 64, y: 0, width: 10, height: 10 },
    { x: -10, y: 0, width: 10, height: 10 },
    { x: 0, y: 70, width: 10, height: 10 },
    { x: 5, y: 5, width: 0, height: 10 },
    { x: Number.NaN, y: 5, width: 3, height: 10 },
    { x: 5, y: 5, width: Number.POSITIVE_INFINITY, height: 10 },
  ])
    t.is(cropVehicle(picture, vehicle, []), undefined);
});

test('yuv420p: the light of every pixel, odd sizes and both ranges', (t) => {
  for (const range of ['full', 'limited'] as const) {
    const [width, height] = [37, 21];
    const data = new Uint8Array(new SharedArrayBuffer(pictureBytes('yuv420p', width, height))).fill(128);
    for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) data[y * width + x] = 16 + x * 3 + y * 5;
    const crop = cropVehicle(
      { format: 'yuv420p', range, width, height, data },
      { x: 5, y: 3, width: 40, height: 9 },
      [],
    );
    t.truthy(crop);
    if (crop === undefined) return;
    const { pixels, origin } = crop;
    t.is(origin.x + pixels.width, width);
    for (const [x, y] of [
      [0, 0],
      [pixels.width - 1, pixels.height - 1],
    ] as const) {
      const level = 16 + (x + origin.x) * 3 + (y + origin.y) * 5;
      const wanted = range === 'full' ? level : ((level - 16) * 255) / 219;
      const at = (y * pixels.width + x) * 3;
      for (let channel = 0; channel < 3; channel += 1)
        t.true(Math.abs((pixels.data[at + channel] ?? 0) - Math.min(255, wanted)) <= 1, `${range} ${x},${y}`);
    }
  }
});

test('yuv420p: red is red', (t) => {
  const data = new Uint8Array(new SharedArrayBuffer(pictureBytes('yuv420p', 8, 8)));
  // ITU-R BT.601-7, 2.5: full red is Y 76, Cb 85, Cr 255 in full range.
  data.fill(76, 0, 64).fill(85, 64, 80).fill(255, 80, 96);
  const crop = cropVehicle(
    { format: 'yuv420p', range: 'full', width: 8, height: 8, data },
    { x: 0, y: 0, width: 8, height: 8 },
    [],
  );
  const [red = 0, green = 0, blue = 0] = crop?.pixels.data ?? [];
  t.true(red >= 253 && green <= 2 && blue <= 2, `${red} ${green} ${blue}`);
});

test('other vehicles are kept where the crop shows a part of them', (t) => {
  const near = { x: 30, y: 30, width: 20, height: 20 };
  const far = { x: 200, y: 30, width: 20, height: 20 };
  const crop = cropVehicle(rgb(256, 64), { x: 10, y: 10, width: 40, height: 40 }, [near, far]);
  t.deepEqual(crop?.others, [near]);
});
