import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { configSchema } from './config-schema.ts';
import { loadConfig } from './load-config.ts';

const folder = fileURLToPath(new URL('./examples/', import.meta.url));

test('every example is a valid configuration', async (t) => {
  const names = await readdir(folder);
  t.deepEqual(names.sort(), ['connected.yaml', 'desk.yaml', 'roadside.yaml', 'street.yaml']);
  for (const name of names) await t.notThrowsAsync(loadConfig(`${folder}${name}`), name);
});

test('the connected example stays reachable, and its lines that are to be filled in fit where they stand', async (t) => {
  const text = await readFile(`${folder}connected.yaml`, 'utf8');
  const filled = text
    .replace('# authority: [age1...]', 'authority: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]')
    .replace('# witnesses: [atalaya-witness+01234567+...]', 'witnesses: [atalaya-witness+01234567+BA==]');
  const config = configSchema.parse(parse(filled));
  t.is(config.source.atEnd, 'repeat');
  t.is(config.evidence.authority.length, 1);
  t.is(config.evidence.witnesses.length, 1);
});

test('the example of a unit at its pole watches a camera, and every line that it names stands for a wire', async (t) => {
  const { source, signal } = configSchema.parse(parse(await readFile(`${folder}roadside.yaml`, 'utf8')));
  t.is(source.path, undefined);
  t.is(source.camera?.kind, 'v4l2');
  const { driver, outputs, inputs, sensors } = signal.lines;
  t.is(driver, 'gpio');
  t.deepEqual(outputs.map(({ name }) => name).sort(), [signal.beacon.output, signal.strobe.output].sort());
  const named = new Set(inputs.map(({ name }) => name));
  for (const sensor of [sensors.door, sensors.tamper]) t.true(sensor !== undefined && named.has(sensor));
});
