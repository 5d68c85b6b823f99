import { alphabet, columnCount, digits, textOf } from './alphabet.ts';
import { type Automaton, formatOf } from './automaton.ts';
import type { PlateFormat } from './plate-format.ts';

/** A pattern made ready: for each position and each column that was read, the column that it stands for there (0: none). */
interface ReadingTable {
  readonly length: number;
  readonly standsFor: Uint8Array;
  /** The same for characters of one shape only. */
  readonly looksLike: Uint8Array;
  /** How likely a reader is to see this column where `standsFor` stands, over how likely it is to see what stands there. */
  readonly likeness: Float64Array;
}

/**
 * How likely a reader is to see one character of a confusable pair with the other before it, over seeing what is there. A `guess` are the
 * pairs for which states leave I, O and Q out of their series (en.wikipedia.org, United States license plate designs and serial formats),
 * a `slip` all others. The two figures are assumptions of this order, not measurements.
 */
const likeness = { guess: 0.3, slip: 0.05 } as const;
const guesses: readonly string[] = ['1I', '0O', '0Q'];
/** More characters taken for others than this are not thought of. */
const mostSlips = 2;

/** The patterns that a text may stand for although it does not fit them as it was read. */
export interface StandIns {
  readonly automaton: Automaton;
  readonly generic: readonly boolean[];
  /** By format: how often a plate follows it, over how often it follows a series. */
  readonly shares: readonly number[];
  /** By length of the text. */
  readonly tables: ReadonlyMap<number, readonly ReadingTable[]>;
}

/** A plate that a text may mean. */
export interface Meaning {
  readonly columns: Uint8Array;
  /** Index of its format. */
  readonly format: number;
  /** Of one text's meanings they add up to 1. */
  readonly share: number;
}

export function standInsOf(formats: readonly PlateFormat[], automaton: Automaton): StandIns {
  const tables = formats
    .filter(({ generic }) => !generic)
    .flatMap((format) => format.patterns.map((pattern) => tableOf(pattern, format)));
  return {
    automaton,
    generic: formats.map(({ generic }) => generic),
    shares: formats.map(({ share }) => share),
    tables: Map.groupBy(tables, ({ length }) => length),
  };
}

function tableOf(pattern: readonly string[], { ambiguous, sameShape }: PlateFormat): ReadingTable {
  const sameAs = (character: string): string => sameShape.filter((group) => group.includes(character)).join('');
  const standsFor = columnsMeant(pattern, (character) => ambiguous.get(character) ?? '');
  const likeAt = Float64Array.from(standsFor, (meant, i) => {
    const read = i % columnCount;
    if (meant === 0 || read === 0) return 0;
    const [a, b] = [textOf([read]), textOf([meant])];
    if (a === b || sameAs(a).includes(b)) return 1;
    return guesses.some((pair) => pair.includes(a) && pair.includes(b)) ? likeness.guess : likeness.slip;
  });
  return { length: pattern.length, standsFor, looksLike: columnsMeant(pattern, sameAs), likeness: likeAt };
}

/** `[places * 37]`: a column itself where it is allowed, else the first allowed one of those that it may be. */
function columnsMeant(pattern: readonly string[], others: (character: string) => string): Uint8Array {
  const meant = new Uint8Array(pattern.length * columnCount);
  for (const [place, allowed] of pattern.entries()) {
    for (const [index, character] of [...alphabet].entries()) {
      const first = [character, ...others(character)].find((one) => allowed.includes(one));
      meant[place * columnCount + index + 1] = first === undefined ? 0 : alphabet.indexOf(first) + 1;
    }
  }
  return meant;
}

/**
 * The plate that a text means: itself where it fits a format; else the one text that fits and differs from it only in ambiguous
 * characters at positions that do not allow what was read (`ABCOI2` under LLL DDD means `ABC012`). Of several such texts the one with
 * the fewest characters changed. Undefined, no plate: two equally near ones; more than half of the characters changed; letters alone or
 * digits alone, which are a word or a telephone number sooner than a plate. A text that only a generic format allows means its twin
 * under another format of the scene where the two look the same on the plate.
 */
