import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Rollout } from '../../contract/rollout.ts';
import { simulation, until } from './testing/running-simulation.ts';

/** Of a unit, as far as it is looked at. */
interface Told {
  readonly state?: {
    readonly configuration?: { readonly version: number };
    readonly flags?: { readonly announceCounts?: boolean };
  };
}

test('six units obey: a push, a restart, a rollout of which the stubborn one is seen, commands; also after a second start', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-obeying-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const first = await simulation(t, folder, 6, 1);
  if (first === undefined) return;
  const { call, done } = first;
  const settings = async (text: string) => {
    await writeFile(join(folder, 'settings.yaml'), text);
    return `--settings ${join(folder, 'settings.yaml')} --yes`;
  };
  t.true(await until(async () => (await done('status')).includes('6 units, 0 offline')));

  // Live; nobody else has opened anything for it.
  const counts = 'flags: {announceCounts: false}\n';
  t.regex(await done(`config push sim-0001 ${await settings(counts)} --wait 20`), /version 1 confirmed/);
  const told = async (at = first) => JSON.parse(await at.done('status --json')).units as readonly Told[];
  t.deepEqual(
    (await told()).map(({ state }) => state?.flags?.announceCounts),
    [false, true, true, true, true, true],
  );
  t.true((await readdir(join(folder, 'units', 'sim-0001'))).includes('config'));
  t.false((await readdir(join(folder, 'units', 'sim-0002'))).includes('config'));

  // Something that no running unit takes: it leaves, starts with it, and comes back.
  const threads = 'detector: {threads: 3}\n';
  t.regex(await done(`config push sim-0002 ${await settings(threads)} --wait 30`), /version 1 confirmed/);
  const refused = await call(`config push sim-0003 ${await settings('detector: {threads: 64}\n')} --wait 20`);
  t.is(refused.code, 1);
  t.regex(refused.out, /version 1 rejected\n +threads-beyond-cores/);

  // One canary, then the others, of which one fails.
  const rest = await settings('log: {level: debug}\n');
  const groups = '--group canary=sim-0001 --group all=rest';
  const { id } = JSON.parse(
    await done(`rollout start ${groups} ${rest} --probation 0.12 --deadline 0.4 --errors 0.1 --json`),
  ) as Rollout;
  const look = async () => JSON.parse(await done(`rollout show ${id} --json`)) as Rollout;
  t.true(await until(async () => (await look()).state === 'failed'));
  const [canary, all] = (await look()).groups;
  t.is(canary?.units[0]?.state, 'confirmed');
  t.not(canary?.succeededAt, undefined);
  const stubborn = all?.units.find(({ unit }) => unit === 'sim-0006');
  t.is(stubborn?.state, 'rolled-back');
  t.regex(stubborn?.reasons?.join() ?? '', /^broker-not-reached/);
  t.deepEqual(
    all?.units.filter(({ unit }) => unit !== 'sim-0006').map(({ unit, state }) => [unit, state]),
    ['sim-0002', 'sim-0003', 'sim-0004', 'sim-0005'].map((unit) => [unit, 'confirmed']),
  );

  const tested = await done('command self-test sim-0003 sim-0004 sim-0005 --wait 20');
  for (const unit of ['sim-0003', 'sim-0004', 'sim-0005']) t.regex(tested, new RegExp(`${unit} {2}done`));
  await done('command diagnostics sim-0003 --minutes 1 --every 1 --wait 20');
  const picture = await call(`command snapshot sim-0004 --out ${folder} --wait 20`);
  t.is(picture.code, 1);
  t.regex(picture.out, /a simulated unit has no camera/);
  await done('command reboot sim-0005 --reason look --yes --wait 20');
  t.true(await until(async () => (await done('status')).includes('1 offline')));
  t.true(await until(async () => (await done('status')).includes('6 units, 0 offline')));

  const summary = await first.stop();
  t.true(summary.settled);
  // Acts are entries of the ledger, and in the archive as everything else.
  t.is(summary.archived, summary.offered);
  // sim-0002 has started with what it was given, and again without it; sim-0005 was told to.
  t.is(summary.reconnects, 3);

  const second = await simulation(t, folder, 6, 0);
  if (second === undefined) return t.fail('Mosquitto was there before');
  t.true(await until(async () => (await second.done('status')).includes('6 units, 0 offline')));
  const left = (await told(second)).map(({ state }) => state?.configuration?.version);
  t.deepEqual(left, [2, 2, 2, 1, 1, 0]);
  t.true((await second.stop()).settled);
});
