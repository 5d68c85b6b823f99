import type { Picture } from '../capture/frame.ts';
import type { CarriedBundle } from './engine/carried-bundle.ts';
import type { ViewSettings } from './region-view.ts';
import type { Region } from './sample.ts';

/** What a detector's thread is started with: its first message, so that nothing keeps the model's bytes once they are loaded. */
export interface DetectThreadStart {
  readonly bundle: CarriedBundle;
  /** Processor threads that one inference of this thread uses. */
  readonly threads: number;
  readonly settings: ViewSettings;
}

/** A region to look at. */
export interface DetectQuestion {
  readonly picture: Picture;
  readonly region: Region;
}

/** What the thread says of itself: library, version and precision of the engine. */
export type DetectReady = string;

/** Which model answered: goes into every evidence record. */
export interface ModelIdentity {
  readonly id: string;
  readonly version: string;
  /** SHA-256 of the bundle's manifest, which names every file's. */
  readonly sha256: string;
}
