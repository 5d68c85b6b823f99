import { columnCount } from './alphabet.ts';
import type { Automaton } from './automaton.ts';
import type { Emissions } from './ctc.ts';

/** A beginning of a text, linked to the beginning that it goes on from. */
interface Prefix {
  readonly parent: Prefix | undefined;
  /** 0 for the empty text. */
  readonly column: number;
  readonly length: number;
  readonly state: number;
  /** Place in the step's beam; -1 once it has dropped out. */
  at: number;
  /** Weight of its alignments that end in a blank, and of those that end in its last character; over the heaviest of the step. */
  blank: number;
  letter: number;
  nextBlank: number;
  nextLetter: number;
}

/** A column below this share of its step's likeliest starts no character: what it would add is lost in the rounding of the logits. */
const leastShare = 1e-7;

/**
 * The likeliest texts that the automaton accepts: prefix beam search (Hannun et al., "First-Pass Large Vocabulary Continuous Speech
 * Recognition using Bi-Directional Recurrent DNNs", 2014), without a language model. Each step keeps the `width` heaviest beginnings
 * that the automaton can still complete. Order and completeness are those of the beam: weigh the texts with `textMass`.
 */
export function searchTexts(emissions: Emissions, { next, accepts }: Automaton, width: number): Uint8Array[] {
  const { steps, values } = emissions;
  const taken = new Uint8Array(width * columnCount);
  let beam: Prefix[] = [prefix(undefined, 0, 0, 1, 0)];
  for (let step = 0; step < steps; step++) {
    const row = step * columnCount;
    taken.fill(0);
    stay(beam, values, row, taken);
    const columns = likeliestColumns(values, row);
    const best = new Heaviest(width);
    for (const one of beam) {
      const most = one.blank + one.letter;
      for (const column of columns) {
        const emitted = values[row + column]!;
        if (most * emitted <= best.least) break;
        const state = next[one.state * columnCount + column]!;
        if (state < 0 || taken[one.at * columnCount + column] === 1) continue;
        const mass = started(one, column) * emitted;
        if (mass > best.least) best.offer({ parent: one, column, state, mass });
      }
    }
    beam = nextBeam(beam, best.extensions, width);
    if (beam.length === 0) return [];
  }
  return beam.filter((one) => accepts[one.state]! >= 0).map(columnsOf);
}

/**
 * What the beginnings weigh after a step in which none of them becomes a new one: a blank, their last character once more, or that
 * character reached from the beginning before. `taken[place, column]`: that extension is in the beam already.
 */
function stay(beam: readonly Prefix[], values: Float64Array, row: number, taken: Uint8Array): void {
  for (const one of beam) {
    one.nextBlank = (one.blank + one.letter) * values[row]!;
    one.nextLetter = one.letter * values[row + one.column]!;
    const { parent } = one;
    if (parent === undefined || parent.at < 0) continue;
    one.nextLetter += started(parent, one.column) * values[row + one.column]!;
    taken[parent.at * columnCount + one.column] = 1;
  }
}

/** Weight with which a beginning goes on to a character: one that repeats its last needs a blank in between. */
function started(from: Prefix, column: number): number {
  return column === from.column ? from.blank : from.blank + from.letter;
}

/** The columns that may start a character at a step, likeliest first. */
function likeliestColumns(values: Float64Array, row: number): number[] {
  const columns: number[] = [];
  for (let column = 1; column < columnCount; column++) if (values[row + column]! >= leastShare) columns.push(column);
  return columns.sort((a, b) => values[row + b]! - values[row + a]!);
}

/** The heaviest of those that stay and of their extensions, heaviest first, their weights over the heaviest's. */
function nextBeam(staying: readonly Prefix[], extensions: readonly Extension[], width: number): Prefix[] {
  for (const one of staying) {
    one.blank = one.nextBlank;
    one.letter = one.nextLetter;
    one.at = -1;
  }
  const extended = extensions.map(({ parent, column, state, mass }) => prefix(parent, column, state, 0, mass));
  const beam = [...staying, ...extended]
    .filter((one) => one.blank + one.letter > 0)
    .sort((a, b) => b.blank + b.letter - a.blank - a.letter)
    .slice(0, width);
  const heaviest = beam[0] === undefined ? 1 : beam[0].blank + beam[0].letter;
  for (const [at, one] of beam.entries()) {
    one.at = at;
    one.blank /= heaviest;
    one.letter /= heaviest;
  }
  return beam;
}

function prefix(parent: Prefix | undefined, column: number, state: number, blank: number, letter: number): Prefix {
  const length = parent === undefined ? 0 : parent.length + 1;
  return { parent, column, length, state, at: 0, blank, letter, nextBlank: 0, nextLetter: 0 };
}

function columnsOf(last: Prefix): Uint8Array {
  const columns = new Uint8Array(last.length);
  for (let one: Prefix = last; one.parent !== undefined; one = one.parent) columns[one.length - 1] = one.column;
  return columns;
}

interface Extension {
  readonly parent: Prefix;
  readonly column: number;
  readonly state: number;
  readonly mass: number;
}

/** The heaviest extensions of a step, lightest last. */
class Heaviest {
  readonly extensions: Extension[] = [];
  /** What an extension must exceed to be kept. */
  least = 0;
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  offer(extension: Extension): void {
    const { extensions } = this;
    let at = extensions.length;
    while (at > 0 && extensions[at - 1]!.mass < extension.mass) at--;
    extensions.splice(at, 0, extension);
    if (extensions.length > this.#width) extensions.pop();
    if (extensions.length === this.#width) this.least = extensions[this.#width - 1]!.mass;
  }
}
