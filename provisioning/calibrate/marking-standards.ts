/**
 * Lengths of broken lines by national standards, for a calibration where nobody could measure. Paint is laid by machines that are set by hand
 * and old lines are touched up: what a standard says is a prior, and its tolerance goes into every speed. One period that was measured
 * with a tape is worth more than any clause.
 */
export interface MarkingStandard {
  readonly id: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly what: string;
  readonly document: string;
  readonly clause: string;
  /** Metres. */
  readonly mark: number;
  readonly gap: number;
  /** Greatest deviation of a length that is to be reckoned with, as a share of it. */
  readonly tolerance: number;
  /** Where the tolerance is from. */
  readonly toleranceSource: string;
}

/** None of these documents gives a tolerance in the clause that is named: this is the project's own, and errs to the large side. */
const assumed = { tolerance: 0.03, toleranceSource: 'assumed: the clause states none' } as const;

const tsm = { country: 'GB', document: 'Traffic Signs Manual, chapter 5 (2003), after TSRGD', ...assumed } as const;
const rms = {
  country: 'DE',
  document: 'RMS-1, Richtlinien für die Markierung von Straßen, Teil 1 (FGSV 330/1, 1993)',
  clause: 'Leitlinie, Zeichen 340, outside junctions, mark to gap 1:2',
  ...assumed,
} as const;
const norma = {
  country: 'ES',
  document: 'Norma 8.2-IC, Marcas viales (Orden de 16 de julio de 1987)',
  ...assumed,
} as const;

export const markingStandards: readonly MarkingStandard[] = [
  { id: 'de-town', what: 'lane line in towns', mark: 3, gap: 6, ...rms },
  { id: 'de-country', what: 'lane line outside towns', mark: 4, gap: 8, ...rms },
  { id: 'de-motorway', what: 'lane line on motorways', mark: 6, gap: 12, ...rms },
  { id: 'es-m-1.1', what: 'lane line, above 100 km/h', clause: '3.1.1, M-1.1', mark: 5, gap: 12, ...norma },
  { id: 'es-m-1.2', what: 'lane line, above 60 to 100 km/h', clause: '3.1.1, M-1.2', mark: 3.5, gap: 9, ...norma },
  { id: 'es-m-1.3', what: 'lane line, up to 60 km/h', clause: '3.1.1, M-1.3', mark: 2, gap: 5.5, ...norma },
  {
    id: 'us-broken',
    country: 'US',
    what: 'broken lane line and centre line',
    document: 'MUTCD, 2009 edition',
    clause: 'section 3A.06, guidance: 10 ft and 30 ft, or dimensions in a similar ratio',
    mark: 3.048,
    gap: 9.144,
    tolerance: 0.05,
    toleranceSource: 'assumed: guidance that allows other lengths in a similar ratio',
  },
  { id: 'gb-1004', what: 'warning line, up to 40 mph', clause: '4.4: inverse of 1008', mark: 4, gap: 2, ...tsm },
  { id: 'gb-1004.1', what: 'warning line, above 40 mph', clause: '4.4: inverse of 1008.1', mark: 6, gap: 3, ...tsm },
  { id: 'gb-1005', what: 'lane line, up to 40 mph', clause: 'table 4-2, diagram 1005', mark: 1, gap: 5, ...tsm },
  { id: 'gb-1005.1', what: 'lane line, above 40 mph', clause: 'table 4-2, diagram 1005.1', mark: 2, gap: 7, ...tsm },
  { id: 'gb-1008', what: 'centre line, up to 40 mph', clause: 'table 4-1, diagram 1008', mark: 2, gap: 4, ...tsm },
  { id: 'gb-1008.1', what: 'centre line, above 40 mph', clause: 'table 4-1, diagram 1008.1', mark: 3, gap: 6, ...tsm },
];

export const markingStandard = (id: string): MarkingStandard | undefined =>
  markingStandards.find((one) => one.id === id);
