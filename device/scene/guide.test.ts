import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseScene } from './load-scene.ts';

test('every example of the guide is a scene that loads', (t) => {
  const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n(name: [^`]*)```/g)].map((match) => match[1] ?? '');
  t.is(blocks.length, 2);
  for (const block of blocks) t.notThrows(() => parseScene(block, 'README.md'));
});
