import { columnCount } from './alphabet.ts';
import type { Automaton } from './automaton.ts';
import type { Emissions } from './ctc.ts';

/** A column below this share of its step's likeliest starts no character: what it would add is lost in the rounding of the logits. */
const leastShare = 1e-7;

/**
 * The likeliest texts that the automaton accepts: prefix beam search (Hannun et al., "First-Pass Large Vocabulary Continuous Speech
 * Recognition using Bi-Directional Recurrent DNNs", 2014), without a language model. Each step keeps the `width` heaviest beginnings
 * that the automaton can still complete. Order and completeness are those of the beam: weigh the texts with `textMass`.
 */
export function searchTexts({ steps, values }: Emissions, { next, accepts }: Automaton, width: number): Uint8Array[] {
  const prefixes = new Prefixes(steps, width);
  const extensions = new Extensions(width);
  const columns = new Uint8Array(columnCount);
  const { beam, state, blank, letter } = prefixes;
  for (let step = 0; step < steps; step++) {
    const row = step * columnCount;
    prefixes.stay(values, row);
    const count = sortLikeliest(values, row, columns);
    extensions.clear(prefixes.leastKept());
    for (let at = 0; at < prefixes.count; at++) {
      const one = beam[at]!;
      const most = blank[one]! + letter[one]!;
      for (let i = 0; i < count; i++) {
        const column = columns[i]!;
        const emitted = values[row + column]!;
        if (most * emitted <= extensions.least) break;
        const to = next[state[one]! * columnCount + column]!;
        if (to < 0 || prefixes.isTaken(at, column)) continue;
        extensions.offer(one, column, to, prefixes.started(one, column) * emitted);
      }
    }
    prefixes.advance(extensions);
    if (prefixes.count === 0) return [];
  }
  return Array.from(beam.subarray(0, prefixes.count))
    .filter((one) => accepts[state[one]!]! >= 0)
    .map((one) => prefixes.columnsOf(one));
}

/** Writes the columns that may start a character at a step, likeliest first, the first of equal ones first, and returns how many. */
function sortLikeliest(values: Float64Array, row: number, columns: Uint8Array): number {
  let count = 0;
  for (let column = 1; column < columnCount; column++) {
    const value = values[row + column]!;
    if (value < leastShare) continue;
    let at = count++;
    for (; at > 0 && values[row + columns[at - 1]!]! < value; at--) columns[at] = columns[at - 1]!;
    columns[at] = column;
  }
  return count;
}

/** All beginnings of texts of one search, by number, each linked to the one that it goes on from; 0 is the empty text. */
class Prefixes {
  /** Numbers of the beginnings that are still gone on with, heaviest first: the first `count`. */
  readonly beam: Int32Array;
  count = 1;
  readonly state: Int32Array;
  /** Weight of its alignments that end in a blank, and of those that end in its last character; over the heaviest of the step. */
  readonly blank: Float64Array;
  readonly letter: Float64Array;
  readonly #parent: Int32Array;
  /** 0 for the empty text. */
  readonly #column: Uint8Array;
  readonly #length: Int32Array;
  /** Place in the beam; -1 once it has dropped out. */
  readonly #at: Int32Array;
  /** By place in the beam and column: that extension is in the beam already. */
  readonly #taken: Uint8Array;
  /** What the beginnings will weigh, by place in the beam. */
  readonly #stayBlank: Float64Array;
  readonly #stayLetter: Float64Array;
  /** Room for the beam before a step. */
  readonly #before: Int32Array;
  readonly #width: number;
  #made = 1;

  constructor(steps: number, width: number) {
    const most = 1 + steps * width;
    this.beam = new Int32Array(width);
    this.state = new Int32Array(most);
    this.blank = new Float64Array(most);
    this.letter = new Float64Array(most);
    this.#parent = new Int32Array(most);
    this.#column = new Uint8Array(most);
    this.#length = new Int32Array(most);
    this.#at = new Int32Array(most);
    this.#taken = new Uint8Array(width * columnCount);
    this.#before = new Int32Array(width);
    this.#width = width;
    this.blank[0] = 1;
    this.#stayBlank = new Float64Array(width);
    this.#stayLetter = new Float64Array(width);
  }

  /**
   * What the beginnings weigh after a step in which none of them becomes a new one: a blank, their last character once more, or that
   * character reached from the beginning before.
   */
  stay(values: Float64Array, row: number): void {
    this.#taken.fill(0);
    for (let at = 0; at < this.count; at++) {
      const one = this.beam[at]!;
      const column = this.#column[one]!;
      const emitted = values[row + column]!;
      this.#stayBlank[at] = (this.blank[one]! + this.letter[one]!) * values[row]!;
      let letter = this.letter[one]! * emitted;
      const parent = this.#parent[one]!;
      const place = one === 0 ? -1 : this.#at[parent]!;
      if (place >= 0) {
        letter += this.started(parent, column) * emitted;
        this.#taken[place * columnCount + column] = 1;
      }
      this.#stayLetter[at] = letter;
    }
  }

