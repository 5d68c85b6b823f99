import { type Fraction, fraction } from '../../kernel/units.ts';
import { calibration } from './calibration.ts';
import type { Candidate } from './candidate.ts';
import type { Reading } from './reading.ts';
import type { Logistic, PlaceSigns, TextSigns } from './signs.ts';

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
