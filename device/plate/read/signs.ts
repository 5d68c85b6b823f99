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
