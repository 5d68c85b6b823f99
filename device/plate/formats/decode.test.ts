import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../../kernel/units.ts';
import { alphabet, columnCount, columnsOf } from './alphabet.ts';
import { automatonOf, formatOf } from './automaton.ts';
import { textProbability } from './ctc.ts';
import { decoderFor, decodeUnderFormats } from './decode.ts';
import { allFormats, loadFormats } from './format.ts';
import type { PlateFormat } from './plate-format.ts';
import { anyLogits, logitsOf, rival, textOfPattern } from './testing/synthetic-logits.ts';

const noise = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 40, maxLength: 60 });
const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(a, b);

/** A format of one's own, for texts few enough to count. */
async function formatLike(
  id: string,
  patterns: readonly (readonly string[])[],
  more: Partial<PlateFormat> = {},
): Promise<PlateFormat> {
  const [model] = await loadFormats(['br-old']);
  return { ...model!, id, patterns, ...more };
}

test('a text that fits a format is read as itself under that format, surely', async (t) => {
  const formats = await allFormats();
  const decoders = new Map(formats.map((format) => [format.id, decoderFor([format])]));
  const texts = fc
    .constantFrom(...formats)
    .chain((format) =>
      fc.constantFrom(...format.patterns).chain((pattern) => textOfPattern(pattern).map((text) => ({ format, text }))),
    );
  fc.assert(
    fc.property(texts, fc.integer({ min: 20, max: 80 }), noise, ({ format, text }, steps, jitter) => {
      const logits = logitsOf(text, steps, 14, jitter);
      const { raw, fits } = decoders.get(format.id)!(logits, steps);
      t.is(raw.text, text);
      t.is(fits[0]?.text, text);
      t.is(fits[0]?.format, format.id);
      // Where no pattern tells O from 0, or I from 1, no read is sure.
      const [most, each] = format.generic && /[01IOQ]/.test(text) ? [0.1, 0.1] : [0.9, 0.95];
      t.true(fits[0]!.confidence > most);
      t.is(fits[0]!.characters.map(({ character }) => character).join(''), text);
      t.true(fits[0]!.characters.every(({ confidence }) => confidence > each && confidence <= 1));
    }),
    { numRuns: 150 },
  );
});

test('neighbouring equal characters are all read', async (t) => {
  const [old] = await loadFormats(['ar-old']);
  for (const text of ['AAA000', 'ABB112', 'OOO111']) {
    const { fits } = decodeUnderFormats(logitsOf(text, 24, 15), 24, [old!]);
    t.is(fits[0]?.text, text);
    t.true(fits[0]!.confidence > 0.9);
  }
});

test('a format never makes a text likely that the network does not see', async (t) => {
  const decode = decoderFor(await loadFormats(['cl', 'br', 'es']));
  for (const text of ['EXIT', 'AMBULANCIA', '12345678', 'TAXI', 'A1A1A1A1']) {
    const { raw, fits } = decode(logitsOf(text, 40, 14), 40);
    t.is(raw.text, text);
    t.true((fits[0]?.confidence ?? 0) < 0.01);
  }
});

