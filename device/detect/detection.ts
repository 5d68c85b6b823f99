import type { Fraction } from '../kernel/units.ts';

/** The road users that the judgement knows; COCO's words for them. */
export const objectClasses = ['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck'] as const;
export type ObjectClass = (typeof objectClasses)[number];

/** A rectangle in the frame: pixels of the full picture, origin top left, fractions allowed. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One object in one frame. */
export interface Detection {
  readonly box: Box;
  readonly class: ObjectClass;
  readonly score: Fraction;
}
