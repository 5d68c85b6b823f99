import fc from 'fast-check';
import { alphabet, columnCount } from '../alphabet.ts';

/** Logits `[steps, 37]` of a network that reads `text`, a step between any two characters, each `margin` above all other columns. */
export function logitsOf(text: string, steps: number, margin: number, noise: readonly number[] = [0]): Float32Array {
  const logits = Float32Array.from({ length: steps * columnCount }, (_, i) => noise[i % noise.length]!);
  const at = new Map([...text].map((character, i) => [Math.floor(((i + 0.5) * steps) / text.length), character]));
  for (let step = 0; step < steps; step++) {
    const character = at.get(step);
    logits[step * columnCount + (character === undefined ? 0 : alphabet.indexOf(character) + 1)]! += margin;
  }
  return logits;
}

/** The same logits with another character nearly as strong at one of the text's places. */
export function rival(
  logits: Float32Array,
  text: string,
  place: number,
  character: string,
  below: number,
): Float32Array {
  const steps = logits.length / columnCount;
  const row = Math.floor(((place + 0.5) * steps) / text.length) * columnCount;
  const own = logits[row + alphabet.indexOf(text[place]!) + 1]!;
  const changed = logits.slice();
  changed[row + alphabet.indexOf(character) + 1] = own - below;
  return changed;
}

/** Any logits of a few steps. */
export const anyLogits = (least: number, most: number): fc.Arbitrary<{ logits: Float32Array; steps: number }> =>
  fc.integer({ min: least, max: most }).chain((steps) =>
    fc
      .array(fc.float({ min: -6, max: 6, noNaN: true }), {
        minLength: steps * columnCount,
        maxLength: steps * columnCount,
      })
      .map((values) => ({ logits: Float32Array.from(values), steps })),
  );

/** A text of a pattern: a character of each position. */
export const textOfPattern = (pattern: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(...pattern.map((allowed) => fc.constantFrom(...allowed))).map((characters) => characters.join(''));
