import type { Logistic, PlaceSigns, TextSigns } from './signs.ts';

/**
 * Weights of `confidenceOf`, fitted on drawn vehicles alone (`device/plate/testing/fit-confidence.ts`, 700 mixed ones and 233 with paint
 * that could be a plate, under the formats of the US, Chile, Brazil and Argentina; 714 readings, 865 places), with
 * the default networks. To be fitted anew for others.
 */
export const calibration: {
  readonly text: Logistic<TextSigns>;
  readonly place: Logistic<PlaceSigns>;
  /** Nothing is surer: a share of wrong texts below this cannot be told from so few vehicles. */
  readonly most: number;
} = {
  text: {
    bias: -0.068,
    weights: { logProbability: 0.336, weakest: 1.138, lead: 0.51, agreement: 0.992, height: 0, series: 0 },
  },
  place: { bias: -2.583, weights: { framed: 5.971 } },
  most: 0.995,
};
