import type { Logistic, PlaceSigns, TextSigns } from './confidence.ts';

/**
 * Weights of `confidenceOf`, fitted on drawn vehicles alone (`device/plate/testing/fit-confidence.ts`, 900 mixed ones and 300 with paint
 * that could be a plate, under the formats of the US, Chile, Brazil and Argentina; 905 readings, 1094 places), with
 * the default networks. To be fitted anew for others.
 */
export const calibration: {
  readonly text: Logistic<TextSigns>;
  readonly place: Logistic<PlaceSigns>;
  /** Nothing is surer: a share of wrong texts below this cannot be told from so few vehicles. */
  readonly most: number;
} = {
  text: {
    bias: -0.293,
    weights: { logProbability: 0.307, weakest: 1.108, lead: 0.427, agreement: 1.245, height: 0, series: 0.33 },
  },
  place: { bias: -2.364, weights: { framed: 5.711 } },
  most: 0.995,
};
