import type { ClockState } from '../kernel/clock.ts';
import type { Milliseconds, UtcMilliseconds } from '../kernel/units.ts';

/**
 * Decoded pixels, row-major, no padding. `data` stands on a SharedArrayBuffer, so that a worker thread reads it without a copy.
 *
 * `rgb24`: 3 x width x height bytes, interleaved. `yuv420p`: planes Y (width x height), U and V (each half in both directions, rounded
 * up), as a decoder delivers them, so that nothing is converted that nobody asked for.
 */
export type Picture =
  | { readonly format: 'rgb24'; readonly width: number; readonly height: number; readonly data: Uint8Array }
  | {
      readonly format: 'yuv420p';
      readonly width: number;
      readonly height: number;
      readonly data: Uint8Array;
      /** `limited`: Y 16..235 (video); `full`: 0..255 (JPEG). */
      readonly range: 'limited' | 'full';
    };

/** When a frame was captured. */
export interface CaptureTime {
  /** Date and time, by the clock named in `clock`. */
  readonly utc: UtcMilliseconds;
  /** Time since the source began; never steps back, so intervals and speeds are taken from here. */
  readonly elapsed: Milliseconds;
  readonly clock: ClockState;
}

export interface Frame {
  /** Number of the frame in its source, from 0 in decode order; a lost frame leaves a gap. */
  readonly sequence: number;
  readonly time: CaptureTime;
  readonly picture: Picture;
  /**
   * The bytes as the camera delivered them (a JPEG), in memory of their own, where it delivers encoded pictures: evidence keeps them
   * untouched. They outlive the picture (`KeptFrame`).
   */
  readonly original: Uint8Array | undefined;
}

/** Bytes that a picture of this format and size takes. */
export function pictureBytes(format: Picture['format'], width: number, height: number): number {
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  return format === 'rgb24' ? width * height * 3 : width * height + 2 * chroma;
}
