import { columnCount, columnsOf } from './alphabet.ts';

/**
 * Connectionist temporal classification (Graves et al., "Connectionist Temporal Classification", ICML 2006): a text's probability is the
 * sum over every alignment that collapses to it, repeats merged and blanks dropped.
 *
 * Everything is reckoned in plain doubles on emissions whose likeliest column of each step is 1, the factors put aside as one logarithm
 * (`scale`). The likeliest texts are then near 1 whatever the number of steps, and a text vanishes only where it is 1e300 times less
 * likely than the best: as exact as logarithms, without an exponential in the inner loop.
 */
export interface Emissions {
  readonly steps: number;
  /** `[steps * 37]`: each step's probabilities over its largest. */
  readonly values: Float64Array;
  /** Natural logarithm of the product of the largest probabilities. */
  readonly scale: number;
  /** The largest value of each column over all steps. */
  readonly peaks: Float64Array;
}

/** Softmax of every step; undefined where there is no step, too few logits, or a logit that is not a finite number. */
export function emissionsOf(logits: Float32Array, steps: number): Emissions | undefined {
  if (!Number.isInteger(steps) || steps < 1 || logits.length < steps * columnCount) return undefined;
  const values = new Float64Array(steps * columnCount);
  const peaks = new Float64Array(columnCount);
  let scale = 0;
  for (let row = 0; row < values.length; row += columnCount) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let column = 0; column < columnCount; column++) {
      const logit = logits[row + column]!;
      if (!Number.isFinite(logit)) return undefined;
      if (logit > largest) largest = logit;
    }
    let sum = 0;
    for (let column = 0; column < columnCount; column++) {
      const value = Math.exp(logits[row + column]! - largest);
      values[row + column] = value;
      sum += value;
      if (value > peaks[column]!) peaks[column] = value;
    }
    scale -= Math.log(sum);
  }
  return { steps, values, scale, peaks };
}

/** Probability, from 0 to 1, of a mass that was summed over scaled emissions. */
export function probabilityOf(mass: number, scale: number): number {
  return mass > 0 ? Math.min(1, Math.exp(Math.log(mass) + scale)) : 0;
}

/**
 * Exact probability of one text under the logits `[steps, 37]`, among all texts of the alphabet and of any length. 0 for a text with
 * other characters, for too few steps, and for logits that are not finite numbers.
 */
export function textProbability(logits: Float32Array, steps: number, text: string): number {
  const emissions = emissionsOf(logits, steps);
  const columns = columnsOf(text);
  return emissions && columns ? probabilityOf(textMass(emissions, columns), emissions.scale) : 0;
}

/** The forward algorithm: the scaled sum over all alignments of a text. States: blank, first character, blank, second, ..., blank. */
export function textMass({ steps, values }: Emissions, columns: Uint8Array): number {
  const last = columns.length * 2;
  const alpha = new Float64Array(last + 1);
  alpha[0] = values[0]!;
  if (last > 0) alpha[1] = values[columns[0]!]!;
  for (let step = 1; step < steps; step++) {
    const row = step * columnCount;
    const blank = values[row]!;
    // From the end, so that the states before still hold the step before.
    for (let state = Math.min(last, step * 2 + 1); state >= 0; state--) {
      const here = alpha[state]! + (state > 0 ? alpha[state - 1]! : 0);
      alpha[state] =
        state % 2 === 0 ? here * blank : (here + skipped(alpha, columns, state)) * at(values, row, columns, state);
    }
  }
  return alpha[last]! + (last > 0 ? alpha[last - 1]! : 0);
}

/**
 * What the text would weigh with each other column at each of its places, the other characters as they are: `[places * 37]`, scaled as
 * `textMass`. Columns that never reach `leastPeak` of a step's largest are left at 0. One forward and one backward pass serve all.
 */
export function massesAt(emissions: Emissions, columns: Uint8Array, leastPeak: number): Float64Array {
  const { steps, values, peaks } = emissions;
  const places = columns.length;
  const states = places * 2 + 1;
  const alpha = forwardTable(emissions, columns);
  const beta = backwardTable(emissions, columns);
  const masses = new Float64Array(places * columnCount);
  for (let place = 0; place < places; place++) {
    const before = place > 0 ? columns[place - 1]! : 0;
    const after = place < places - 1 ? columns[place + 1]! : 0;
    for (let column = 1; column < columnCount; column++) {
      if (peaks[column]! < leastPeak && column !== columns[place]) continue;
      const joinsBefore = before !== 0 && before !== column ? 1 : 0;
      const joinsAfter = after !== 0 && after !== column ? 1 : 0;
      let held = 0;
      let mass = 0;
      for (let step = 0; step < steps; step++) {
        const back = (step - 1) * states + place * 2;
        const entering = step === 0 ? (place === 0 ? 1 : 0) : alpha[back]! + (joinsBefore === 0 ? 0 : alpha[back - 1]!);
        held = (held + entering) * values[step * columnCount + column]!;
        if (held === 0) continue;
        const on = (step + 1) * states + place * 2 + 2;
        const leaving =
          step === steps - 1 ? (place === places - 1 ? 1 : 0) : beta[on]! + (joinsAfter === 0 ? 0 : beta[on + 1]!);
        mass += held * leaving;
      }
      masses[place * columnCount + column] = mass;
    }
  }
  return masses;
}

/** `[steps, states]`: weight of all beginnings that stand in a state after a step. */
function forwardTable({ steps, values }: Emissions, columns: Uint8Array): Float64Array {
  const states = columns.length * 2 + 1;
  const table = new Float64Array(steps * states);
  table[0] = values[0]!;
  if (states > 1) table[1] = values[columns[0]!]!;
  for (let step = 1; step < steps; step++) {
    const before = table.subarray((step - 1) * states, step * states);
    const row = step * columnCount;
    for (let state = 0; state < states; state++) {
      const here = before[state]! + (state > 0 ? before[state - 1]! : 0);
      table[step * states + state] =
        state % 2 === 0
          ? here * values[row]!
          : (here + skipped(before, columns, state)) * at(values, row, columns, state);
    }
  }
  return table;
}

/** `[steps, states]`: weight of all endings from a state at a step, that step's emission included. */
function backwardTable({ steps, values }: Emissions, columns: Uint8Array): Float64Array {
  const states = columns.length * 2 + 1;
  const table = new Float64Array(steps * states);
  for (let step = steps - 1; step >= 0; step--) {
    const row = step * columnCount;
    const next = (step + 1) * states;
    for (let state = 0; state < states; state++) {
      const emitted = state % 2 === 0 ? values[row]! : at(values, row, columns, state);
      let rest = 0;
      if (step === steps - 1) rest = state >= states - 2 ? 1 : 0;
      else {
        rest = table[next + state]! + (state + 1 < states ? table[next + state + 1]! : 0);
        const place = (state - 1) / 2;
        if (state % 2 === 1 && place + 1 < columns.length && columns[place] !== columns[place + 1])
          rest += table[next + state + 2]!;
      }
      table[step * states + state] = emitted * rest;
    }
  }
  return table;
}

/** Weight that goes from the character before straight to this one: none where both are the same, a blank must part them. */
function skipped(alpha: Float64Array, columns: Uint8Array, state: number): number {
  const place = (state - 1) / 2;
  return place > 0 && columns[place] !== columns[place - 1] ? alpha[state - 2]! : 0;
}

function at(values: Float64Array, row: number, columns: Uint8Array, state: number): number {
  return values[row + columns[(state - 1) / 2]!]!;
}
