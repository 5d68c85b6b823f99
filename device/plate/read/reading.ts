import type { Decoded, FittingCandidate } from '../formats/decode.ts';

/** What several views of one text say together. */
export interface Reading {
  /** The likeliest text that fits a format; undefined where none does in any view. */
  readonly best: FittingCandidate | undefined;
  /** Mean over the views of the natural logarithm of its probability. */
  readonly logProbability: number;
  /** Other texts that fit, likeliest first, with the same mean. */
  readonly others: readonly { readonly text: string; readonly logProbability: number }[];
  /** Share of the views whose likeliest fitting text is this one. */
  readonly agreement: number;
  /** Least probability of one of its characters, the others taken as they are: the mean over the views that list the text. */
  readonly weakest: number;
  /** How many views were read. */
  readonly views: number;
  /** What the first view says without formats. */
  readonly raw: { readonly text: string; readonly confidence: number };
}

/** What a view gives a text that it does not list: `decodeUnderFormats` leaves out what is less likely. */
const UNLISTED = 1e-6;

/** Joins the views of one text. At least one is given. */
export function joinViews(seen: readonly Decoded[]): Reading {
  const sums = new Map<string, number>();
  for (const { fits } of seen) for (const { text } of fits) sums.set(text, 0);
  for (const { fits } of seen) {
    const listed = new Map(fits.map(({ text, confidence }) => [text, confidence]));
    for (const [text, sum] of sums) sums.set(text, sum + Math.log(Math.max(UNLISTED, listed.get(text) ?? 0)));
  }
  const ranked = [...sums]
    .map(([text, sum]) => ({ text, logProbability: sum / seen.length }))
    .sort((a, b) => b.logProbability - a.logProbability);
  const [first, ...others] = ranked;
  const listing = seen.flatMap(({ fits }) => fits.find(({ text }) => text === first?.text) ?? []);
  const best = listing.reduce<FittingCandidate | undefined>(
    (better, one) => (better === undefined || one.confidence > better.confidence ? one : better),
    undefined,
  );
  const weakest = listing.map(({ characters }) => Math.min(1, ...characters.map(({ confidence }) => confidence)));
  const raw = seen[0]?.raw;
  return {
    best,
    logProbability: first?.logProbability ?? Math.log(UNLISTED),
    others,
    agreement: seen.filter(({ fits }) => fits[0] !== undefined && fits[0].text === first?.text).length / seen.length,
    weakest: weakest.reduce((sum, one) => sum + one, 0) / Math.max(1, weakest.length),
    views: seen.length,
    raw: { text: raw?.text ?? '', confidence: raw?.confidence ?? 0 },
  };
}
