import type { Picture } from '../capture/frame.ts';
import type { AtalayaError, ErrorCode } from '../kernel/errors.ts';
import type { CarriedBundle } from './engine/carried-bundle.ts';
import type { RegionDetections } from './merge-regions.ts';
import type { ViewSettings } from './region-view.ts';
import type { Region } from './sample.ts';

/** What a detector's thread is started with: its first message, so that nothing keeps the model's bytes once they are loaded. */
export interface DetectThreadStart {
  readonly bundle: CarriedBundle;
  /** Processor threads that one inference of this thread uses. */
  readonly threads: number;
  readonly settings: ViewSettings;
}

/** What follows: regions to look at, each answered once, and in the end the request to finish. */
export type DetectRequest =
  | { readonly kind: 'view'; readonly id: number; readonly picture: Picture; readonly region: Region }
  | { readonly kind: 'close' };

export interface ThreadFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: AtalayaError['hint'];
}

export type DetectAnswer =
  | { readonly kind: 'ready'; readonly engine: string }
  | { readonly kind: 'refused'; readonly fault: ThreadFault }
  | { readonly kind: 'seen'; readonly id: number; readonly seen: RegionDetections }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: ThreadFault };

/** Which model answered: goes into every evidence record. */
export interface ModelIdentity {
  readonly id: string;
  readonly version: string;
  /** SHA-256 of the bundle's manifest, which names every file's. */
  readonly sha256: string;
}
