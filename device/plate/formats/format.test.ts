import test from 'ava';
import fc from 'fast-check';
import { alphabet, columnsOf } from './alphabet.ts';
import { automatonOf, formatOf } from './automaton.ts';
import { allFormats, describeFormats, loadFormats } from './format.ts';
import { formatFileSchema, formatsOf } from './format-file.ts';
import type { PlateFormat } from './plate-format.ts';
import { textOfPattern } from './testing/synthetic-logits.ts';

/** Made-up texts: those that each format allows, and near ones that it does not. */
const examples: Readonly<Record<string, { readonly fits: readonly string[]; readonly not: readonly string[] }>> = {
  'ar-mercosur': { fits: ['AB123CD', 'OI001QO'], not: ['ABC123D', 'AB12CDE', 'AB123C', 'AB1234CD'] },
  'ar-old': { fits: ['ABC123', 'OOO000'], not: ['AB1234', '123ABC', 'ABC12', 'ABC1234'] },
  'ar-mercosur-motorcycle': { fits: ['A123BCD'], not: ['AB123CD', '1234BCD', 'A12BCD'] },
  'ar-old-motorcycle': { fits: ['123ABC'], not: ['ABC123', '12ABC', '1234AB'] },
  'bo-new': { fits: ['1234ABC'], not: ['1234ABO', '1234QBC', '123ABC', '12345AB'] },
  'bo-old': { fits: ['123ABC'], not: ['123OBC', '1234ABC', 'ABC123'] },
  'br-mercosur': { fits: ['ABC1D23', 'OIQ0O00'], not: ['ABC1234', 'ABCD123', 'ABC1D2'] },
  'br-old': { fits: ['ABC1234', 'OOO0000'], not: ['ABC1D23', 'ABC123', 'AB12345'] },
  'br-mercosur-motorcycle': { fits: ['ABC1D23'], not: ['ABC1234'] },
  'br-old-motorcycle': { fits: ['ABC1234'], not: ['ABC1D23'] },
  'cl-new': { fits: ['BCDF12', 'ZZZZ99'], not: ['ABCD12', 'BCDM12', 'BCDN12', 'BCDQ12', 'BCD123', 'BCDFG1'] },
  'cl-old': { fits: ['AB1234', 'ZM0000'], not: ['IB1234', 'AQ1234', 'ABC123', 'AB123'] },
  'cl-2026': { fits: ['BCDFG1'], not: ['BCDFA1', 'BCDF12', 'BCDFG12'] },
  'cl-motorcycle': { fits: ['BCD12', 'BCDF1'], not: ['ABC12', 'BCD1', 'BC123'] },
  'co-car': { fits: ['ABC123'], not: ['ABC12D', 'AB1234'] },
  'co-motorcycle': { fits: ['ABC12D'], not: ['ABC123', 'ABC12'] },
  'co-trailer': { fits: ['R12345', 'S00001'], not: ['T12345', 'R1234'] },
  'es-modern': { fits: ['1234BCD', '0000ZZZ'], not: ['1234ABC', '1234BCQ', '123BCD', 'B1234CD'] },
  'es-provincial': { fits: ['M1234AB', 'SS1234A', 'GI0001ZZ'], not: ['D1234AB', 'M123AB', 'XX1234A', 'M1234ABC'] },
  'es-modern-high': { fits: ['1234BCD'], not: ['1234BCA'] },
  'es-moped': { fits: ['C1234BCD'], not: ['D1234BCD', 'C1234BCA', '1234BCD'] },
  'eu-series': {
    fits: ['AB12CDE', 'AB123CD', '1A23456', '1ABC234', '12ABC3'],
    not: ['ABCDEFG', '12345', 'A1B2C3D4', 'AB1'],
  },
  'eu-generic': {
    fits: ['A1234', 'ABCD1234', '1AB23CD'],
    not: ['ABCDEF', '123456', 'A123', 'A1B2C3', 'ABCDEF12', 'A12345678'],
  },
  'mx-car': { fits: ['ABC123D'], not: ['ABI123D', 'ABC1234', 'OBC123D', 'ABC123'] },
  'mx-city': { fits: ['A12BCD', '123ABC'], not: ['I12BCD', 'ABC123', 'A12BC'] },
  'mx-car-old': { fits: ['ABC1234', 'ABC123'], not: ['ABQ1234', 'ABC12', 'AB12345'] },
  'mx-truck': { fits: ['AB12345', 'AB1234', 'AB1234C'], not: ['AO12345', 'ABC1234', 'AB123'] },
  'mx-federal': { fits: ['12AB3C'], not: ['12AB34', '12OB3C', '123AB4'] },
  'pe-new': { fits: ['A1B234', 'ABC123'], not: ['1AB234', 'A12345', 'AB1234'] },
  'pe-old': { fits: ['AB1234', 'ABC123'], not: ['A12345', 'ABC1234'] },
  'pe-motorcycle': { fits: ['12345A', '1234AB'], not: ['123456', '123ABC'] },
  'py-mercosur': { fits: ['ABCD123'], not: ['ABC1234', '123ABCD', 'ABCD12'] },
  'py-old': { fits: ['ABC123'], not: ['123ABC', 'ABCD123'] },
  'py-mercosur-motorcycle': { fits: ['123ABCD'], not: ['ABCD123', '1234ABC'] },
  'py-old-motorcycle': { fits: ['123ABC'], not: ['ABC123', '123ABCD'] },
  'us-series': { fits: ['ABC1234', '123ABC', 'QOLO12', 'ABC12D'], not: ['1ABC234', '123456', 'ABO1234', 'ABCDEFG'] },
  'us-series-strict': {
    fits: ['1ABC234', '1AOC234', '123ABC4', 'AB1C2D', '1AB2345', '12AB345', 'AB12345', 'NAB123', '0AB123', 'A123456'],
    not: ['1OBC234', '1ABO234', 'EAB123', 'AI1C2D', 'AB1C23', '1234567', 'ABC1234'],
  },
  'us-series-old': { fits: ['AB1C234', 'A12345'], not: ['AB1CD34', 'AO1C234', 'ABC12D'] },
  'us-truck': { fits: ['1A23456', '12345A6', '12345AB', 'A12345B'], not: ['12345A', 'ABC1234', '1O23456'] },
  'us-digits': { fits: ['12345', '123456', '1234567'], not: ['1234', '12345678', '12345A'] },
  'us-generic': {
    fits: ['ABCD1', 'A1B2C', 'HELLO1', '1234A'],
    not: ['ABCDEF', '12345', '1234567', '12345678', 'A1B2C3D', 'ABCD1234'],
  },
  'us-generic-long': { fits: ['ABCD1234', '1ABCDEFG'], not: ['ABCD123', '12345678', 'ABCDEFGH', 'A1B2C3D4'] },
  'uy-common': { fits: ['SAB1234', 'AAA0000'], not: ['TAB1234', 'SAB123', 'SA12345'] },
  'uy-motorcycle': { fits: ['SAB123'], not: ['TAB123', 'SAB1234'] },
};

