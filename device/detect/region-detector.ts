import type { Picture } from '../capture/frame.ts';
import { fraction } from '../kernel/units.ts';
import type { Detection } from './detection.ts';
import { mergeRegions, type RegionDetections } from './merge-regions.ts';
import type { RegionView, ViewSettings } from './region-view.ts';
import { automaticRegions } from './regions.ts';
import type { Region } from './sample.ts';

export interface DetectionSettings extends ViewSettings {
  /** Regions in pixels of the full picture, or `auto`: the whole picture and, where it is wide, two squares. */
  readonly regions: readonly Region[] | 'auto';
}

export const detectionDefaults: DetectionSettings = {
  regions: 'auto',
  fit: 'stretch',
  leastScore: fraction(0.2),
  overlap: fraction(0.55),
};

/** Finds objects in a picture: every region is looked at without waiting for another, and what they saw is merged. */
export class RegionDetector {
  readonly #view: RegionView;
  readonly #settings: Pick<DetectionSettings, 'regions' | 'overlap'>;

  constructor(view: RegionView, settings: Pick<DetectionSettings, 'regions' | 'overlap'>) {
    this.#view = view;
    this.#settings = settings;
  }

  /** Throws what the first failed region failed with, but only when no region reads the picture any more. */
  async detect(picture: Picture): Promise<Detection[]> {
    const { regions, overlap } = this.#settings;
    const wanted = regions === 'auto' ? automaticRegions(picture.width, picture.height) : regions;
    const answers = await Promise.allSettled(wanted.map((region) => this.#view.view(picture, region)));
    const seen: RegionDetections[] = [];
    for (const answer of answers) {
      if (answer.status === 'rejected') throw answer.reason;
      seen.push(answer.value);
    }
    return mergeRegions(seen, picture, overlap);
  }
}
