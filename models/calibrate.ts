import { loadSource } from './bundles/load-source.ts';
import { leastSquaresRange } from './calibration/histogram.ts';
import { observe } from './calibration/observe.ts';
import type { CalibrationTable } from './calibration/table.ts';
import { readFrames, views } from './frames/read-frames.ts';
import { quantisedLayers } from './onnx/write-quantised.ts';
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
  const histograms = await observe(detector, frames);
  const ranges = quantisedLayers(detector).map((layer): [string, [number, number]] => {
    const [low, high] = leastSquaresRange(histograms.get(layer.name)!);
    return [layer.name, [rounded(low), rounded(high)]];
  });
  const { package: name, version, integrity } = recipe.source;
  return {
    schema: 'atalaya.calibration/1',
    model: recipe.id,
    source: { package: name, version, integrity },
    provenance: { footage, frames: frames.length, method },
    ranges: Object.fromEntries(ranges),
  };
}

/** Four decimals are far finer than any step: a table that people can compare. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
