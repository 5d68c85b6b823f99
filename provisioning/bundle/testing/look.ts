import type { Detection } from '../../../device/detect/detection.ts';

/** What the native parts of a unit did with one picture. */
export interface Look {
  readonly cpu: string;
  readonly node: string;
  /** Library, version and precision. */
  readonly engine: string;
  readonly model: string;
  /** SHA-256 of the decoded picture. */
  readonly pixels: string;
  readonly detections: readonly Detection[];
  /** Of the nearest car: SHA-256 of the text, null where it could not be read. */
  readonly plate: string | null;
  readonly sealed: { readonly evidence: number; readonly failures: number };
  /** Packages that could not be loaded. */
  readonly unloadable: readonly string[];
  /** Whether the kernel's clock is synchronised: asked through the C library. */
  readonly clock: boolean;
  /** What was done, and milliseconds. */
  readonly times: readonly (readonly [string, number])[];
}
