import test from 'ava';
import fc from 'fast-check';
import { canonicalJson, type JsonValue } from './canonical-json.ts';
import { AtalayaError } from './errors.ts';

test('the example of RFC 8785, section 3.2.2', (t) => {
  const input = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  ) as JsonValue;
  t.is(
    canonicalJson(input),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test('the order of keys does not matter, and the text parses back to the value', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as JsonValue);
      const again = canonicalJson(reversed(JSON.parse(text) as JsonValue));
      return again === text && !text.includes('\n');
    }),
  );
  t.pass();
});

test('what JSON cannot say is refused', (t) => {
  for (const value of [Number.NaN, { a: Number.POSITIVE_INFINITY }, '\ud800', undefined]) {
    const error = t.throws(() => canonicalJson(value as JsonValue), { instanceOf: AtalayaError });
    t.is(error?.code, 'internal');
  }
});

function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner as JsonValue)]),
  );
}
