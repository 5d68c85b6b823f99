import { fraction } from '../../kernel/units.ts';
import type { Candidate, CharacterRead } from '../plate-reader.ts';
import { columnCount, textOf } from './alphabet.ts';
import { anyText, automatonOf } from './automaton.ts';
import { type Emissions, emissionsOf, massesAt, probabilityOf, textMass } from './ctc.ts';
import type { PlateFormat } from './plate-format.ts';
import { searchTexts } from './search-texts.ts';
import { type Meaning, meaningsOf, type StandIns, standInsOf } from './stand-in.ts';

/** A text with the confidence of each of its characters. */
export interface SpelledCandidate extends Candidate {
  /** Reckoned when it is first asked for: of the texts that a strip may say most are never asked. */
  readonly characters: readonly CharacterRead[];
}

/** A text that fits a format of the scene. */
export interface FittingCandidate extends SpelledCandidate {
  /** Id of the first format in the scene's order that it fits. */
  readonly format: string;
  /** That format is generic: other things than plates say such texts, too. */
  readonly generic: boolean;
}

export interface Decoded {
  /** The likeliest text of any kind; empty with confidence 0 where the logits are unreadable. */
  readonly raw: SpelledCandidate;
  /** Texts that fit a format, likeliest first, at most eight. */
  readonly fits: readonly FittingCandidate[];
}

/** Decodes logits `[steps, 37]` under the formats that it was made for. */
export type Decode = (logits: Float32Array, steps: number) => Decoded;

/** Beginnings kept at each step. Half a dozen ambiguous characters have 64 twins, of which those left out weigh least. */
const widthUnderFormats = 16;
const widthOfAny = 24;
const mostFits = 8;
/** Texts less likely than this are not worth a line in anyone's list. */
const leastProbability = 1e-6;
/** A column that stays below this share of every step's likeliest is no alternative to any character. */
const leastPeak = 1e-4;

/**
 * CTC logits `[steps, 37]` (blank first, then `alphabet`, before softmax) to the texts that fit the formats.
 *
 * The network's own probability of a text is that among all texts of the alphabet and of any length, not only among those that fit:
 * formats choose, they never make a weak read strong. To it is added the probability of the text's twins: texts that fit no format and
 * differ only in ambiguous characters, so that they can mean no other plate, and a share of the texts that only a generic format allows
 * and that look like it (`meaningsOf`). Twins that the search did not come upon are left out: the sum errs low.
 *
 * Among the texts that fit, the confidences are the posterior under the formats' shares as prior: a text of a generic format weighs
 * `share` times one of a series. All together they keep what the network gave them: the prior moves confidence between texts that fit and
 * takes none from elsewhere, so that it changes nothing where all are of a series, or all of one generic format. The share is one for each
 * text: dividing it among the far more texts of a generic format would weaken these further, but personal texts are not evenly spread.
 *
 * Never throws: logits that are too few or not finite numbers are unreadable, which is no fit.
 */
export function decodeUnderFormats(logits: Float32Array, steps: number, formats: readonly PlateFormat[]): Decoded {
  return decoderFor(formats)(logits, steps);
}

/** The same for many plates under the same formats: what depends on the formats alone is made ready once. */
export function decoderFor(formats: readonly PlateFormat[]): Decode {
  const automaton = automatonOf(formats);
  const standIns = standInsOf(formats, automaton);
  return (logits, steps) => {
    const emissions = emissionsOf(logits, steps);
    if (emissions === undefined) return { raw: { text: '', confidence: fraction(0), characters: [] }, fits: [] };
    const any = weigh(emissions, searchTexts(emissions, anyText, widthOfAny));
    const raw = [...any.values()].reduce(heavier, { columns: new Uint8Array(), mass: 0 });
    const meant = remembered((columns) => meaningsOf(columns, standIns));
    const fits = fitting(emissions, any, standIns, meant)
      .filter(({ mass }) => probabilityOf(mass, emissions.scale) >= leastProbability)
      .sort((a, b) => b.mass - a.mass)
      .slice(0, mostFits);
    return {
      raw: {
        ...candidateOf(emissions, raw),
        get characters() {
          return charactersOf(emissions, raw, (texts) => texts);
        },
      },
      fits: fits.map((one) => {
        const { id, generic } = formats[one.format]!;
        let known: readonly CharacterRead[] | undefined;
        return {
          ...candidateOf(emissions, one),
          format: id,
          generic,
          get characters() {
            known ??= charactersOf(emissions, one, (texts) => posterior(texts, standIns, meant));
            return known;
          },
        };
      }),
    };
  };
}

