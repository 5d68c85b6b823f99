import { type Fraction, fraction } from '../../kernel/units.ts';
import { calibration } from './calibration.ts';
import type { Candidate } from './candidate.ts';
import type { Reading } from './reading.ts';

/** What says that a text was read rightly; more of each is never less sure. */
export interface TextSigns {
  /** Mean log probability of the text over the views. */
  readonly logProbability: number;
  /** Log of the probability of its weakest character. */
  readonly weakest: number;
  /** By how much its log probability is above that of the next text that fits. */
  readonly lead: number;
  /** Share of the views that read it first. */
  readonly agreement: number;
  /** Log of the height of its characters in pixels. */
  readonly height: number;
  /** 1 where the text fits a national series, 0 where it only fits a format that stands for any plate. */
  readonly series: number;
}

/** What says that a text stands on a plate; more of each is never less sure. */
export interface PlaceSigns {
  /** How far its ground ends at an edge all around: `framedOf`. */
  readonly framed: number;
}

export interface Logistic<Signs> {
  readonly bias: number;
  /** None is negative. */
  readonly weights: { readonly [Name in keyof Signs]: number };
}

export function textSignsOf(reading: Reading, { characterHeight }: Candidate): TextSigns {
  const next = reading.others[0]?.logProbability ?? Math.log(1e-6);
  return {
    logProbability: Math.max(reading.logProbability, -8),
    weakest: Math.log(Math.max(reading.weakest, 1e-3)),
    lead: Math.min(8, reading.logProbability - next),
    agreement: reading.agreement,
    height: Math.log(Math.min(32, Math.max(4, characterHeight))),
    series: reading.best?.generic === false ? 1 : 0,
  };
}

export function placeSignsOf({ framed }: Candidate): PlaceSigns {
  return { framed };
}

/**
 * Probability that this is a plate and its whole text right: the product of two logistic functions (Platt 1999, on several signs), one of
 * how it was read and one of how it stands there. It grows with every sign, and is never above what the number of plates that it was
 * fitted on can show.
 */
export function confidenceOf(text: TextSigns, place: PlaceSigns): Fraction {
  return fraction(Math.min(calibration.most, logistic(calibration.text, text) * logistic(calibration.place, place)));
}

export function logistic<Signs extends object>({ bias, weights }: Logistic<Signs>, signs: Signs): number {
  let sum = bias;
  for (const name of Object.keys(weights) as (keyof Signs)[]) sum += weights[name] * (signs[name] as number);
  return 1 / (1 + Math.exp(-sum));
}

/** Other texts of the same reading, likeliest first, at most seven: each less sure than the best by as much as it is less likely. */
export function othersOf(
  { others, logProbability }: Reading,
  best: Fraction,
): readonly { readonly text: string; readonly confidence: Fraction }[] {
  return others.slice(0, 7).map((other) => ({
    text: other.text,
    confidence: fraction(Math.min(1 - best, best * Math.exp(other.logProbability - logProbability))),
  }));
}
