import { decodeSsd, ssdCoding } from '../../device/detect/decode-ssd.ts';
import { openEngine } from '../../device/detect/engine/open-engine.ts';
import type { InferenceEngine } from '../../device/detect/inference-engine.ts';
import { suppress } from '../../device/detect/suppress.ts';
import { intersectionOverUnion } from '../../device/detect/unit-box.ts';
import { fraction } from '../../device/kernel/units.ts';
import { loadBundle } from '../contract/bundle.ts';
import { detectorFolder, type Variant } from '../contract/places.ts';
import { readFrames, views } from '../frames/read-frames.ts';
import { type Found, type Recovery, recovery, share } from '../parity/compare.ts';
import { recipe } from '../recipe/ssdlite-mobilenet-v2.ts';

/** Detections of one engine on each frame, after suppression. */
export type Detect = (frames: readonly Uint8Array[]) => Promise<Found[][]>;

/** Below what parity accepts, so that suppression sees what it would see in use. */
const lowest = fraction(0.2);
/** As the model's own pipeline has it. */
const overlap = fraction(0.6);

/** Opens one of the recipe's bundles, hands its detections to `use`, and closes the engine whatever happens. */
export async function withVariant<T>(
  bundles: string,
  variant: Variant,
  use: (detect: Detect, engine: InferenceEngine) => Promise<T>,
): Promise<T> {
  const bundle = await loadBundle(detectorFolder(variant, bundles));
  const coding = ssdCoding(bundle.manifest, bundle.anchors);
  const engine = await openEngine(bundle);
  const detect: Detect = async (frames) => {
    const found: Found[][] = [];
    for (const frame of frames) found.push(suppress(decodeSsd(await engine.infer(frame), coding, lowest), overlap));
    return found;
  };
  try {
    return await use(detect, engine);
  } finally {
    await engine.close();
  }
}

export interface ParityRequest {
  readonly bundles: string;
  readonly sources: readonly string[];
  readonly framesPerView: number;
  readonly print: (line: string) => void;
}

/** Share of the detections that must be found again, both ways. */
export const leastParity = 0.99;

/** Prints the parity of int8 and tfjs with float, both ways; true where both reach `leastParity`. */
export async function printParity({ bundles, sources, framesPerView, print }: ParityRequest): Promise<boolean> {
  const frames: Uint8Array[] = [];
  for (const source of sources) {
    for (const view of views)
      frames.push(...(await readFrames({ source, view, size: recipe.input, count: framesPerView })));
  }
  print(`${frames.length} pictures from ${sources.length} sources`);
  const float = await withVariant(bundles, 'float', (detect) => detect(frames));
  const shares: number[] = [];
  for (const variant of ['int8', 'tfjs'] as const) {
    const other = await withVariant(bundles, variant, (detect) => detect(frames));
    for (const [name, result] of [
      [`float found again by ${variant}`, recovery(float, other, intersectionOverUnion)],
      [`${variant} found again by float`, recovery(other, float, intersectionOverUnion)],
    ] as const) {
      print(`${name}: ${counts(result)}`);
      shares.push(share(result));
    }
  }
  return shares.every((value) => value >= leastParity);
}

function counts(result: Recovery): string {
  return `${result.recovered} of ${result.wanted} (${(100 * share(result)).toFixed(2)} %)`;
}
