import test from 'ava';
import fc from 'fast-check';
import { alphabet, columnCount, columnsOf } from './alphabet.ts';
import { emissionsOf, massesAt, probabilityOf, textMass, textProbability } from './ctc.ts';
import { anyLogits, logitsOf } from './testing/synthetic-logits.ts';

const text = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom(...'01AB'), minLength: least, maxLength: most });

/** Every path of every column, collapsed by the definition: the probability of each text. */
function byEnumeration(logits: Float32Array, steps: number): Map<string, number> {
  const rows = Array.from({ length: steps }, (_, step) => {
    const row = [...logits.slice(step * columnCount, (step + 1) * columnCount)].map(Math.exp);
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((value) => value / sum);
  });
  let paths: { text: string; last: number; p: number }[] = [{ text: '', last: 0, p: 1 }];
  for (const row of rows) {
    paths = paths.flatMap((path) =>
      row.map((p, column) => ({
        text: column === 0 || column === path.last ? path.text : path.text + alphabet[column - 1]!,
        last: column,
        p: path.p * p,
      })),
    );
  }
  const texts = new Map<string, number>();
  for (const path of paths) texts.set(path.text, (texts.get(path.text) ?? 0) + path.p);
  return texts;
}

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(a, b, 1e-12);

test('the probability of a text is the sum over every path that collapses to it', (t) => {
  fc.assert(
    fc.property(anyLogits(1, 3), fc.array(text(0, 4), { minLength: 1, maxLength: 8 }), ({ logits, steps }, texts) => {
      const exact = byEnumeration(logits, steps);
      for (const one of texts) t.true(near(textProbability(logits, steps, one), exact.get(one) ?? 0));
    }),
    { numRuns: 15 },
  );
});

test('all texts together have probability one', (t) => {
  fc.assert(
    fc.property(anyLogits(2, 2), ({ logits, steps }) => {
      const texts = ['', ...alphabet, ...[...alphabet].flatMap((a) => [...alphabet].map((b) => a + b))];
      const sum = texts.reduce((all, one) => all + textProbability(logits, steps, one), 0);
      t.true(Math.abs(sum - 1) < 1e-9);
    }),
    { numRuns: 5 },
  );
});

test('a repeated character needs a blank in between', (t) => {
  const logits = logitsOf('A', 2, 5);
  t.is(textProbability(logits, 2, 'AA'), 0);
  const three = new Float32Array(3 * columnCount);
  t.true(near(textProbability(three, 3, 'AA'), 1 / 37 ** 3));
  t.true(near(textProbability(three, 3, 'AB'), 5 / 37 ** 3));
});

test('long and sure logits keep their precision', (t) => {
  const logits = logitsOf('ABCD12', 400, 30);
  t.true(textProbability(logits, 400, 'ABCD12') > 0.999);
  const flat = new Float32Array(400 * columnCount);
  const p = textProbability(flat, 400, 'A');
  t.true(p >= 0 && p < 1e-300);
});

test('what no column stands for, too few logits and logits that are no numbers have probability zero', (t) => {
  const logits = logitsOf('A', 3, 5);
  t.is(textProbability(logits, 3, 'Ñ'), 0);
  t.is(textProbability(logits, 3, 'a'), 0);
  t.is(textProbability(logits, 4, 'A'), 0);
  t.is(textProbability(logits, 0, ''), 0);
  t.is(textProbability(logits, 1.5, 'A'), 0);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const spoilt = logits.slice();
    spoilt[50] = bad;
    t.is(textProbability(spoilt, 3, 'A'), 0);
  }
});

test('the mass of each alternative at a place is that of the whole text with it', (t) => {
  fc.assert(
    fc.property(anyLogits(3, 7), text(1, 3), ({ logits, steps }, one) => {
      const emissions = emissionsOf(logits, steps)!;
      const columns = columnsOf(one)!;
      const masses = massesAt(emissions, columns, 0);
      for (let place = 0; place < columns.length; place++) {
        for (let column = 1; column < columnCount; column++) {
          const exact = textMass(emissions, columns.with(place, column));
          t.true(Math.abs(masses[place * columnCount + column]! - exact) <= 1e-9 * exact + 1e-300);
        }
      }
      t.true(near(probabilityOf(textMass(emissions, columns), emissions.scale), textProbability(logits, steps, one)));
    }),
    { numRuns: 30 },
  );
});
