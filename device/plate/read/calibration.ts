import type { Logistic, PlaceSigns, TextSigns } from './confidence.ts';

/**
 * Weights of `confidenceOf`, fitted on drawn vehicles alone (`device/plate/testing/fit-confidence.ts`, 700 mixed ones and 233 with paint
 * that could be a plate, under the formats of the US, Chile, Brazil and Argentina; 669 readings, 886 places), with the int8 bundles of
 * PP-OCRv4. To be fitted anew for another reader's network.
 */
export const calibration: {
  readonly text: Logistic<TextSigns>;
  readonly place: Logistic<PlaceSigns>;
  /** Nothing is surer: a share of wrong texts below this cannot be told from so few vehicles. */
  readonly most: number;
} = {
  text: {
    bias: -2.442,
    weights: { logProbability: 0.711, weakest: 0, lead: 0.544, agreement: 1.667, height: 0.476, series: 0 },
  },
  place: { bias: -2.196, weights: { framed: 5.437 } },
  most: 0.995,
};
