import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadConfig } from './load-config.ts';

const folder = fileURLToPath(new URL('./examples/', import.meta.url));

test('every example is a valid configuration', async (t) => {
  const names = await readdir(folder);
  t.true(names.includes('street.yaml') && names.includes('connected.yaml'));
  for (const name of names) await t.notThrowsAsync(loadConfig(`${folder}${name}`), name);
});
