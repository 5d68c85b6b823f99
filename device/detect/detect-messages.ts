import type { Picture } from '../capture/frame.ts';
import type { AtalayaError, ErrorCode } from '../kernel/errors.ts';
import type { Detection } from './detection.ts';
import type { DetectionSettings } from './region-detector.ts';

/** What the worker thread is started with. */
export interface DetectWorkerStart {
  /** Folder of the model bundle. */
  readonly bundle: string;
  readonly threads: number;
  readonly settings: DetectionSettings;
}

export interface DetectRequest {
  readonly id: number;
  readonly picture: Picture;
}

export interface WorkerFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: AtalayaError['hint'];
}

export type DetectAnswer =
  | { readonly kind: 'ready'; readonly engine: string; readonly model: ModelIdentity }
  | { readonly kind: 'refused'; readonly fault: WorkerFault }
  | { readonly kind: 'detections'; readonly id: number; readonly detections: readonly Detection[] }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: WorkerFault };

/** Which model answered: goes into every evidence record. */
export interface ModelIdentity {
  readonly id: string;
  readonly version: string;
  /** SHA-256 of the bundle's manifest, which names every file's. */
  readonly sha256: string;
}
