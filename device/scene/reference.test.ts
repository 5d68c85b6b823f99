import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseScene } from './load-scene.ts';
import { fieldList, withFieldList } from './reference.ts';

const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');

test('the page describes exactly the fields of the schema (node device/scene/write-reference.ts brings it up to date)', (t) => {
  t.is(withFieldList(page), page);
});

test('every field is described', (t) => {
  const rows = fieldList().split('\n');
  t.true(rows.length > 60);
  for (const row of rows) t.notRegex(row, /:\s*$/, row);
});

test('every example on the page is a scene that loads', (t) => {
  const blocks = [...page.matchAll(/```yaml\n(name: [^`]*)```/g)].map((match) => match[1] ?? '');
  t.is(blocks.length, 2);
  for (const block of blocks) t.notThrows(() => parseScene(block, 'README.md'));
});