  /** What an extension must exceed: the lightest that stays, once those that stay fill the beam. */
  leastKept(): number {
    if (this.count < this.#width) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.count; at++) least = Math.min(least, this.#stayBlank[at]! + this.#stayLetter[at]!);
    return least;
  }

  isTaken(at: number, column: number): boolean {
    return this.#taken[at * columnCount + column] === 1;
  }

  /** Weight with which a beginning goes on to a character: one that repeats its last needs a blank in between. */
  started(from: number, column: number): number {
    return column === this.#column[from]! ? this.blank[from]! : this.blank[from]! + this.letter[from]!;
  }

  /** Makes the beam the heaviest of those that stay and of their extensions, their weights over the heaviest's. */
  advance(extensions: Extensions): void {
    const before = this.#before;
    const staying = this.#sortStaying(before);
    let [kept, stayed, extended] = [0, 0, 0];
    while (kept < this.#width) {
      const one = stayed < staying ? before[stayed]! : -1;
      const own = one < 0 ? 0 : this.blank[one]! + this.letter[one]!;
      const mass = extended < extensions.count ? extensions.mass[extended]! : 0;
      if (own <= 0 && mass <= 0) break;
      if (own >= mass) {
        this.beam[kept] = one;
        stayed++;
      } else this.beam[kept] = this.#make(extensions, extended++);
      kept++;
    }
    this.count = kept;
    const heaviest = kept === 0 ? 1 : this.blank[this.beam[0]!]! + this.letter[this.beam[0]!]!;
    for (let at = 0; at < kept; at++) {
      const one = this.beam[at]!;
      this.#at[one] = at;
      this.blank[one] = this.blank[one]! / heaviest;
      this.letter[one] = this.letter[one]! / heaviest;
    }
  }

  /** Gives those that stay their new weights and writes them in order of them; returns how many. */
  #sortStaying(order: Int32Array): number {
    for (let place = 0; place < this.count; place++) {
      const one = this.beam[place]!;
      this.#at[one] = -1;
      this.blank[one] = this.#stayBlank[place]!;
      this.letter[one] = this.#stayLetter[place]!;
      const weight = this.blank[one]! + this.letter[one]!;
      let at = place;
      for (; at > 0 && this.blank[order[at - 1]!]! + this.letter[order[at - 1]!]! < weight; at--)
        order[at] = order[at - 1]!;
      order[at] = one;
    }
    return this.count;
  }

  #make({ parent, column, state, mass }: Extensions, i: number): number {
    const one = this.#made++;
    this.#parent[one] = parent[i]!;
    this.#column[one] = column[i]!;
    this.#length[one] = this.#length[parent[i]!]! + 1;
    this.state[one] = state[i]!;
    this.letter[one] = mass[i]!;
    return one;
  }

  columnsOf(last: number): Uint8Array {
    const columns = new Uint8Array(this.#length[last]!);
    for (let one = last, place = columns.length - 1; place >= 0; one = this.#parent[one]!, place--)
      columns[place] = this.#column[one]!;
    return columns;
  }
}

/** The heaviest extensions of a step, at most `width`, lightest last: the first `count`. */
class Extensions {
  count = 0;
  /** What an extension must exceed to be kept. */
  least = 0;
  readonly parent: Int32Array;
  readonly column: Uint8Array;
  readonly state: Int32Array;
  readonly mass: Float64Array;

  constructor(width: number) {
    this.parent = new Int32Array(width);
    this.column = new Uint8Array(width);
    this.state = new Int32Array(width);
    this.mass = new Float64Array(width);
  }

  clear(least: number): void {
    this.count = 0;
    this.least = least;
  }

  offer(parent: number, column: number, state: number, mass: number): void {
    if (!(mass > this.least)) return;
    const width = this.mass.length;
    let at = this.count < width ? this.count++ : width - 1;
    for (; at > 0 && this.mass[at - 1]! < mass; at--) this.#move(at - 1, at);
    this.parent[at] = parent;
    this.column[at] = column;
    this.state[at] = state;
    this.mass[at] = mass;
    if (this.count === width) this.least = Math.max(this.least, this.mass[width - 1]!);
  }

  #move(from: number, to: number): void {
    this.parent[to] = this.parent[from]!;
    this.column[to] = this.column[from]!;
    this.state[to] = this.state[from]!;
    this.mass[to] = this.mass[from]!;
  }
}