interface Weighed {
  readonly columns: Uint8Array;
  /** Sum over alignments on scaled emissions. */
  readonly mass: number;
}

function heavier(a: Weighed, b: Weighed): Weighed {
  return b.mass > a.mass ? b : a;
}

function weigh(emissions: Emissions, texts: readonly Uint8Array[]): Map<string, Weighed> {
  return new Map(texts.map((columns) => [textOf(columns), { columns, mass: textMass(emissions, columns) }]));
}

type MeaningsOf = (columns: Uint8Array) => readonly Meaning[];

/** The same within one decoding, each text looked at once. */
function remembered(meaningsOf: MeaningsOf): MeaningsOf {
  const known = new Map<string, readonly Meaning[]>();
  return (columns) => {
    const text = textOf(columns);
    const meanings = known.get(text) ?? meaningsOf(columns);
    known.set(text, meanings);
    return meanings;
  };
}

interface Fitting extends Weighed {
  readonly format: number;
}

/** The fitting texts among those found with and without formats, each with its part of the mass of all found texts that mean any. */
function fitting(
  emissions: Emissions,
  any: ReadonlyMap<string, Weighed>,
  standIns: StandIns,
  meant: MeaningsOf,
): Fitting[] {
  const found = new Map(any);
  const add = (columns: Uint8Array): void => {
    const text = textOf(columns);
    if (!found.has(text)) found.set(text, { columns, mass: textMass(emissions, columns) });
  };
  for (const columns of searchTexts(emissions, standIns.automaton, widthUnderFormats)) add(columns);
  const meanings = [...found.values()].flatMap(({ columns }) => meant(columns));
  for (const { columns } of meanings) add(columns);
  return posterior([...found.values()], standIns, meant);
}

/** The plates that weighed texts mean, their masses under the prior; together they weigh what the texts weigh that mean any. */
function posterior(texts: readonly Weighed[], { shares }: StandIns, meant: MeaningsOf): Fitting[] {
  const sums = new Map<string, Fitting>();
  let all = 0;
  let weighted = 0;
  for (const { columns, mass } of texts) {
    for (const meaning of meant(columns)) {
      const text = textOf(meaning.columns);
      const part = mass * meaning.share;
      const own = part * shares[meaning.format]!;
      all += part;
      weighted += own;
      sums.set(text, { columns: meaning.columns, format: meaning.format, mass: own + (sums.get(text)?.mass ?? 0) });
    }
  }
  const factor = weighted > 0 ? all / weighted : 0;
  return [...sums.values()].map((one) => ({ ...one, mass: one.mass * factor }));
}

function candidateOf({ scale }: Emissions, { columns, mass }: Weighed): Candidate {
  return { text: textOf(columns), confidence: fraction(probabilityOf(mass, scale)) };
}

/**
 * Each character's confidence: its share among all 36 at its place, the other characters as they are, once the texts with each of them
 * have been weighed again by `judged`.
 */
function charactersOf(
  emissions: Emissions,
  { columns }: Weighed,
  judged: (texts: readonly Weighed[]) => readonly Weighed[],
): readonly CharacterRead[] {
  const masses = massesAt(emissions, columns, leastPeak);
  return Array.from(textOf(columns), (character, place) => {
    const row = masses.subarray(place * columnCount, (place + 1) * columnCount);
    const all = row.reduce((sum, each) => sum + each, 0);
    const texts = [...row.entries()].flatMap(([column, each]) =>
      each > all * leastProbability || column === columns[place]
        ? [{ columns: columns.with(place, column), mass: each }]
        : [],
    );
    const own = judged(texts).reduce(
      (sum, other) => sum + (other.columns[place] === columns[place] ? other.mass : 0),
      0,
    );
    return { character, confidence: fraction(all > 0 ? Math.min(1, own / all) : 0) };
  });
}
