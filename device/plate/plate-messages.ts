import type { FindingManifest, ReadingManifest } from '../../models/contract/manifest.ts';
import type { CarriedFiles } from '../detect/engine/carried-bundle.ts';
import type { ReadSettings } from './crop-reader.ts';
import type { PlateFormat } from './formats/plate-format.ts';

/** What a plate reader's thread is started with; a question is a `VehicleCrop`, its answer a `PlateSight`. */
export interface PlateThreadStart {
  readonly finder: CarriedFiles<FindingManifest>;
  /** At least one. */
  readonly readers: readonly CarriedFiles<ReadingManifest>[];
  /** Processor threads that one inference uses. */
  readonly threads: number;
  readonly formats: readonly PlateFormat[];
  readonly settings: ReadSettings;
}

/** What the thread says of itself: library, version and precision of the engines. */
export interface PlateReady {
  readonly finder: string;
  readonly readers: readonly string[];
}
