import test from 'ava';
import fc from 'fast-check';
import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { deepestJson, jsonFault, readJson } from './read-json.ts';

test('JSON that is written is read back, however it is spelled', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      fc.pre(jsonFault(value) === undefined);
      const text = JSON.stringify(value, null, indent);
      t.deepEqual(readJson(text), { kind: 'json', value: JSON.parse(text) });
      t.deepEqual(readJson(Buffer.from(text)), readJson(text));
    }),
    { numRuns: 500 },
  );
});

test('colons, quotes, brackets and backslashes in texts and names count for nothing', (t) => {
  const part = fc.constantFrom('"', '\\', ':', '{', '}', '[', ']', ',', '\\"', '\\\\', '\\u0022', 'a');
  const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.dictionary(text, text)), { noNullPrototype: true }), (value) => {
      return readJson(JSON.stringify(value)).kind === 'json';
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('what passes has a canonical form, and an object has as many names as were written', (t) => {
  const name = fc.constantFrom('"a"', '"b"', '"\\u0061"', '"__proto__"', '"\\ud800"', '"a\\u0000"');
  const value = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('1', '1e999', '-1e400', '1e-999', '"\\ud83d\\ude00"', '"\\ude00"', '"\\u0000"', 'null'),
      fc.array(tie('any'), { maxLength: 3 }).map((all) => `[${all.join()}]`),
      fc
        .array(fc.tuple(name, tie('any')), { maxLength: 3 })
        .map((all) => `{${all.map((pair) => pair.join(':')).join()}}`),
    ),
  })).any;
  const seen = { json: 0, refused: 0 };
  fc.assert(
    fc.property(value, (text) => {
      const read = readJson(text);
      seen[read.kind] += 1;
      if (read.kind === 'refused') return read.reason === 'malformed';
      const odd = /1e999|1e400|"__proto__"|"\\ud800"|"\\ude00"|\\u0000/.test(text);
      return (
        !odd &&
        canonicalJson(read.value).length > 0 &&
        JSON.stringify(read.value).split(':').length === text.split(':').length
      );
    }),
    { numRuns: 2000 },
  );
  t.true(seen.json > 100 && seen.refused > 100);
});

test('the deepest that is read, and one more', (t) => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const nested = (levels: number) => `${open.repeat(levels)}${open === '[' ? '' : '1'}${close.repeat(levels)}`;
    t.is(readJson(nested(deepestJson)).kind, 'json');
    t.like(readJson(nested(deepestJson + 1)), { reason: 'malformed' });
    t.is(jsonFault(JSON.parse(nested(deepestJson))), undefined);
    t.regex(jsonFault(JSON.parse(nested(deepestJson + 1))) ?? '', /deeper/);
  }
});

test('no text takes long: hostile ones of a packet’s length are answered within a tenth of a second', (t) => {
  const length = 120 * 1024;
  const hostile = ['"', '\\', '\\"', '"\\', '[', '{', '{"a":', '[[],', ':', '{"":0,', '"a":', '1', '-', ' ', '\u00e9'];
  for (const one of hostile) {
    for (const text of [
      one.repeat(Math.ceil(length / one.length)),
      `"${'\\'.repeat(length)}`,
      `["${one.repeat(20_000)}"]`,
    ]) {
      // The best of a few: whatever else runs on this machine is no fault of the text.
      const times = [1, 2, 3, 4].map(() => {
        const begin = performance.now();
        readJson(text);
        return performance.now() - begin;
      });
      t.true(Math.min(...times) < 100, JSON.stringify(one));
    }
  }
});

test('a value of a program that is no JSON is named', (t) => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [Number.NaN, /number/],
    [{ a: [Number.NEGATIVE_INFINITY] }, /number/],
    [undefined, /no JSON/],
    [[undefined], /no JSON/],
    [{ a: () => 1 }, /no JSON/],
    [{ a: Symbol('a') }, /no JSON/],
    [new Map(), /no JSON/],
    [{ a: new Date(0) }, /no JSON/],
    [{ 'a\0': 1 }, /name holds a NUL/],
  ];
  for (const [value, words] of cases) t.regex(jsonFault(value) ?? '', words);
  t.is(jsonFault({ a: undefined, b: null } satisfies { readonly [name: string]: JsonValue | undefined }), undefined);
  t.is(jsonFault(Object.assign(Object.create(null), { a: 1 })), undefined);
});