function matches(format: PlateFormat, text: string): boolean {
  return format.patterns.some(
    (pattern) => pattern.length === text.length && pattern.every((allowed, i) => allowed.includes(text[i]!)),
  );
}

test('every format of every file loads, is named after its country and is sound', async (t) => {
  const formats = await allFormats();
  t.deepEqual([...new Set(formats.map((format) => format.country))].sort(), [
    ...['AR', 'BO', 'BR', 'CL', 'CO', 'ES', 'EU', 'MX', 'PE', 'PY', 'US', 'UY'],
  ]);
  t.is(new Set(formats.map((format) => format.id)).size, formats.length);
  for (const format of formats) {
    t.true(format.id.startsWith(`${format.country.toLowerCase()}-`), format.id);
    t.true(format.patterns.length > 0, format.id);
    t.true(
      format.patterns.flat().every((allowed) => allowed.length > 0 && [...allowed].every((c) => alphabet.includes(c))),
      format.id,
    );
    const { plate, text } = format.proportions;
    t.true(text.least < text.most && text.least > 0.5 && text.most < 9, format.id);
    t.true(format.characterHeight < plate.height, format.id);
    t.is(format.share < 1, format.generic, format.id);
    t.true(format.share > 0 && format.share <= 1, format.id);
    for (const [read, meant] of format.ambiguous) t.false(meant.includes(read), format.id);
  }
});

test('every format allows its examples and refuses their neighbours', async (t) => {
  const formats = await allFormats();
  t.deepEqual(formats.map(({ id }) => id).sort(), Object.keys(examples).sort());
  for (const format of formats) {
    const automaton = automatonOf([format]);
    for (const text of examples[format.id]!.fits)
      t.is(formatOf(automaton, columnsOf(text)!), 0, `${format.id} ${text}`);
    for (const text of examples[format.id]!.not)
      t.is(formatOf(automaton, columnsOf(text)!), -1, `${format.id} ${text}`);
  }
});

