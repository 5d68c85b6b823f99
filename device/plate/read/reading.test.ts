import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../../kernel/units.ts';
import type { Decoded } from '../formats/decode.ts';
import { confidenceOf, othersOf } from './confidence.ts';
import { joinViews } from './reading.ts';
import type { PlaceSigns, TextSigns } from './signs.ts';

/** What one view says: texts with their probabilities, likeliest first. */
function view(...fits: readonly (readonly [text: string, confidence: number])[]): Decoded {
  const made = fits.map(([text, confidence]) => ({
    text,
    confidence: fraction(confidence),
    format: 'xx-any',
    generic: false,
    characters: [...text].map((character) => ({ character, confidence: fraction(Math.sqrt(confidence)) })),
  }));
  return { raw: made[0] ?? { text: '', confidence: fraction(0), characters: [] }, fits: made };
}

test('views that agree: their text, with the mean of their log probabilities', (t) => {
  const reading = joinViews([view(['AB12', 0.9], ['A812', 0.05]), view(['AB12', 0.4], ['A812', 0.3])]);
  t.is(reading.best?.text, 'AB12');
  t.is(reading.agreement, 1);
  t.true(Math.abs(reading.logProbability - (Math.log(0.9) + Math.log(0.4)) / 2) < 1e-9);
  t.deepEqual(
    reading.others.map(({ text }) => text),
    ['A812'],
  );
  t.is(reading.raw.text, 'AB12');
});

test('a text that one view alone is sure of loses against one that all find likely', (t) => {
  const reading = joinViews([view(['AB12', 0.9], ['A812', 0.09]), view(['A812', 0.5]), view(['A812', 0.5])]);
  t.is(reading.best?.text, 'A812');
  t.true(Math.abs(reading.agreement - 2 / 3) < 1e-9);
});

test('nothing that fits in any view: no best text, and as unlikely as can be', (t) => {
  const reading = joinViews([view(), view()]);
  t.is(reading.best, undefined);
  t.is(reading.agreement, 0);
  t.true(reading.logProbability < -13);
});

const within = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const text: fc.Arbitrary<TextSigns> = fc.record({
  logProbability: within(-8, 0),
  weakest: within(-7, 0),
  lead: within(0, 8),
  agreement: within(0, 1),
  height: within(1.4, 3.5),
  series: fc.constantFrom(0, 1),
});
const place: fc.Arbitrary<PlaceSigns> = fc.record({ framed: within(0, 1) });

test('the confidence is a probability, and more of any sign never lowers it', (t) => {
  fc.assert(
    fc.property(text, place, within(0, 1), (signs, stands, more) => {
      const before = confidenceOf(signs, stands);
      if (!(before >= 0 && before <= 1)) return false;
      const better = [
        ...Object.keys(signs).map((name) =>
          confidenceOf({ ...signs, [name]: signs[name as keyof TextSigns] + more }, stands),
        ),
        ...Object.keys(stands).map((name) =>
          confidenceOf(signs, { ...stands, [name]: stands[name as keyof PlaceSigns] + more }),
        ),
      ];
      return better.every((after) => after >= before);
    }),
  );
  t.pass();
});

test('other texts are never surer than the best, nor than what it leaves over, and seven at most', (t) => {
  const texts = Array.from({ length: 8 }, (_, i) => [`AB1${i}`, 0.5 / (i + 1)] as const);
  const reading = joinViews([view(...texts), view(['XY99', 0.2], ...texts.slice(0, 7))]);
  for (const best of [0.05, 0.5, 0.97]) {
    const others = othersOf(reading, fraction(best));
    t.true(
      others.length <= 7 && others.every(({ confidence }) => confidence <= best && confidence <= 1 - best + 1e-12),
    );
    t.false(others.some((other) => other.text === reading.best?.text));
  }
});
