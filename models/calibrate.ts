import { loadNetwork } from './bundles/load-network.ts';
import { loadSource } from './bundles/load-source.ts';
import { leastSquaresRange } from './calibration/histogram.ts';
import { type ObservedPicture, observe } from './calibration/observe.ts';
import type { CalibrationTable } from './calibration/table.ts';
import { readFrames, views } from './frames/read-frames.ts';
import { writeFloat } from './onnx/write-float.ts';
import { writeNetwork } from './onnx/write-network.ts';
import { quantisedLayers } from './onnx/write-quantised.ts';
import { observedTensors } from './quantise/plan.ts';
import { type NetworkRecipe, originOf } from './recipe/network-recipe.ts';
import type { Recipe } from './recipe/ssdlite-mobilenet-v2.ts';

export interface CalibrationRequest {
  readonly recipe: Recipe;
  /** Where the tarball is kept. */
  readonly cache: string;
  /** Folders of pictures, `.mjpeg` files or videos. */
  readonly sources: readonly string[];
  /** What the sources show, for the table's header. */
  readonly footage: string;
  /** Pictures taken from each source and view, evenly over it. */
  readonly framesPerView: number;
}

const method =
  'per layer the range whose 255 steps give the least mean square error (rounding inside, saturation outside)';

/**
 * Derives the calibration table from pictures: each source is seen whole and as its two end squares, as a unit's detector sees it.
 * Throws what reading frames throws.
 */
export async function calibrate(request: CalibrationRequest): Promise<CalibrationTable> {
  const { recipe, sources, footage, framesPerView } = request;
  const { detector } = await loadSource(recipe, request.cache);
  const frames: Uint8Array[] = [];
  for (const source of sources) {
    for (const view of views)
      frames.push(...(await readFrames({ source, view, size: recipe.input, count: framesPerView })));
  }
  const pictures = frames.map((data) => ({ ...recipe.input, data }));
  const names = quantisedLayers(detector).map((layer) => layer.name);
  const { package: name, version, integrity } = recipe.source;
  return {
    schema: 'atalaya.calibration/1',
    model: recipe.id,
    source: { package: name, version, integrity },
    provenance: { footage, frames: frames.length, method },
    ranges: await observeRanges(writeFloat(detector, { exposeLayers: true }), names, pictures),
  };
}

export interface NetworkCalibrationRequest {
  readonly recipe: NetworkRecipe;
  /** Where the tarball is kept. */
  readonly cache: string;
  readonly pictures: readonly ObservedPicture[];
  /** What the pictures show, for the table's header. */
  readonly footage: string;
}

/** Derives the calibration table of a network from pictures. Throws what loading the network throws. */
export async function calibrateNetwork(request: NetworkCalibrationRequest): Promise<CalibrationTable> {
  const { recipe, cache, pictures, footage } = request;
  const network = await loadNetwork(recipe, cache);
  const names = observedTensors(network, new Set(recipe.floatLayers));
  network.outputs = names.map((name) => ({ name, type: 'float32' }));
  return {
    schema: 'atalaya.calibration/1',
    model: recipe.id,
    source: originOf(recipe.source),
    provenance: { footage, frames: pictures.length, method },
    ranges: await observeRanges(writeNetwork(network), names, pictures),
  };
}

async function observeRanges(
  graph: Uint8Array,
  names: readonly string[],
  pictures: readonly ObservedPicture[],
): Promise<CalibrationTable['ranges']> {
  const histograms = await observe(graph, names, pictures);
  return Object.fromEntries(
    names.map((name): [string, [number, number]] => {
      const [low, high] = leastSquaresRange(histograms.get(name)!);
      return [name, [rounded(low), rounded(high)]];
    }),
  );
}

/** Four decimals are far finer than any step: a table that people can compare. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
