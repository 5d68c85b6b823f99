import type { Logistic, PlaceSigns, TextSigns } from './confidence.ts';

/**
 * Weights of `confidenceOf`, fitted on drawn vehicles alone (`device/plate/testing/fit-confidence.ts`, 700 mixed ones and 233 with paint
 * that could be a plate, under the formats of the US, Chile, Brazil and Argentina; 708 readings, 865 places), with
 * the default networks. To be fitted anew for others.
 */
export const calibration: {
  readonly text: Logistic<TextSigns>;
  readonly place: Logistic<PlaceSigns>;
  /** Nothing is surer: a share of wrong texts below this cannot be told from so few vehicles. */
  readonly most: number;
} = {
  text: {
    bias: -0.74,
    weights: {
      logProbability: 0.311,
      leastProbable: 0,
      weakest: 0.975,
      lead: 0.518,
      agreement: 0.918,
      height: 0.109,
      series: 0.353,
    },
  },
  place: { bias: -2.584, weights: { framed: 6.011 } },
  most: 0.995,
};
