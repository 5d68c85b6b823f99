import type { Picture } from '../capture/frame.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Fraction } from '../kernel/units.ts';
import { decodeSsd, type SsdCoding } from './decode-ssd.ts';
import { type Detection, type ObjectClass, objectClasses } from './detection.ts';
import type { InferenceEngine } from './inference-engine.ts';
import type { RegionDetections } from './merge-regions.ts';
import { type Fit, type Region, Sampler } from './sample.ts';
import { suppress } from './suppress.ts';

/** Finds the objects of one region of a picture. The picture is read until the promise settles. */
export interface RegionView {
  view(picture: Picture, region: Region): Promise<RegionDetections>;
}

export interface ViewSettings {
  readonly fit: Fit;
  /** Detections below are dropped; the tracker wants the doubtful ones too. */
  readonly leastScore: Fraction;
  /** Share of overlap (IoU) above which two boxes of one class are one object. */
  readonly overlap: Fraction;
}

/** Samplers of regions and picture sizes that are kept; beyond this many the oldest goes. */
const SAMPLERS = 32;

/**
 * Samples, infers and decodes on the calling thread. Calls may be made without waiting for one another.
 *
 * `view` throws `bundle-input-unknown` where the network's input is no square, and what the engine throws.
 */
export class EngineView implements RegionView {
  readonly #engine: InferenceEngine;
  readonly #coding: SsdCoding;
  readonly #settings: ViewSettings;
  /** Inputs that no inference reads at the moment. */
  readonly #free: Uint8Array[] = [];
  readonly #samplers = new Map<string, Sampler>();

  constructor(engine: InferenceEngine, coding: SsdCoding, settings: ViewSettings) {
    this.#engine = engine;
    this.#coding = coding;
    this.#settings = settings;
  }

  async view(picture: Picture, region: Region): Promise<RegionDetections> {
    const { width, height } = this.#engine.input;
    if (width !== height) {
      throw new AtalayaError(
        'bundle-input-unknown',
        `${this.#engine.name} takes ${width}x${height}; only squares can be fed`,
      );
    }
    const sampler = this.#samplerFor(picture, region);
    const input = this.#free.pop() ?? new Uint8Array(width * height * 3);
    try {
      sampler.sample(picture, input);
      const raw = await this.#engine.infer(input);
      const candidates = suppress(decodeSsd(raw, this.#coding, this.#settings.leastScore), this.#settings.overlap);
      const detections: Detection[] = [];
      for (const { box, score, className } of candidates) {
        const name = objectClass(className);
        if (name === undefined) continue;
        const placed = place(box, sampler.inset, this.#engine.input, region, picture);
        if (placed !== undefined) detections.push({ box: placed, class: name, score });
      }
      return { region, detections };
    } finally {
      this.#free.push(input);
    }
  }

  #samplerFor(picture: Picture, region: Region): Sampler {
    const key = `${picture.width}x${picture.height} ${region.x},${region.y} ${region.width}x${region.height}`;
    const known = this.#samplers.get(key);
    if (known !== undefined) return known;
    const sampler = new Sampler(picture, region, this.#engine.input.width, this.#settings.fit);
    this.#samplers.set(key, sampler);
    for (const oldest of this.#samplers.keys()) {
      if (this.#samplers.size <= SAMPLERS) break;
      this.#samplers.delete(oldest);
    }
    return sampler;
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
