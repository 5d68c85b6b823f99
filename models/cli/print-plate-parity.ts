import { intersectionOverUnion } from '../../device/detect/unit-box.ts';
import { type ObservedPicture, openGraph } from '../calibration/observe.ts';
import { loadBundleFor } from '../contract/bundle.ts';
import { plateFolder } from '../contract/places.ts';
import { type Found, recovery, share } from '../parity/compare.ts';
import { bestColumns, greedyText, type Region, regionsOf } from '../parity/regions.ts';
import { type PlateRequest, platePictures, type Vehicle } from './plate-pictures.ts';

export interface PlateParityRequest extends PlateRequest {
  readonly print: (line: string) => void;
}

/** What int8 must reach: shares of plates found again and of steps that say the same. */
const least = { plates: 0.97, steps: 0.97 } as const;
const bounds = { threshold: 0.3, fewest: 12 } as const;
/** A region that is sure at one pixel must be found again as one that is above the threshold. */
const sure = { wanted: 0.6, accepted: bounds.threshold, overlap: 0.5 } as const;

/** Prints how the int8 networks differ from the float ones; true where they are close enough. No text of footage is printed or read. */
export async function printPlateParity({ print, ...request }: PlateParityRequest): Promise<boolean> {
  const { vehicles, lines } = await platePictures(request);
  print(`${vehicles.length} vehicles, ${lines.length} lines`);
  const isFinderClose = await compareFinders(request.bundles, vehicles, print);
  const isReaderClose = await compareReaders(request.bundles, lines, print);
  return isFinderClose && isReaderClose;
}

async function compareFinders(bundles: string, vehicles: readonly Vehicle[], print: (line: string) => void) {
  const [float, int8] = await runBoth('text-detection', 'plate-finder-ppocr-v4', bundles, vehicles);
  const regions = (maps: readonly Float32Array[], isOnPlate: boolean) =>
    maps.map((map, i): Found[] => {
      const vehicle = vehicles[i]!;
      return regionsOf(map, vehicle.width, bounds)
        .filter((region) => lies(region, vehicle) === isOnPlate)
        .map((box) => ({ className: 'text', score: box.peak, box }));
    });
  print(`probability: ${meanDifference(float, int8).toExponential(1)} apart on average`);
  const shares = [true, false].map((isOnPlate) => {
    const [a, b] = [regions(float, isOnPlate), regions(int8, isOnPlate)];
    const there = recovery(a, b, intersectionOverUnion, sure);
    const back = recovery(b, a, intersectionOverUnion, sure);
    const what = isOnPlate ? 'on drawn plates' : 'elsewhere on the vehicle';
    print(`regions ${what}: float found again by int8 ${there.recovered} of ${there.wanted}`);
    print(`regions ${what}: int8 found again by float ${back.recovered} of ${back.wanted}`);
    return Math.min(share(there), share(back));
  });
  return (shares[0] ?? 0) >= least.plates;
}

/** True where the region's middle lies on the drawn plate. */
function lies({ left, right, top, bottom }: Region, { plate }: Vehicle): boolean {
  if (plate === undefined) return false;
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return x >= plate.left && x <= plate.left + plate.width && y >= plate.top && y <= plate.top + plate.height;
}

async function compareReaders(bundles: string, pictures: readonly ObservedPicture[], print: (line: string) => void) {
  const { manifest } = await loadBundleFor(plateFolder('plate-reader-ppocr-v4', 'float', bundles), 'text-recognition');
  const { alphabet } = manifest;
  const [float, int8] = await runBoth('text-recognition', 'plate-reader-ppocr-v4', bundles, pictures);
  let [steps, same, texts] = [0, 0, 0];
  for (const [i, logits] of float.entries()) {
    const best = bestColumns(logits, alphabet.length + 1);
    const other = bestColumns(int8[i]!, alphabet.length + 1);
    steps += best.length;
    same += best.filter((column, step) => column === other[step]).length;
    if (greedyText(logits, alphabet) === greedyText(int8[i]!, alphabet)) texts += 1;
  }
  print(`logits: ${meanDifference(float, int8).toFixed(2)} apart on average`);
  print(`steps with the same best column: ${same} of ${steps}; lines with the same text: ${texts} of ${float.length}`);
  return same / steps >= least.steps;
}

async function runBoth(
  task: 'text-detection' | 'text-recognition',
  model: Parameters<typeof plateFolder>[0],
  bundles: string,
  pictures: readonly ObservedPicture[],
): Promise<[float: Float32Array[], int8: Float32Array[]]> {
  const run = async (variant: 'float' | 'int8') => {
    const bundle = await loadBundleFor(plateFolder(model, variant, bundles), task);
    const graph = await openGraph(await bundle.read(bundle.manifest.graph));
    try {
      const outputs: Float32Array[] = [];
      for (const picture of pictures) outputs.push(await graph.infer(picture));
      return outputs;
    } finally {
      await graph.close();
    }
  };
  return [await run('float'), await run('int8')];
}

function meanDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  let [sum, count] = [0, 0];
  for (const [i, values] of a.entries()) {
    for (const [at, value] of values.entries()) sum += Math.abs(value - b[i]![at]!);
    count += values.length;
  }
  return count === 0 ? 0 : sum / count;
}
