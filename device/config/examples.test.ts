import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { configSchema } from './config-schema.ts';
import { loadConfig } from './load-config.ts';

const folder = fileURLToPath(new URL('./examples/', import.meta.url));

test('every example is a valid configuration', async (t) => {
  const names = await readdir(folder);
  t.true(names.includes('street.yaml') && names.includes('connected.yaml'));
  for (const name of names) await t.notThrowsAsync(loadConfig(`${folder}${name}`), name);
});

test('the connected example stays reachable, and its lines that are to be filled in fit where they stand', async (t) => {
  const text = await readFile(`${folder}connected.yaml`, 'utf8');
  const filled = text
    .replace('# authority: [age1...]', 'authority: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]')
    .replace('# witnesses: [atalaya-witness+01234567+...]', 'witnesses: [atalaya-witness+01234567+BA==]');
  const config = configSchema.parse(parse(filled));
  t.is(config.source.atEnd, 'stay');
  t.is(config.evidence.authority.length, 1);
  t.is(config.evidence.witnesses.length, 1);
});
