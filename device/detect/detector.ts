import type { Frame } from '../capture/frame.ts';
import type { Detection } from './detection.ts';

/**
 * Finds the objects of one frame. Computes away from the event loop's thread; one frame at a time.
 *
 * The picture is read until the promise settles: whoever owns the buffer keeps it unchanged until then.
 */
export interface Detector {
  detect(frame: Frame): Promise<readonly Detection[]>;
  close(): Promise<void>;
}
