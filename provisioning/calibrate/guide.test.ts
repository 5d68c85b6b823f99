import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { fitCalibration } from './fit-calibration.ts';
import { markingStandards } from './marking-standards.ts';
import { pointsSchema } from './points-schema.ts';

test('the examples of the guide are files of points, and the surveyed one fits', (t) => {
  const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const files = [...page.matchAll(/```yaml\n([^`]*)```/g)].map((match) => pointsSchema.parse(parse(match[1] ?? '')));
  t.is(files.length, 3);
  const [survey] = files;
  const outcome = survey && fitCalibration(survey, { width: 1280, height: 720 });
  t.true(outcome?.ok, JSON.stringify(outcome));
});

test('standards have names of their own, lengths of roads and a source', (t) => {
  t.is(new Set(markingStandards.map(({ id }) => id)).size, markingStandards.length);
  for (const { id, country, mark, gap, tolerance, document, clause } of markingStandards) {
    t.true(id.startsWith(`${country.toLowerCase()}-`));
    t.true(mark >= 1 && mark <= 12 && gap >= 1 && gap <= 13 && tolerance > 0, id);
    t.true(document.length > 3 && clause.length > 3);
  }
});
