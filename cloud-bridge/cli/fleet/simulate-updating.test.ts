import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { UpdateBrief } from '../../contract/api-views.ts';
import type { Rollout } from '../../contract/rollout.ts';
import { simulation, until } from './testing/running-simulation.ts';

test('five units are updated: some confirm, some roll back, a version that fails is stopped, an abort takes one back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-updating-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const first = await simulation(t, folder, 5, 1);
  if (first === undefined) return;
  const { done } = first;
  const look = async (id: string) => JSON.parse(await done(`rollout show ${id} --json`)) as Rollout;
  const states = async (id: string) => (await look(id)).groups.map(({ units }) => units.map(({ state }) => state));
  const start = async (version: string, more: string) => {
    const targets = ['x64', 'arm64'].map((one) => `--update unit-${version}-${one}.tar.zst`).join(' ');
    const line = `rollout start ${targets} --hold 0.1 --trial 0.5 --deadline 2 --yes --json ${more}`;
    return (JSON.parse(await done(line)) as Rollout).id;
  };
  const briefs = async () =>
    (JSON.parse(await done('status --json')).units as { update?: UpdateBrief }[]).map(({ update }) => update);
  t.true(await until(async () => (await briefs()).filter((one) => one?.verdict === 'good').length === 5));

  // What each runs on is its own word, and each gets its own: odd ones and even ones run on different hardware.
  const good = await start('1.1.0-r2', '--group all=sim-0001,sim-0002,sim-0005 --errors 0.4 --success 0.6');
  const broken = await start('1.2.0-broken-r3', '--group canary=sim-0003 --group all=sim-0004');
  t.true(await until(async () => (await look(good)).state === 'done'));
  t.deepEqual(await states(good), [['confirmed', 'confirmed', 'rolled-back']]);
  t.true(await until(async () => (await look(broken)).state === 'failed'));
  t.deepEqual(await states(broken), [['rolled-back'], ['skipped']]);
  t.deepEqual(
    (await briefs()).map((one) => [one?.release, one?.slot, one?.verdict]),
    [...Array(2).fill([2, 'a', 'good']), ...Array(3).fill([1, 'image', 'good'])],
  );
  t.regex(await done('updates show sim-0001'), /unit-1\.1\.0-r2-arm64\.tar\.zst/);
  t.regex(await done('updates show sim-0002'), /unit-1\.1\.0-r2-x64\.tar\.zst/);
  t.regex(await done('status sim-0003'), /program +1\.0\.0 r1 \(image\); rolled-back\n +broker-not-reached/);

  const taken = await start('1.3.0-dull-r4', '--group one=sim-0003 --spread 1');
  t.true(await until(async () => (await states(taken))[0]?.[0] === 'released'));
  await done(`rollout abort ${taken} --reason enough --yes`);
  t.true(await until(async () => (await look(taken)).groups[0]?.units[0]?.restore?.state === 'restored'));
  t.deepEqual(await states(taken), [['canceled']]);
  t.true((await first.stop()).settled);
});
