import type { Picture } from '../capture/frame.ts';
import type { ModelIdentity } from '../detect/detect-messages.ts';
import type { Box } from '../detect/detection.ts';
import type { Fraction } from '../kernel/units.ts';
import type { Point } from '../scene/geometry.ts';

/** Corners of a text line, clockwise from the top left as it reads, pixels of the full picture. */
export type Quad = readonly [Point, Point, Point, Point];

/** The pixels around one vehicle, cut out of a frame: all that a reader may look at. */
export interface VehicleCrop {
  /** Pixels of its own: nobody writes them once the crop is made. */
  readonly pixels: Extract<Picture, { format: 'rgb24' }>;
  /** Top left corner of the crop in the full picture, whole pixels. */
  readonly origin: Point;
  /** The vehicle, pixels of the full picture. */
  readonly vehicle: Box;
  /** The other vehicles of the same picture: a plate may be theirs. */
  readonly others: readonly Box[];
}

export interface CharacterRead {
  readonly character: string;
  /** Probability that this character is right, the others taken as they are. */
  readonly confidence: Fraction;
}

/** A text that the pixels may say. */
export interface Candidate {
  /** A-Z and 0-9 as they stand on the plate, without separators. */
  readonly text: string;
  /** Probability that the whole text is right. */
  readonly confidence: Fraction;
}

/** A reading that fits a national format of the scene. */
export interface PlateRead extends Candidate {
  /** Id of the format that it fits: `cl-new`. */
  readonly format: string;
  readonly characters: readonly CharacterRead[];
  /** Other texts that fit a format, likeliest first, at most seven. */
  readonly alternatives: readonly Candidate[];
  readonly quad: Quad;
  /** Pixels of the full picture. */
  readonly characterHeight: number;
  /** From 0 to 1, comparable between crops. */
  readonly sharpness: Fraction;
}

/**
 * Why a text region is not the plate. `too-small`: its characters have too few pixels; `not-plate-shaped`: no format's plate has these
 * proportions; `another-vehicle`: it lies on a vehicle in front; `cut-off`: the picture's edge cuts it; `unclear`: it fits a format, but
 * could well be another text; `no-format-fits`: it can be read and is no plate of this scene; `second-best`: another region is likelier.
 */
export const rejectReasons = [
  'too-small',
  'not-plate-shaped',
  'another-vehicle',
  'cut-off',
  'unclear',
  'no-format-fits',
  'second-best',
] as const;
export type RejectReason = (typeof rejectReasons)[number];

/** A text region that was found and not taken for the plate. */
export interface RejectedRead {
  readonly reason: RejectReason;
  readonly quad: Quad;
  /** What the pixels say without any format; empty where nothing was read. */
  readonly text: string;
  readonly confidence: Fraction;
  readonly characterHeight: number;
}

/** What one crop gave. Without a `read` the plate is unread, and `rejected` says why; empty, there is no text in it. */
export interface PlateSight {
  readonly read: PlateRead | undefined;
  readonly rejected: readonly RejectedRead[];
}

/**
 * Finds and reads the plate of one vehicle.
 *
 * Guarantees: never invents: a `read` fits a format of the scene and is as sure as the settings ask for; any pixels give an answer; runs
 * away from the event loop's thread; questions are answered in the order in which they were asked; the text stands in no message and no
 * path. Rejects with `deadline-exceeded` or `engine-failed` where the reader itself has died: it is then opened again.
 */
export interface PlateReader {
  /** The networks that read, finder first. */
  readonly models: readonly ModelIdentity[];
  read(crop: VehicleCrop): Promise<PlateSight>;
  close(): Promise<void>;
}
