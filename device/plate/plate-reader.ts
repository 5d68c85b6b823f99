import type { Picture } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import type { Fraction } from '../kernel/units.ts';

/** One reading of one plate on one frame. */
export interface PlateRead {
  /** Letters and digits as they stand on the plate, without separators. */
  readonly text: string;
  /** Probability that the whole text is right. */
  readonly confidence: Fraction;
  /** Where the plate is, in pixels of the full picture. */
  readonly box: Box;
}

/** What was found on a vehicle: `unread` is an honest answer and says why; a reader never invents. */
export type PlateOutcome =
  | { readonly kind: 'read'; readonly reads: readonly PlateRead[] }
  | { readonly kind: 'unread'; readonly reason: 'no-plate-found' | 'too-small' | 'unclear' | 'no-format-fits' };

/**
 * Reads the plates of one vehicle. Guarantees: looks at nothing outside `vehicle`; runs away from the event loop's thread; the picture
 * is read until the promise settles and may change after that; the text appears in no log and no path.
 */
export interface PlateReader {
  read(picture: Picture, vehicle: Box): Promise<PlateOutcome>;
  close(): Promise<void>;
}
