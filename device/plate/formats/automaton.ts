import { alphabet, columnCount } from './alphabet.ts';
import type { PlateFormat } from './plate-format.ts';

/** A deterministic automaton over columns 1 to 36, state 0 first. */
export interface Automaton {
  /** `[states * 37]`: the state after a column, or -1. */
  readonly next: Int32Array;
  /** By state: index of the first format whose text ends here, or -1. */
  readonly accepts: Int32Array;
}

/** Every text of the alphabet, of any length. */
export const anyText: Automaton = { next: new Int32Array(columnCount), accepts: new Int32Array(1) };

/** What is left of a pattern: the format it belongs to and the positions to come. */
interface Rest {
  readonly format: number;
  readonly pattern: readonly string[];
  readonly from: number;
}

/**
 * The automaton of all patterns of all formats. States are sets of what may still come (subset construction), so equal endings are
 * shared whatever came before: the thousands of texts of a generic format need some dozens of states.
 */
export function automatonOf(formats: readonly PlateFormat[]): Automaton {
  const start = formats.flatMap((format, index) =>
    format.patterns.map((pattern) => ({ format: index, pattern, from: 0 })),
  );
  const numbers = new Map<string, number>();
  const sets: Rest[][] = [];
  const numberOf = (rests: readonly Rest[]): number => {
    const byKey = new Map(rests.map((rest) => [keyOf(rest), rest]));
    const key = [...byKey.keys()].sort().join('\n');
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, sets.length);
    return sets.push([...byKey.values()]) - 1;
  };
  numberOf(start);
  const rows: number[][] = [];
  for (let state = 0; state < sets.length; state++) {
    const rests = sets[state]!;
    const row = new Array<number>(columnCount).fill(-1);
    // Characters that the same positions allow lead to the same state: one look-up for each such group.
    const groups = new Map<string, number>();
    for (let column = 1; column < columnCount; column++) {
      const allowed = rests
        .map((rest) => (rest.pattern[rest.from]?.includes(alphabet[column - 1]!) ? '1' : '0'))
        .join('');
      if (!allowed.includes('1')) continue;
      const target =
        groups.get(allowed) ?? numberOf(rests.flatMap((rest, i) => (allowed[i] === '1' ? [after(rest)] : [])));
      groups.set(allowed, target);
      row[column] = target;
    }
    rows.push(row);
  }
  const accepts = sets.map((rests) => {
    const ended = rests.filter((rest) => rest.from === rest.pattern.length).map((rest) => rest.format);
    return ended.length > 0 ? Math.min(...ended) : -1;
  });
  return { next: Int32Array.from(rows.flat()), accepts: Int32Array.from(accepts) };
}

function after(rest: Rest): Rest {
  return { ...rest, from: rest.from + 1 };
}

function keyOf({ format, pattern, from }: Rest): string {
  return `${format}:${pattern.slice(from).join(' ')}`;
}

/** Index of the first format that a text fits, or -1. */
export function formatOf({ next, accepts }: Automaton, columns: Uint8Array): number {
  let state = 0;
  for (const column of columns) {
    state = next[state * columnCount + column]!;
    if (state < 0) return -1;
  }
  return accepts[state]!;
}
