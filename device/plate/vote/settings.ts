import { type Fraction, fraction } from '../../kernel/units.ts';

/** How a vote weighs what the frames say. The formula is with `voteOn`. */
export interface VoteSettings {
  /** A plate is stated from this confidence on. */
  readonly leastConfidence: Fraction;
  /** Lead over a text that another frame reads, in natural log odds. With less, the frames disagree. */
  readonly leastLead: number;
  /** No number of looks makes a vote surer: what misleads one frame may mislead them all. */
  readonly mostConfidence: Fraction;
  /** A frame leaves at least this probability to every text, seen or not. */
  readonly floor: Fraction;
  /** Character height from which a frame weighs fully, pixels. */
  readonly fullHeight: number;
  /** Sharpness from which a frame weighs fully. */
  readonly fullSharpness: Fraction;
  /** What the smallest and most blurred frame still weighs. */
  readonly leastWeight: Fraction;
  /** Frames are one look where their text stands within this many character heights, and their character heights within this share. */
  readonly sameLook: { readonly place: number; readonly height: Fraction };
  /** All frames of one look together weigh at most this many times what the weightiest weighs. */
  readonly lookWeight: number;
  /** The second independent look counts this share of the first, the third this share of the second, and so on. */
  readonly nextLook: Fraction;
  /** Regions that an outcome names at most; the others are counted. */
  readonly mostReads: number;
}

/**
 * The reader's own confidence knows of size and blur; the weights only turn the scale between frames, so that one sure look still states a
 * plate. Characters of 16 px are as legible to a reader whose strips are 48 px high as larger ones. With each further look counting half of the one
 * before, all looks together count as two: frames of one vehicle share its dirt, its light and the camera's angle.
 */
export const defaultVoteSettings: VoteSettings = {
  leastConfidence: fraction(0.65),
  leastLead: 1.5,
  mostConfidence: fraction(0.995),
  floor: fraction(0.02),
  fullHeight: 16,
  fullSharpness: fraction(0.3),
  leastWeight: fraction(0.75),
  sameLook: { place: 0.5, height: fraction(0.1) },
  lookWeight: 1.25,
  nextLook: fraction(0.5),
  mostReads: 64,
};
