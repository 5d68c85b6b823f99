/**
 * Plates as numbers: a text of A-Z and 0-9 read as digits 1 to 36 to the base 37, so that length and characters both tell. Ten characters
 * stay below 2^53, where every whole number is exact; a sorted array of them is a list that is small, fast and no text.
 */

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const base = 37;
export const leastCharacters = 2;
export const mostCharacters = 10;

/** The number of a plate; undefined for what is not 2 to 10 of A-Z and 0-9. */
export function plateCode(text: string): number | undefined {
  if (text.length < leastCharacters || text.length > mostCharacters) return undefined;
  let code = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character) + 1;
    if (digit === 0) return undefined;
    code = code * base + digit;
  }
  return code;
}

/** A plate as a person writes it, as a list holds it: capitals, without blanks, dashes and dots; undefined for what is no plate. */
export function normalisePlate(written: string): string | undefined {
  const plain = written.replaceAll(/[\s.·-]/g, '');
  return /^[A-Za-z0-9]{2,10}$/.test(plain) ? plain.toUpperCase() : undefined;
}

/** A text that is one step away from another. */
export interface Neighbour {
  readonly code: number;
  /** `other`: one character is another one; `longer`: it has one more at an end; `shorter`: one less at an end. */
  readonly step: 'other' | 'longer' | 'shorter';
  /** Position in the text that was asked about: of the other character, or of the end. */
  readonly at: number;
  /** The character that it has there and the text has not; empty for `shorter`. */
  readonly character: string;
}

/** Every text one step away from this one, once: 35 for each character, up to 72 that are longer and 2 that are shorter. */
export function* neighbours(text: string): Generator<Neighbour> {
  const code = plateCode(text);
  if (code === undefined) return;
  const last = text.length - 1;
  const digits = Array.from(text, (character) => alphabet.indexOf(character) + 1);
  for (const [at, digit] of digits.entries()) {
    const weight = base ** (last - at);
    for (let other = 1; other < base; other += 1) {
      if (other === digit) continue;
      yield { code: code + (other - digit) * weight, step: 'other', at, character: alphabet[other - 1] ?? '' };
    }
  }
  if (text.length < mostCharacters) {
    const weight = base ** text.length;
    for (let other = 1; other < base; other += 1) {
      const character = alphabet[other - 1] ?? '';
      const [before, after] = [other * weight + code, code * base + other];
      yield { code: before, step: 'longer', at: 0, character };
      if (after !== before) yield { code: after, step: 'longer', at: last, character };
    }
  }
  if (text.length > leastCharacters) {
    const [first = 0, end = 0] = [digits[0], digits[last]];
    const [before, after] = [code - first * base ** last, (code - end) / base];
    yield { code: before, step: 'shorter', at: 0, character: '' };
    if (after !== before) yield { code: after, step: 'shorter', at: last, character: '' };
  }
}
