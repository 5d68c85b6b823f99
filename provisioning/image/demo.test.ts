import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { configurationFault } from '../cli/enrol/configuration-fault.ts';
import { type GrantInForce, unitConfiguration } from '../enrol/identity-files.ts';
import { splitPictures, writeDemonstration } from './demo-clip.ts';
import { programHome } from './plan.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Record<string, unknown> =>
  parse(readFileSync(join(import.meta.dirname, path), 'utf8')) as Record<string, unknown>;

test('the scene of the demonstration is that of the example, with fewer looks', (t) => {
  const { regions, ...example } = read('../../device/scene/examples/street.yaml');
  t.true(Array.isArray(regions));
  const { regions: whole, ...demonstration } = read('demo/street.yaml');
  t.deepEqual(demonstration, example);
  t.deepEqual(whole, [{ x: 0, y: 0, width: 1920, height: 1080 }]);
});

test('a unit takes its first configuration, whose files are in the image', async (t) => {
  const configuration = read('demo/unit.yaml') as NonNullable<GrantInForce['configuration']>;
  const given = { unit: 'north-1', version: 1, issued: '', certificate: '', authorities: '', configuration };
  const settings = unitConfiguration(given, { data: '/var/lib/atalaya' });
  t.is(configurationFault(settings, '/var/lib/atalaya/identity'), undefined);
  const { scene, source } = configuration as unknown as {
    readonly scene: string;
    readonly source: { readonly path: string };
  };
  const stage = mkdtempSync(join(tmpdir(), 'atalaya-demo-'));
  t.teardown(() => rmSync(stage, { recursive: true }));
  await writeDemonstration(root, stage);
  const home = `/${programHome.folder}/${programHome.demonstration}/`;
  t.true(existsSync(join(stage, scene.replace(home, ''))));
  const clip = join(stage, source.path.replace(home, ''));
  const { times } = JSON.parse(readFileSync(`${clip}.times.json`, 'utf8')) as { readonly times: readonly number[] };
  t.is(times.length, 107);
  t.is(times[1], 200);
  const pictures = splitPictures(readFileSync(clip));
  t.is(pictures.length, times.length);
  t.true(pictures.every((one) => one.readUInt16BE(0) === 0xffd8 && one.readUInt16BE(one.length - 2) === 0xffd9));
});
