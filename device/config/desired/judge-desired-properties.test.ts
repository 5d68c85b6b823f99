import test from 'ava';
import fc from 'fast-check';
import { configSchema } from '../config-schema.ts';
import { configFields } from '../fields.ts';
import { judgeDesired } from './judge-desired.ts';
import type { Settings } from './settings.ts';
import { contextOf, draft, makeCast, signedText } from './testing/signed.ts';

const cast = await makeCast();
const { supervisor } = cast.signers;
const signed = (settings: Settings) => signedText(draft(settings), supervisor);
const good: Settings = { signal: { beacon: { onMs: 3000 } } };

test('no bytes make the judge throw', async (t) => {
  const text = (await signed(good)).toString();
  const context = contextOf(cast);
  const anyText = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json({ maxDepth: 6 }).map((json) => Buffer.from(json)),
    // A good document with a piece of it replaced.
    fc
      .tuple(fc.nat(text.length), fc.nat(12), fc.string({ maxLength: 12 }))
      .map(([at, cut, put]) => Buffer.from(text.slice(0, at) + put + text.slice(at + cut))),
  );
  fc.assert(
    fc.property(anyText, (bytes) => {
      const judged = judgeDesired(bytes, context);
      return judged.kind === 'refused'
        ? judged.refusals.length > 0
        : bytes.toString() === text || judged.kind === 'fits';
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('no settings make the judge throw, and what fits is a configuration in which nothing of the unit alone has changed', async (t) => {
  const fields = [...configFields];
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      1,
      2,
      -1,
      5,
      60,
      0.5,
      1e9,
      '',
      'info',
      'auto',
      'relay',
      'beacon',
      [],
      {},
    ),
    fc.json({ maxDepth: 3 }).map((json) => JSON.parse(json) as unknown),
  );
  const some = fc.array(fc.tuple(fc.constantFrom(...fields.map(([path]) => path)), value), { maxLength: 4 });
  const context = contextOf(cast);
  let fitting = 0;
  await fc.assert(
    fc.asyncProperty(some, async (settings) => {
      const set: Record<string, unknown> = {};
      for (const [path, to] of settings) put(set, path.split('.'), to);
      const body = draft(set as Settings);
      if (JSON.stringify(body).includes('__proto__')) return true;
      const judged = judgeDesired(await signedText(body, supervisor), context);
      if (judged.kind !== 'fits') return judged.kind === 'refused' && judged.refusals.length > 0;
      fitting += 1;
      configSchema.parse(judged.config);
      return judged.changed.every((path) => fields.some(([field, kind]) => field === path && kind !== 'unit'));
    }),
    { numRuns: 1000 },
  );
  t.true(fitting > 50, `${fitting}`);
});

function put(into: Record<string, unknown>, [name, ...rest]: readonly string[], value: unknown): void {
  if (name === undefined) return;
  if (rest.length === 0) into[name] = value;
  else {
    const inner = into[name];
    const object = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
    into[name] = object;
    put(object as Record<string, unknown>, rest, value);
  }
}
