import test from 'ava';
import fc from 'fast-check';
import { LineReader } from './line-reader.ts';
import { codeOf } from './testing/audited-store-contract.ts';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

test('lines are the same however the bytes are cut; what has no end is none', async (t) => {
  const line = fc.string({ maxLength: 12, unit: 'binary' }).map((text) => text.replaceAll('\n', ' '));
  await fc.assert(
    fc.asyncProperty(fc.array(line), line, fc.array(fc.nat({ max: 9 })), async (lines, half, sizes) => {
      const bytes = Buffer.from(`${lines.map((text) => `${text}\n`).join('')}${half}`);
      const reader = new LineReader(cut(bytes, sizes), 64);
      const expected = lines.map((text) => Buffer.from(text).toString());
      for (const text of expected) t.is(String(await reader.line()), text);
      t.is(await reader.line(), undefined);
    }),
  );
});

test('a line may be as long as the bound and no longer, whether its end has come or not', async (t) => {
  const first = (text: string) => {
    const reader = new LineReader(cut(Buffer.from(text), [1, 1]), 8);
    return codeOf(() => reader.line());
  };
  t.is(await first('12345678\n'), 'none');
  t.is(await first('123456789\n'), 'usage-invalid');
  t.is(await first('123456789'), 'usage-invalid');
});
