import { alphabet, digits } from './alphabet.ts';

/** One allowed text shape: a string of allowed characters for each position. */
export type Pattern = readonly string[];

/** Texts of letters and digits without a fixed order, as a format of a whole region allows them. Lengths and runs in characters. */
export interface Mix {
  readonly least: number;
  readonly most: number;
  readonly letters: { readonly least: number; readonly run: number };
  readonly digits: { readonly least: number; readonly run: number };
  /** How often letters may turn into digits or back. */
  readonly changes: number;
}

const token = /L|D|A|\[[A-Z0-9]+\]|<code>/g;

/**
 * The patterns that a written one stands for: `L` a letter of the format, `D` a digit, `A` either, `[XYZ]` one of these, `<code>` one of
 * the format's codes, spaces as on the plate. Undefined where it is not written so. One pattern, or one for each code.
 */
export function expandPattern(written: string, ownLetters: string, codes: readonly string[]): Pattern[] | undefined {
  const tokens = written.replaceAll(' ', '').match(token) ?? [];
  if (tokens.join('') !== written.replaceAll(' ', '') || tokens.length === 0) return undefined;
  let patterns: string[][] = [[]];
  for (const one of tokens) {
    const ways = one === '<code>' ? codes.map((code) => [...code]) : [[charactersOf(one, ownLetters)]];
    patterns = patterns.flatMap((pattern) => ways.map((way) => [...pattern, ...way]));
  }
  return patterns;
}

function charactersOf(one: string, ownLetters: string): string {
  if (one === 'L') return ownLetters;
  if (one === 'D') return digits;
  const allowed = one === 'A' ? digits + ownLetters : one;
  return [...alphabet].filter((character) => allowed.includes(character)).join('');
}

/** Every shape of letters and digits that a mix allows, shortest first. */
export function expandMix(mix: Mix, ownLetters: string): Pattern[] {
  const patterns: Pattern[] = [];
  for (let length = mix.least; length <= mix.most; length++) {
    for (let bits = 0; bits < 2 ** length; bits++) {
      const shape = Array.from({ length }, (_, i) => ((bits >> i) & 1) === 1);
      if (fitsMix(shape, mix)) patterns.push(shape.map((isDigit) => (isDigit ? digits : ownLetters)));
    }
  }
  return patterns;
}

/** `shape`: true where a digit stands. */
function fitsMix(shape: readonly boolean[], mix: Mix): boolean {
  const count = shape.filter(Boolean).length;
  if (count < mix.digits.least || shape.length - count < mix.letters.least) return false;
  let changes = 0;
  let run = 0;
  for (const [i, isDigit] of shape.entries()) {
    if (i > 0 && isDigit !== shape[i - 1]) {
      changes++;
      run = 0;
    }
    run++;
    if (run > (isDigit ? mix.digits : mix.letters).run) return false;
  }
  return changes <= mix.changes;
}