test('a confidence is the probability among all texts, formats or not, with the twins that mean the same', async (t) => {
  // Two places: A or B, then 0 or 1. O stands for 0 and I for 1 in the second, 8 for B in the first; nothing else fits or is a twin.
  const format = await formatLike('xx-two', [['AB', '01']]);
  const twins: Readonly<Record<string, readonly string[]>> = {
    A0: ['A0', 'AO', 'AD', 'AQ'],
    A1: ['A1', 'AI'],
    B0: ['B0', 'BO', 'BD', 'BQ', '80'],
    B1: ['B1', 'BI', '81'],
  };
  fc.assert(
    fc.property(anyLogits(2, 5), ({ logits, steps }) => {
      // Only what the search cannot miss: other columns are far below.
      for (let i = 0; i < logits.length; i++)
        if (!'AB01OI8'.includes(alphabet[(i % columnCount) - 1] ?? 'A')) logits[i]! -= 25;
      const { fits } = decodeUnderFormats(logits, steps, [format]);
      for (const { text, confidence } of fits) {
        const own = textProbability(logits, steps, text);
        const all = twins[text]!.reduce((sum, twin) => sum + textProbability(logits, steps, twin), 0);
        t.true(
          confidence >= own * (1 - 1e-9) && confidence <= all * (1 + 1e-9),
          `${text}: ${own} ${confidence} ${all}`,
        );
      }
      t.true(fits.reduce((sum, fit) => sum + fit.confidence, 0) <= 1 + 1e-9);
      const best = Object.keys(twins).reduce((a, b) =>
        textProbability(logits, steps, b) > textProbability(logits, steps, a) ? b : a,
      );
      if (textProbability(logits, steps, best) > 0.01) t.true(fits.some(({ text }) => text === best));
    }),
    { numRuns: 60 },
  );
});

test('what was read as an ambiguous character counts for the one that the position allows', async (t) => {
  const old = await loadFormats(['br-old']);
  const read = logitsOf('ABCOI28', 36, 15);
  const { raw, fits } = decodeUnderFormats(read, 36, old);
  t.is(raw.text, 'ABCOI28');
  t.is(fits[0]?.text, 'ABC0128');
  t.true(
    near(fits[0]!.confidence, raw.confidence + textProbability(read, 36, 'ABC0128')) ||
      fits[0]!.confidence >= raw.confidence,
  );
  t.true(fits[0]!.characters.every(({ confidence }) => confidence > 0.9));

  const split = rival(logitsOf('ABC0234', 36, 15), 'ABC0234', 3, 'O', 0.1);
  const own = textProbability(split, 36, 'ABC0234');
  const whole = decodeUnderFormats(split, 36, old).fits[0]!;
  t.true(own < 0.6 && whole.confidence > 0.9);
  t.true(whole.characters[3]!.confidence > 0.9);
});

test('a twin that is itself a plate of the scene keeps its own probability', async (t) => {
  const both = await loadFormats(['br-mercosur', 'br-old']);
  const logits = rival(logitsOf('ABC1I34', 36, 15), 'ABC1I34', 4, '1', 0.1);
  const { fits } = decodeUnderFormats(logits, 36, both);
  t.deepEqual(
    fits.slice(0, 2).map(({ text, format }) => [text, format]),
    [
      ['ABC1I34', 'br-mercosur'],
      ['ABC1134', 'br-old'],
    ],
  );
  t.true(fits[0]!.confidence < 0.6 && fits[1]!.confidence < 0.6);
  t.true(fits[0]!.characters[4]!.confidence < 0.6);
});

test('a text between two plates of the scene means neither', async (t) => {
  const chile = await loadFormats(['cl-new', 'cl-old']);
  // BCOO12: BCDD12 by two changes, BC0012 by two.
  const { raw, fits } = decodeUnderFormats(logitsOf('BCOO12', 36, 15), 36, chile);
  t.is(raw.text, 'BCOO12');
  t.true((fits[0]?.confidence ?? 0) < 0.05);
});

test('a word does not become a plate by changing most of its letters', async (t) => {
  const old = await loadFormats(['br-old']);
  t.true((decodeUnderFormats(logitsOf('8081SIG', 36, 15), 36, old).fits[0]?.confidence ?? 0) < 0.01);
  const states = await loadFormats(['us']);
  t.true((decodeUnderFormats(logitsOf('BOSSES', 36, 15), 36, states).fits[0]?.confidence ?? 0) < 0.05);
});

test('under a generic format, what looks the same as a plate of a series is that plate', async (t) => {
  const states = await loadFormats(['us']);
  const folded = decodeUnderFormats(logitsOf('ABCO123', 36, 15), 36, states).fits[0]!;
  t.is(folded.text, 'ABC0123');
  t.is(folded.format, 'us-series');
  // B and 8 can be told apart: a personal plate stays what it is.
  const personal = decodeUnderFormats(logitsOf('ABCB123', 36, 15), 36, states).fits[0]!;
  t.is(personal.text, 'ABCB123');
  t.is(personal.format, 'us-generic');
});

