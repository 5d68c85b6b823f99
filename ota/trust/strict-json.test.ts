import test from 'ava';
import fc from 'fast-check';
import { readStrictJson } from './strict-json.ts';

const read = (text: string | Buffer) => readStrictJson(Buffer.from(text as string));

test('what any writer of JSON writes is read as it is', (t) => {
  const value = fc.jsonValue({ maxDepth: 8, stringUnit: 'grapheme' });
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2), (one, space) => {
      fc.pre(!JSON.stringify(one).includes('__proto__'));
      const json = read(JSON.stringify(one, null, space));
      return json.kind === 'json' && JSON.stringify(json.value) === JSON.stringify(one);
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a name that stands twice is found wherever it is and however it is spelt', (t) => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[[{"x":{"b":[],"c":{},"b":[]}}]]',
    '{"":1,"":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"a" : 1 , "a" \n:2}',
  ])
    t.like(read(text), { kind: 'malformed', detail: 'has two fields of one name in one object' }, text);
  for (const text of ['{"a":{"a":{"a":1}},"b":{"a":1}}', '["a","a",":","{\\":"]', '{"a":"a\\":1,\\"a\\":"}', '"a"'])
    t.is(read(text).kind, 'json', text);
});

test('depth, bytes and names that readers take differently are malformed', (t) => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  t.is(read(nested(16)).kind, 'json');
  for (const text of [
    nested(17),
    nested(500_000),
    `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`,
    '"\\ud800"',
    '[{"a":"\\udc00\\ud800"}]',
    '{"\\ud800":1}',
    '{"__proto__":1}',
    '[{"a":{"__proto__":{}}}]',
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.from([0x22, 0xc0, 0x80, 0x22]),
    '\u{feff}{}',
    '',
    '{"a":1}{"a":1}',
    "{'a':1}",
    '[1,]',
    'NaN',
  ])
    t.is(read(text).kind, 'malformed', String(text).slice(0, 40));
});

test('a text that was made to be slow is not', (t) => {
  const long = 1_000_000;
  const begin = performance.now();
  for (const text of [
    `"${'\\"'.repeat(long / 2)}`,
    `"${'\\"'.repeat(long / 2)}"`,
    '"'.repeat(long),
    `[${'"",'.repeat(long / 3)}""]`,
  ])
    read(text);
  t.true(performance.now() - begin < 5000);
});
