import type { Frame } from './frame.ts';

export interface CameraInfo {
  /** What a person calls the source: a file, a device. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Frames that the source will deliver, where it knows (a file with an index). */
  readonly frames: number | undefined;
}

/**
 * A source of frames. Guarantees, held by the contract suite for every adapter:
 *
 * - `frames()` yields sequence numbers and elapsed times that rise;
 * - a yielded frame stays unchanged until it is handed to `release`, exactly once (see `PicturePool`); its original stays after that, too;
 * - a damaged frame in an otherwise good source is reported through `onDamage` and leaves a gap in the numbers; the source goes on;
 * - a recording begins anew with every call of `frames()`, and one that ends before its time throws `source-truncated` after its last
 *   good frame has been yielded; a live camera has no end and goes on where it is (`LiveCamera`);
 * - aborting the signal ends the iteration within a second, and `close` frees processes and files; it may be called twice.
 */
export interface Camera {
  open(signal: AbortSignal): Promise<CameraInfo>;
  frames(signal: AbortSignal): AsyncIterable<Frame>;
  /** Gives the memory of a yielded frame's picture back. */
  release(frame: Frame): void;
  close(): Promise<void>;
}

/** A frame that could not be decoded: where it stood and why. */
export interface FrameDamage {
  readonly sequence: number;
  readonly reason: string;
}