test('a text that only a generic format allows shares its probability with the plate of a series that it looks like', async (t) => {
  const states = await loadFormats(['us']);
  for (const [read, series] of [
    ['AB1CID', 'AB1C1D'],
    ['IABC234', '1ABC234'],
    ['ABCB123', 'ABC8123'],
  ] as const) {
    const { raw, fits } = decodeUnderFormats(logitsOf(read, 36, 15), 36, states);
    const [own, other] = [read, series].map((text) => fits.find((fit) => fit.text === text)!);
    t.true(own!.generic && !other!.generic, read);
    // Neither is sure, and together they are what the network gave the one text.
    t.true(own!.confidence < 0.8 && other!.confidence < 0.8, read);
    const all = fits.reduce((sum, { confidence }) => sum + confidence, 0);
    t.true(Math.abs(all - raw.confidence) < 0.02, read);
    const place = [...read].findIndex((character, i) => character !== series[i]);
    t.true(own!.characters[place]!.confidence < 0.8, read);
    t.true(
      own!.characters.every(
        ({ confidence, character }, i) => i === place || /[01IOQ]/.test(character) || confidence > 0.9,
      ),
      read,
    );
  }
});

test('between two texts that the network holds alike the one of a series is chosen', async (t) => {
  const states = await loadFormats(['us']);
  const close = rival(logitsOf('AXB12C4', 36, 15), 'AXB12C4', 5, '3', 1);
  const { fits } = decodeUnderFormats(close, 36, states);
  t.is(fits[0]?.text, 'AXB1234');
  t.false(fits[0]!.generic);
  t.is(fits[1]?.text, 'AXB12C4');
  t.true(fits[0]!.confidence > 0.7 && fits[0]!.confidence < 0.95);
  // A series does not win against what the pixels say clearly.
  const clear = rival(logitsOf('AXB12C4', 36, 15), 'AXB12C4', 5, '3', 6);
  t.is(decodeUnderFormats(clear, 36, states).fits[0]?.text, 'AXB12C4');
});

test('a personal plate that is near no series keeps the probability that the network gives it', async (t) => {
  const { raw, fits } = decodeUnderFormats(logitsOf('HELGA2U', 36, 15), 36, await loadFormats(['us']));
  t.is(fits[0]?.text, 'HELGA2U');
  t.true(fits[0]!.generic);
  t.true(near(fits[0]!.confidence, raw.confidence) || fits[0]!.confidence > 0.99);
});

test('where no pattern tells O from 0, a personal plate is either, and together they are what the network gives', async (t) => {
  const { raw, fits } = decodeUnderFormats(logitsOf('HELLO2U', 36, 15), 36, await loadFormats(['us']));
  const [own, other] = ['HELLO2U', 'HELL02U'].map((text) => fits.find((fit) => fit.text === text)!.confidence);
  t.is(fits[0]?.text, 'HELLO2U');
  t.true(own! < 0.85 && other! > 0.1);
  t.true(Math.abs(own! + other! - raw.confidence) < 0.01);
});

test('digits alone are never of a series, and do not become one', async (t) => {
  const states = await loadFormats(['us']);
  for (const text of ['5550123', '205014', '12808']) {
    const { fits } = decodeUnderFormats(logitsOf(text, 40, 15), 40, states);
    t.is(fits[0]?.text, text);
    t.is(fits[0]?.format, 'us-digits');
    t.true(fits[0]!.generic);
  }
  for (const date of ['20140617', '2014061715', '1234']) {
    t.true((decodeUnderFormats(logitsOf(date, 40, 15), 40, states).fits[0]?.confidence ?? 0) < 0.05, date);
  }
  const europe = await loadFormats(['eu']);
  t.true((decodeUnderFormats(logitsOf('5550123', 40, 15), 40, europe).fits[0]?.confidence ?? 0) < 0.05);
});

