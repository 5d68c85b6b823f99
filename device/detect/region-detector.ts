import type { Picture } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type Fraction, fraction } from '../kernel/units.ts';
import { decodeSsd, type SsdCoding } from './decode-ssd.ts';
import { type Detection, type ObjectClass, objectClasses } from './detection.ts';
import type { InferenceEngine } from './inference-engine.ts';
import { mergeRegions } from './merge-regions.ts';
import { automaticRegions } from './regions.ts';
import { type Fit, type Region, Sampler } from './sample.ts';
import { suppress } from './suppress.ts';

export interface DetectionSettings {
  /** Regions in pixels of the full picture, or `auto`: the whole picture and, where it is wide, two squares. */
  readonly regions: readonly Region[] | 'auto';
  readonly fit: Fit;
  /** Detections below are dropped; the tracker wants the doubtful ones too. */
  readonly leastScore: Fraction;
  /** Share of overlap (IoU) above which two boxes of one class are one object. */
  readonly overlap: Fraction;
}

export const detectionDefaults: DetectionSettings = {
  regions: 'auto',
  fit: 'stretch',
  leastScore: fraction(0.2),
  overlap: fraction(0.55),
};

/**
 * Finds objects in a picture: regions are sampled, inferred, decoded and merged, on the calling thread. One picture at a time.
 *
 * Throws `bundle-input-unknown` where the network's input is no square, and what the engine throws.
 */
export class RegionDetector {
  readonly #engine: InferenceEngine;
  readonly #coding: SsdCoding;
  readonly #settings: DetectionSettings;
  readonly #input: Uint8Array;
  #plan: { readonly key: string; readonly regions: readonly { region: Region; sampler: Sampler }[] } | undefined;

  constructor(engine: InferenceEngine, coding: SsdCoding, settings: DetectionSettings) {
    this.#engine = engine;
    this.#coding = coding;
    this.#settings = settings;
    this.#input = new Uint8Array(engine.input.width * engine.input.height * 3);
  }

  async detect(picture: Picture): Promise<Detection[]> {
    const seen = [];
    for (const { region, sampler } of this.#planFor(picture)) {
      sampler.sample(picture, this.#input);
      const raw = await this.#engine.infer(this.#input);
      const candidates = suppress(decodeSsd(raw, this.#coding, this.#settings.leastScore), this.#settings.overlap);
      const detections: Detection[] = [];
      for (const { box, score, className } of candidates) {
        const name = objectClass(className);
        if (name === undefined) continue;
        const placed = place(box, sampler.inset, this.#engine.input, region, picture);
        if (placed !== undefined) detections.push({ box: placed, class: name, score });
      }
      seen.push({ region, detections });
    }
    return mergeRegions(seen, picture, this.#settings.overlap);
  }

  #planFor(picture: Picture): readonly { region: Region; sampler: Sampler }[] {
    const key = `${picture.width}x${picture.height}`;
    if (this.#plan?.key === key) return this.#plan.regions;
    const { name, input } = this.#engine;
    if (input.width !== input.height) {
      throw new AtalayaError(
        'bundle-input-unknown',
        `${name} takes ${input.width}x${input.height}; only squares can be fed`,
      );
    }
    const { regions, fit } = this.#settings;
    const wanted = regions === 'auto' ? automaticRegions(picture.width, picture.height) : regions;
    const plan = wanted.map((region) => ({
      region,
      sampler: new Sampler(picture, region, this.#engine.input.width, fit),
    }));
    this.#plan = { key, regions: plan };
    return plan;
  }
}

function objectClass(name: string): ObjectClass | undefined {
  return objectClasses.find((known) => known === name);
}

/** From unit coordinates of the input to pixels of the picture, clipped to it; undefined where nothing is left. */
function place(
  box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  inset: Region,
  input: { readonly width: number; readonly height: number },
  region: Region,
  picture: Picture,
): Detection['box'] | undefined {
  const toX = (unit: number) => region.x + ((unit * input.width - inset.x) / inset.width) * region.width;
  const toY = (unit: number) => region.y + ((unit * input.height - inset.y) / inset.height) * region.height;
  const left = Math.max(0, toX(box.left));
  const top = Math.max(0, toY(box.top));
  const width = Math.min(picture.width, toX(box.right)) - left;
  const height = Math.min(picture.height, toY(box.bottom)) - top;
  return width >= 1 && height >= 1 ? { x: left, y: top, width, height } : undefined;
}
