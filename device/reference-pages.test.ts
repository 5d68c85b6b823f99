import test from 'ava';
import { z } from 'zod';
import { withReference } from '../.ci/reference-pages.ts';
import { configSchema } from './config/config-schema.ts';
import { referenceOf, referenceTable } from './kernel/schema-reference.ts';
import { sceneSchema } from './scene/scene-schema.ts';

test('every field of every file that people write says what it means', (t) => {
  for (const schema of [configSchema, sceneSchema]) {
    const fields = referenceOf(schema);
    t.true(fields.length > 20);
    for (const { path, says } of fields) t.not(says, '', path);
  }
});

test('a field that is added, and a default that changes, change the page', (t) => {
  const page =
    'before\n<!-- reference: made from the schema by `make docs` -->\nold\n<!-- end of reference -->\nafter\n';
  const one = withReference(
    page,
    referenceTable(z.strictObject({ rate: z.number().min(1).default(25).describe('Frames a second.') })),
  );
  t.regex(one, /^before\n.*\| `rate` \| number from 1 \| `25` \| Frames a second\. \|.*after\n$/s);
  const two = withReference(
    one,
    referenceTable(z.strictObject({ rate: z.number().default(30).describe('Frames a second.'), more: z.string() })),
  );
  t.regex(two, /`30`/);
  t.regex(two, /\| `more` \| text \| required \|/);
  t.is(
    withReference(
      two,
      referenceTable(z.strictObject({ rate: z.number().default(30).describe('Frames a second.'), more: z.string() })),
    ),
    two,
  );
});
