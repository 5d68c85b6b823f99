import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { loadBundleFor } from '../../../models/contract/bundle.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { fraction } from '../../kernel/units.ts';
import { distance } from '../../scene/geometry.ts';
import { CropReader } from '../crop-reader.ts';
import { openStripReader, openTextFinder } from '../engine/onnxruntime-plate-engine.ts';
import { centreOf, widthOf } from '../find/box-quad.ts';
import { formatFileSchema, formatsOf } from '../formats/format-file.ts';
import type { PlateFormat } from '../formats/plate-format.ts';
import { logistic, placeSignsOf, textSignsOf } from '../read/confidence.ts';
import type { Logistic, PlaceSigns, TextSigns } from '../read/signs.ts';
import { chanceDrawing } from './chance-drawing.ts';
import { drawVehicle } from './draw-vehicle.ts';

/**
 * Fits `read/calibration.ts` on drawn plates and prints it:
 * `node device/plate/testing/fit-confidence.ts VEHICLES FINDER READER...`, all but the first folders of bundles.
 */

export interface Sample<Signs> {
  readonly signs: Signs;
  readonly right: boolean;
}

export interface Samples {
  /** Readings of what was drawn, and whether the text is the one that was drawn. */
  readonly text: Sample<TextSigns>[];
  /** Readings that fit a format, and whether they stand on the plate. */
  readonly place: Sample<PlaceSigns>[];
  /** Both together: the confidence as it is now, and whether it is the plate's own text. */
  readonly whole: { readonly confidence: number; readonly right: boolean }[];
}

/** Looks at drawn vehicles, each list of formats in its turn. */
export async function samplesOf(
  readerFor: (formats: readonly PlateFormat[]) => CropReader,
  lists: readonly (readonly PlateFormat[])[],
  { count, seed, painted }: { readonly count: number; readonly seed: number; readonly painted: number },
): Promise<Samples> {
  const random = seededRandom(seed);
  const readers = lists.map((formats) => ({ formats, reader: readerFor(formats) }));
  const samples: Samples = { text: [], place: [], whole: [] };
  for (let i = 0; i < count; i += 1) {
    const { formats, reader } = readers[i % readers.length]!;
    const drawn = await drawVehicle(chanceDrawing(formats, random, painted), random);
    for (const { reading, candidate, confidence } of await reader.judge(drawn.crop)) {
      const best = reading?.best;
      if (reading === undefined || best === undefined) continue;
      const middle = centreOf(candidate.quad);
      const onPlate =
        drawn.text !== undefined && distance(middle, drawn.middle) < Math.max(8, 0.3 * widthOf(candidate.quad));
      // Paint may be more than one region.
      const right = onPlate ? best.text === drawn.text : drawn.paint.replace(/[^A-Z0-9]/g, '').includes(best.text);
      samples.text.push({ signs: textSignsOf(reading, candidate), right });
      if (reading.logProbability > -4) samples.place.push({ signs: placeSignsOf(candidate), right: onPlate });
      samples.whole.push({ confidence, right: onPlate && best.text === drawn.text });
    }
  }
  return samples;
}

/**
 * Logistic regression with weights of at least 0, by gradient descent on standardised signs with a small penalty on their squares
 * (projected: a weight that would go below 0 stays there).
 */
export function fitLogistic<Signs extends object>(samples: readonly Sample<Signs>[], rounds = 5000): Logistic<Signs> {
  const names = Object.keys(samples[0]!.signs) as (keyof Signs)[];
  const columns = names.map((name) => samples.map(({ signs }) => signs[name] as number));
  const mean = columns.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const spread = columns.map((values, k) =>
    Math.max(1e-3, Math.sqrt(values.reduce((sum, value) => sum + (value - mean[k]!) ** 2, 0) / values.length)),
  );
  const rows = samples.map((_, i) => columns.map((values, k) => (values[i]! - mean[k]!) / spread[k]!));
  const weights = names.map(() => 0.1);
  let bias = 0;
  for (let round = 0; round < rounds; round += 1) {
    const slope = weights.map((weight) => 0.002 * weight);
    let lean = 0;
    for (const [i, row] of rows.entries()) {
      const sum = row.reduce((total, value, k) => total + value * weights[k]!, bias);
      const off = 1 / (1 + Math.exp(-sum)) - (samples[i]!.right ? 1 : 0);
      lean += off / rows.length;
      for (const [k, value] of row.entries()) slope[k]! += (off * value) / rows.length;
    }
    bias -= 0.5 * lean;
    for (const k of weights.keys()) weights[k] = Math.max(0, weights[k]! - 0.5 * slope[k]!);
  }
  const own = weights.map((weight, k) => weight / spread[k]!);
  return {
    bias: bias - own.reduce((sum, weight, k) => sum + weight * mean[k]!, 0),
    weights: Object.fromEntries(names.map((name, k) => [name, own[k]])) as Logistic<Signs>['weights'],
  };
}

/** Share of right readings among those of each band of confidence. */
export function bandsOf(
  samples: readonly { readonly confidence: number; readonly right: boolean }[],
): readonly string[] {
  const edges = [0, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 1];
  return edges.slice(0, -1).map((from, i) => {
    const to = edges[i + 1]!;
    const own = samples.filter(({ confidence }) => confidence >= from && (confidence < to || to === 1));
    const right = own.filter((one) => one.right).length;
    return `${from} to ${to}: ${right} of ${own.length} right (${((100 * right) / Math.max(1, own.length)).toFixed(1)} %)`;
  });
}

async function formatsIn(country: string): Promise<readonly PlateFormat[]> {
  const file = new URL(`../formats/data/${country}.yaml`, import.meta.url);
  return formatsOf(formatFileSchema.parse(parse(await readFile(file, 'utf8'))));
}

if (import.meta.main) {
  const [count = '', finderFolder = '', ...readerFolders] = process.argv.slice(2);
  const finder = await openTextFinder(await loadBundleFor(finderFolder, 'text-detection'));
  const strips = await Promise.all(
    readerFolders.map(async (folder) => openStripReader(await loadBundleFor(folder, 'text-recognition'))),
  );
  const settings = { leastConfidence: fraction(0), leastCharacterHeight: 5 };
  const lists = await Promise.all(['united-states', 'chile', 'brazil', 'argentina'].map(formatsIn));
  const reader = (formats: readonly PlateFormat[]) => new CropReader(finder, strips, formats, settings);
  const vehicles = Number(count);
  const mixed = await samplesOf(reader, lists, { count: vehicles, seed: 1, painted: 0.1 });
  const painted = await samplesOf(reader, lists, { count: Math.round(vehicles / 3), seed: 2, painted: 1 });
  const [text, place] = [fitLogistic(mixed.text), fitLogistic([...mixed.place, ...painted.place])];
  console.log(
    JSON.stringify(
      { readings: mixed.text.length, places: mixed.place.length + painted.place.length, text, place },
      undefined,
      2,
    ),
  );
  const fresh = await samplesOf(reader, lists, { count: Math.round(vehicles / 2), seed: 3, painted: 0.1 });
  console.log(`text, ${fresh.text.length} other readings:`);
  for (const band of bandsOf(fresh.text.map(({ signs, right }) => ({ right, confidence: logistic(text, signs) }))))
    console.log(band);
  console.log(`place, ${fresh.place.length}:`);
  for (const band of bandsOf(fresh.place.map(({ signs, right }) => ({ right, confidence: logistic(place, signs) }))))
    console.log(band);
  console.log('the calibration in use, both together:');
  for (const band of bandsOf(fresh.whole)) console.log(band);
  await finder.close();
  for (const one of strips) await one.close();
}
