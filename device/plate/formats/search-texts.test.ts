import test from 'ava';
import fc from 'fast-check';
import { columnCount, textOf } from './alphabet.ts';
import { anyText } from './automaton.ts';
import { emissionsOf, textMass } from './ctc.ts';
import { searchTexts } from './search-texts.ts';
import { anyLogits } from './testing/synthetic-logits.ts';

/** Every text that two steps can say: none, one character, or two different ones. */
const columns = Array.from({ length: columnCount - 1 }, (_, i) => i + 1);
const all = [
  [],
  ...columns.map((one) => [one]),
  ...columns.flatMap((one) => columns.flatMap((other) => (one === other ? [] : [[one, other]]))),
].map((text) => Uint8Array.from(text));

test('a beam that is wide enough finds every text, the likeliest first', (t) => {
  fc.assert(
    fc.property(anyLogits(2, 2), ({ logits }) => {
      const emissions = emissionsOf(logits, 2)!;
      const found = searchTexts(emissions, anyText, 1400);
      t.is(new Set(found.map(textOf)).size, all.length);
      const masses = found.map((text) => textMass(emissions, text));
      t.true(masses.every((mass, i) => i === 0 || mass <= masses[i - 1]! * (1 + 1e-9)));
    }),
    { numRuns: 10 },
  );
});

test('a narrow beam keeps the heaviest beginnings of each step', (t) => {
  fc.assert(
    fc.property(anyLogits(1, 1), fc.integer({ min: 1, max: 37 }), ({ logits }, width) => {
      const emissions = emissionsOf(logits, 1)!;
      const heaviest = all
        .filter(({ length }) => length < 2)
        .map((text) => textMass(emissions, text))
        .sort((a, b) => b - a)
        .slice(0, width);
      t.deepEqual(
        searchTexts(emissions, anyText, width).map((text) => textMass(emissions, text)),
        heaviest,
      );
    }),
    { numRuns: 50 },
  );
});