test('the prior moves confidence between texts that fit and adds none', async (t) => {
  const [mercosur] = await loadFormats(['br-mercosur']);
  const series = { ...mercosur!, id: 'xx-series', patterns: [['A', '01']], ambiguous: new Map() };
  const rare = { ...series, id: 'xx-rare', patterns: [['AB', 'CD']], generic: true, share: 0.1 };
  fc.assert(
    fc.property(anyLogits(2, 5), ({ logits, steps }) => {
      const { fits } = decodeUnderFormats(logits, steps, [series, rare]);
      const exact = (text: string) => textProbability(logits, steps, text);
      const all = fits.reduce((sum, { text }) => sum + exact(text), 0);
      const weighted = fits.reduce((sum, { text, generic }) => sum + exact(text) * (generic ? 0.1 : 1), 0);
      for (const { text, confidence, generic } of fits) {
        const due = (exact(text) * (generic ? 0.1 : 1) * all) / weighted;
        t.true(Math.abs(confidence - due) <= 1e-3 * due + 1e-5, `${text}: ${confidence} ${due}`);
      }
    }),
    { numRuns: 60 },
  );
});

test('a fit names the first format of the scene that allows it', async (t) => {
  const logits = logitsOf('ABC123', 30, 15);
  for (const ids of [
    ['ar-old', 'py-old', 'co-car'],
    ['co-car', 'ar-old'],
  ]) {
    t.is(decodeUnderFormats(logits, 30, await loadFormats(ids)).fits[0]?.format, ids[0]);
  }
});

test('any logits give at most eight different fits in order, each of which fits', async (t) => {
  const formats = await loadFormats(['cl', 'eu']);
  const automaton = automatonOf(formats);
  const decode = decoderFor(formats);
  fc.assert(
    fc.property(anyLogits(1, 24), ({ logits, steps }) => {
      const { raw, fits } = decode(logits, steps);
      t.true(fits.length <= 8);
      t.is(new Set(fits.map(({ text }) => text)).size, fits.length);
      for (const [i, fit] of fits.entries()) {
        t.true(fit.confidence > 0 && fit.confidence <= 1);
        t.true(i === 0 || fit.confidence <= fits[i - 1]!.confidence);
        t.is(formats[formatOf(automaton, columnsOf(fit.text)!)]?.id, fit.format);
        t.true(fit.characters.every(({ confidence }) => confidence >= 0 && confidence <= 1 + 1e-12));
      }
      t.true(near(raw.confidence, textProbability(logits, steps, raw.text)));
    }),
    { numRuns: 60 },
  );
});

test('logits that cannot be read are no text and no fault', async (t) => {
  const formats = await loadFormats(['cl']);
  const unreadable = { raw: { text: '', confidence: fraction(0), characters: [] }, fits: [] };
  const logits = logitsOf('BCDF12', 20, 15);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const spoilt = logits.slice();
    spoilt[100] = bad;
    t.deepEqual(decodeUnderFormats(spoilt, 20, formats), unreadable);
  }
  t.deepEqual(decodeUnderFormats(new Float32Array(), 0, formats), unreadable);
  t.deepEqual(decodeUnderFormats(logits, 21, formats), unreadable);
  t.deepEqual(decodeUnderFormats(logits, -1, formats), unreadable);
  t.deepEqual(decodeUnderFormats(logits, Number.NaN, formats), unreadable);
  t.deepEqual(decodeUnderFormats(logits, 20, []).fits, []);
  const huge = logits.map((value) => value * 1e37);
  t.notThrows(() => decodeUnderFormats(huge, 20, formats));
});

test('an empty strip is read as nothing', async (t) => {
  const { raw, fits } = decodeUnderFormats(logitsOf('', 40, 15), 40, await loadFormats(['cl']));
  t.is(raw.text, '');
  t.true(raw.confidence > 0.9);
  t.deepEqual(fits, []);
});