function meaningOf(columns: Uint8Array, { automaton, generic, tables }: StandIns): Uint8Array | undefined {
  const fits = formatOf(automaton, columns);
  if (fits >= 0 && generic[fits] === false) return columns;
  const own = fits >= 0 ? columns : undefined;
  if (own === undefined && !isMixed(columns)) return undefined;
  let nearest: Uint8Array | undefined;
  let fewest = Math.floor(columns.length / 2);
  let tied = false;
  for (const { standsFor, looksLike } of tables.get(columns.length) ?? []) {
    const table = own === undefined ? standsFor : looksLike;
    const changed = changes(columns, table);
    if (changed > fewest) continue;
    const meant = columns.map((column, place) => table[place * columnCount + column]!);
    if (nearest === undefined || changed < fewest) {
      nearest = meant;
      fewest = changed;
      tied = false;
    } else if (!sameText(nearest, meant)) tied = true;
  }
  return nearest === undefined || tied ? own : nearest;
}

/**
 * The plates that a text may mean, each with its share: the one that `meaningOf` gives, and where that fits a generic format only, also
 * the texts of a series that differ from it in one or two confusable characters. The shares are as the likenesses, the text as it was
 * read being 1. Digits alone are not spread so: a telephone number is near too many plates.
 *
 * Where the other character of a `guess` makes another text of a generic format, that one has its share as well: neither the pixels nor a
 * pattern says which of the two it is.
 */
export function meaningsOf(columns: Uint8Array, standIns: StandIns): readonly Meaning[] {
  const meaning = meaningOf(columns, standIns);
  if (meaning === undefined) return [];
  const format = formatOf(standIns.automaton, meaning);
  const own = { columns: meaning, format, share: 1 };
  if (standIns.generic[format] === false || !isMixed(meaning)) return [own];
  const alike = withoutDoubles([...alikeOf(meaning, standIns), ...lookalikesOf(meaning, standIns)]);
  const all = alike.reduce((sum, { share }) => sum + share, 1);
  return [own, ...alike].map((one) => ({ ...one, share: one.share / all }));
}

/** Texts of a series that the reader may have had before it, with how alike they are to what it saw. */
function alikeOf(columns: Uint8Array, { automaton, tables }: StandIns): Meaning[] {
  const found = new Map<string, Meaning>();
  for (const { standsFor, likeness: likeAt } of tables.get(columns.length) ?? []) {
    const slips = changes(columns, standsFor);
    if (slips === 0 || slips > mostSlips) continue;
    const meant = columns.map((column, place) => standsFor[place * columnCount + column]!);
    const share = columns.reduce((product, column, place) => product * likeAt[place * columnCount + column]!, 1);
    const text = textOf(meant);
    if ((found.get(text)?.share ?? 0) < share) {
      found.set(text, { columns: meant, format: formatOf(automaton, meant), share });
    }
  }
  return [...found.values()];
}

/** Texts that fit and differ in the characters of one `guess` alone. */
function lookalikesOf(columns: Uint8Array, { automaton }: StandIns): Meaning[] {
  return [...columns].flatMap((column, place) =>
    twinsOf[column]!.flatMap((twin) => {
      const other = columns.with(place, twin);
      const format = formatOf(automaton, other);
      return format < 0 ? [] : [{ columns: other, format, share: likeness.guess }];
    }),
  );
}

/** By column, those that are taken for it in a `guess`. */
const twinsOf: readonly (readonly number[])[] = Array.from({ length: columnCount }, (_, column) =>
  column === 0
    ? []
    : guesses.flatMap((pair) => {
        const character = textOf([column]);
        return pair.includes(character) ? [alphabet.indexOf(pair.replace(character, '')) + 1] : [];
      }),
);

function withoutDoubles(meanings: readonly Meaning[]): Meaning[] {
  const best = new Map<string, Meaning>();
  for (const one of meanings) {
    const text = textOf(one.columns);
    if ((best.get(text)?.share ?? 0) < one.share) best.set(text, one);
  }
  return [...best.values()];
}

/** Has letters and digits. */
function isMixed(columns: Uint8Array): boolean {
  return columns.some((column) => column <= digits.length) && columns.some((column) => column > digits.length);
}

/** How many characters change under a pattern; Infinity where one cannot. */
function changes(columns: Uint8Array, table: Uint8Array): number {
  let changed = 0;
  for (const [place, column] of columns.entries()) {
    const meant = table[place * columnCount + column]!;
    if (meant === 0) return Number.POSITIVE_INFINITY;
    if (meant !== column) changed++;
  }
  return changed;
}

function sameText(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((column, place) => column === b[place]);
}
