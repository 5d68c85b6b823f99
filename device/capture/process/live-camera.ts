import type { Camera } from '../camera.ts';

/**
 * A camera that sees the present. What `Camera` promises, with these differences:
 *
 * - `open` resolves when the camera has given its first picture; `frames` goes on from there, or starts the camera anew;
 * - numbers and elapsed times go on from one call of `frames` to the next, with a gap: intervals over a restart are true;
 * - who takes frames too slowly gets the newest: older ones are dropped and leave a gap in the numbers;
 * - it has no end: `frames` ends on an abort alone, and otherwise throws what became of the camera.
 */
export interface LiveCamera extends Camera {
  readonly live: true;
}
