import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What is still held once the garbage is collected; resident memory also tells of the load on the machine.
  // Memory outside the heap is given back beside the collector, after it.
  const held = async () => {
    for (let i = 0; i < 4; i += 1) {
      collect();
      await sleep(50);
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const warm = Math.min(50, count >> 1);
  let [before, resident] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const sight = await reader.read(randomCrop(random));
    checkSight(t, sight);
    t.is(sight.read, undefined);
    if (i === warm) [before, resident] = [await held(), process.memoryUsage.rss()];
  }
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const grown = (await held()) - before;
  t.log(
    `${count} crops; ${megabytes(grown)} MB more held than after the first ${warm}, ${megabytes(process.memoryUsage.rss() - resident)} MB more resident`,
  );
  t.true(grown < 8e6, `${megabytes(grown)} MB`);
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
