import test from 'ava';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import type { VehicleCrop } from './plate-reader.ts';
import { checkSight, plainCrop } from './testing/check-plate-reader.ts';
import { oneLine } from './testing/made-formats.ts';
import { openedCropReader } from './testing/opened-crop-reader.ts';

/** `PLATE_FUZZ` says how many crops; 150 unless told. */

test.serial('random crops: an answer each, no plate invented, and no memory kept', async (t) => {
  t.timeout(1_800_000);
  const { PLATE_FUZZ = '150' } = process.env;
  const count = Number(PLATE_FUZZ);
  const reader = await openedCropReader(t, oneLine);
  const random = seededRandom(11);
  // What the library keeps for its largest input is taken before the count begins.
  for (const side of [300, 299, 1]) await reader.read(plainCrop(side, side));
  let before = 0;
  for (let i = 0; i < count; i += 1) {
    const sight = await reader.read(randomCrop(random));
    checkSight(t, sight);
    t.is(sight.read, undefined);
    if (i === Math.min(50, count >> 1)) before = process.memoryUsage().rss;
  }
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  t.log(`${count} crops; ${grown.toFixed(0)} MB more at the end than after the first ones`);
  t.true(grown < 150, `${grown} MB`);
});

/** Noise of several grains, stripes and blocks, in sizes from a pixel to some hundred. */
function randomCrop(random: () => number): VehicleCrop {
  const side = () => 1 + Math.floor(300 * random() ** 2);
  const crop = plainCrop(side(), side(), Math.floor(random() * 256));
  const { width, height, data } = crop.pixels;
  const grain = 1 + Math.floor(random() * 12);
  const across = Math.ceil(width / grain);
  const values = Array.from({ length: across * Math.ceil(height / grain) * 3 }, () => random() * 256);
  const [striped, depth] = [random() < 0.3, random()];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width * 3; x += 1) {
      const cell = (Math.floor(y / grain) * (striped ? 0 : across) + Math.floor(x / 3 / grain)) * 3 + (x % 3);
      data[y * width * 3 + x] = 128 + depth * ((values[cell] ?? 0) - 128);
    }
  }
  return crop;
}