test('the automaton of several formats says of any text which is the first that allows it', async (t) => {
  const formats = await allFormats();
  const near = fc
    .constantFrom(...formats.flatMap((format) => format.patterns))
    .chain((pattern) =>
      fc.tuple(textOfPattern(pattern), fc.nat(pattern.length), fc.constantFrom('', ...alphabet), fc.nat(1)),
    );
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...formats], { minLength: 1, maxLength: 6 }),
      fc.array(near, { maxLength: 20 }),
      (some, texts) => {
        const automaton = automatonOf(some);
        for (const [text, place, put, dropped] of texts) {
          const changed = text.slice(0, place) + put + text.slice(place + dropped);
          for (const one of [text, changed])
            t.is(
              formatOf(automaton, columnsOf(one)!),
              some.findIndex((format) => matches(format, one)),
            );
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a scene names countries and single formats, and their order is kept', async (t) => {
  const ids = async (named: readonly string[]) => (await loadFormats(named)).map((format) => format.id);
  t.deepEqual(await ids(['cl-old', 'ar-mercosur']), ['cl-old', 'ar-mercosur']);
  t.deepEqual(await ids(['bo', 'cl-new']), ['bo-new', 'bo-old', 'cl-new']);
  t.deepEqual((await ids(['cl']))[0], 'cl-new');
});

test('an unknown format is refused with those that there are, as is one named twice, and none', async (t) => {
  const refusal = async (ids: readonly string[]) => {
    const error = await t.throwsAsync(loadFormats(ids), { code: 'config-invalid' });
    return error?.message ?? '';
  };
  const unknown = await refusal(['cl', 'xx']);
  t.regex(unknown, /'xx'/);
  t.regex(unknown, /cl-new/);
  t.regex(unknown, /\bar\b/);
  t.regex(await refusal(['cl-new', 'cl-new']), /'cl-new' is named twice/);
  t.regex(await refusal(['cl-new', 'cl']), /'cl-new' is named twice/);
  t.regex(await refusal([]), /no plate format/);
  for (const odd of ['', 'CL', '../data/chile', 'cl-']) await refusal([odd]);
});

test('the table has a row for each format, with its source', async (t) => {
  const formats = await allFormats();
  const rows = (await describeFormats()).split('\n').slice(2);
  t.is(rows.length, formats.length);
  for (const [i, format] of formats.entries()) {
    t.true(rows[i]!.includes(`\`${format.id}\``));
    t.true(rows[i]!.includes(format.source));
    t.is(rows[i]!.match(/\|/g)?.length, 7, format.id);
  }
});

test('a written format with a fault is refused', (t) => {
  const sound = {
    id: 'xx-a',
    title: 'a',
    source: 's',
    patterns: ['LL DD'],
    plate: { width: 400, height: 100 },
    character: { height: 60 },
  };
  const file = (format: object) => ({ country: 'XX', title: 'x', formats: [{ ...sound, ...format }] });
  t.deepEqual(formatsOf(formatFileSchema.parse(file({ letters: 'ZA' })))[0]?.patterns, [
    ['AZ', 'AZ', '0123456789', '0123456789'],
  ]);
  const codes = formatsOf(formatFileSchema.parse(file({ codes: ['M', 'SS'], patterns: ['<code> D'] })))[0]?.patterns;
  t.deepEqual(codes, [
    ['M', '0123456789'],
    ['S', 'S', '0123456789'],
  ]);
  for (const fault of [
    { patterns: ['LX'] },
    { patterns: ['L[]'] },
    { patterns: [''] },
    { patterns: ['<code> D'] },
    { patterns: undefined },
    { mix: { least: 5, most: 6, letters: { least: 1, run: 5 }, digits: { least: 1, run: 5 }, changes: 3 } },
    { ambiguous: { OO: '0' } },
    { id: 'Xx' },
    { text: { least: 4, most: 3 } },
    { lines: 3 },
    { share: 0 },
    { share: 0.9 },
    { share: 0.1, ambiguous: { O: '0' } },
    { more: 1 },
  ])
    t.false(formatFileSchema.safeParse(file(fault)).success, JSON.stringify(fault));
});
