import { loadBundleFor } from '../../models/contract/bundle.ts';
import { bundleFolder } from '../../models/contract/places.ts';
import { defaultConfig } from '../config/load-config.ts';
import { CropReader, readDefaults } from '../plate/crop-reader.ts';
import { openStripReader, openTextFinder } from '../plate/engine/onnxruntime-plate-engine.ts';
import type { PlateFormat } from '../plate/formats/plate-format.ts';
import type { VehicleCrop } from '../plate/plate-reader.ts';
import type { Figure } from './figure.ts';
import { openPublished } from './published-networks.ts';

const THREADS = 2;
/** Times that each crop is read by each; the first does not count, it pays for what is made once. */
const ROUNDS = 3;

interface Contestant {
  readonly name: string;
  readonly reader: CropReader;
  readonly times: number[];
}

/**
 * Time for one vehicle crop, all of our own code included, on 2 threads: what a unit runs; the same networks all in float32; and the float
 * pair as its authors publish it. Crop by crop side by side, so that whatever else the machine does falls on all three.
 */
export async function plateTimes(
  name: string,
  crops: readonly VehicleCrop[],
  formats: readonly PlateFormat[],
): Promise<readonly Figure[]> {
  await using open = new AsyncDisposableStack();
  const { plates } = defaultConfig();
  const ours = async (precision?: 'float'): Promise<CropReader> => {
    const folder = (bundle: string) =>
      bundleFolder(precision === undefined ? bundle : bundle.replace(/int8$/, precision));
    const options = { threads: THREADS };
    const finder = await openTextFinder(await loadBundleFor(folder(plates.finder), 'text-detection'), options);
    open.defer(() => finder.close());
    const readers = [];
    for (const bundle of plates.readers) {
      const reader = await openStripReader(await loadBundleFor(folder(bundle), 'text-recognition'), options);
      open.defer(() => reader.close());
      readers.push(reader);
    }
    return new CropReader(finder, readers, formats, readDefaults);
  };
  const { finder, reader } = await openPublished(THREADS);
  open.defer(() => finder.close());
  open.defer(() => reader.close());
  const published = {
    name: 'the float pair as published',
    reader: new CropReader(finder, [reader], formats, readDefaults),
    times: [],
  };
  const contestants: readonly Contestant[] = [
    published,
    { name: 'our networks in float', reader: await ours('float'), times: [] },
    { name: 'as a unit runs it', reader: await ours(), times: [] },
  ];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const crop of crops) {
      for (const one of contestants) {
        const begin = performance.now();
        await one.reader.read(crop);
        if (round > 0) one.times.push(performance.now() - begin);
      }
    }
  }
  const slow = median(published.times);
  return contestants.flatMap((one) => [
    {
      section: 'plates',
      name: `${name}, a crop, ${one.name}, median`,
      value: median(one.times),
      unit: 'ms',
      ...(one.times === published.times
        ? {}
        : { ratio: `${(slow / median(one.times)).toFixed(2)} times as fast as the published pair, at least 2` }),
    },
    { section: 'plates', name: `${name}, a crop, ${one.name}, worst`, value: Math.max(...one.times), unit: 'ms' },
  ]);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
