import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { MemoryBroker } from '../../testing/memory-broker.ts';
import { bridgeConfigSchema, locateBridgeConfig } from '../bridge/bridge-config.ts';
import { runBridge } from '../bridge/compose-bridge.ts';
import { runFleet } from './program.ts';
import { SpokenUnit } from './testing/spoken-unit.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const caller =
  (folder: string) =>
  async (line: string): Promise<Said> => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await runFleet(line.split(' '), {
      out: { write: (text) => void out.push(text), terminal: false, columns: undefined },
      err: { write: (text) => void err.push(text), terminal: false, columns: undefined },
      ask: undefined,
      edit: async () => false,
      environment: { ATALAYA_BRIDGE: `unix:${folder}/data/api.sock`, ATALAYA_KEY: `${folder}/ana.pem` },
      clock: systemClock,
      timer: systemTimer,
      newId: randomUUID,
      signal: new AbortController().signal,
    });
    return { code, out: out.join(''), err: err.join('') };
  };

/** Until it holds, at most half a minute. */
async function until(look: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 300; i += 1) {
    if (await look()) return true;
    await systemTimer.sleep(milliseconds(100));
  }
  return false;
}

test('the walk: keys, trust, a layer, a push, canaries that hold and canaries that do not, an alert, a command', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-walk-'));
  const call = caller(folder);
  const done = async (line: string): Promise<string> => {
    const { code, out, err } = await call(line);
    t.is(code, 0, `${line}\n${out}${err}`);
    return out;
  };
  await done(`new-root --out ${folder}/root.pem`);
  await done(`new-key --out ${folder}/ana.pem --name Ana --role supervisor --file ${folder}/trust.json`);
  await done(`trust sign --file ${folder}/trust.json --root ${folder}/root.pem --days 90`);

  const broker = new MemoryBroker();
  const stop = new AbortController();
  const trust = { rootKey: 'root.public.pem', document: 'trust.json' };
  const config = locateBridgeConfig(bridgeConfigSchema.parse({ data: 'data', trust, ops: null }), folder);
  const ready = Promise.withResolvers<void>();
  const running = runBridge(config, {
    clock: systemClock,
    signal: stop.signal,
    log: silentLog,
    connect: (handlers) => broker.link(handlers, { clientId: 'bridge-1' }),
    onReady: () => ready.resolve(),
  });
  await Promise.race([ready.promise, running]);
  const units = ['north-1', 'north-2', 'north-3'].map((unit) => new SpokenUnit(broker, unit));
  t.teardown(async () => {
    for (const unit of units) await unit.leave();
    stop.abort();
    await running;
    await rm(folder, { recursive: true });
  });
  for (const unit of units) await unit.listen();
  const [first, second, third] = units as [SpokenUnit, SpokenUnit, SpokenUnit];
  t.true(await until(async () => (await done('status')).includes('3 units, 0 offline')));

  await writeFile(join(folder, 'fleet.yaml'), 'log: {level: debug}\n');
  await done(`config edit fleet --settings ${folder}/fleet.yaml --yes`);
  t.regex(await done('config push north-1 --yes --wait 30'), /version 1 confirmed/);
  t.deepEqual(
    first.given.map(({ version, settings }) => [version, settings]),
    [[1, { log: { level: 'debug' } }]],
  );
  t.regex(await done('config history north-1'), /1 {2}.*Ana.*confirmed/);

  await writeFile(join(folder, 'fleet.yaml'), 'log: {level: warn}\n');
  await done(`config edit fleet --settings ${folder}/fleet.yaml --yes`);
  const start = 'rollout start --group canaries=north-1 --group all=rest --probation 1 --deadline 5 --yes --json';
  const { id } = JSON.parse(await done(start));
  const state = async (of: string) => JSON.parse(await done(`rollout show ${of} --json`)).state;
  t.true(await until(async () => (await state(id)) === 'done'));
  t.regex(await done(`rollout show ${id}`), /done \(3 of 3 units confirmed\)/);
  t.deepEqual(
    third.given.map(({ version }) => version),
    [1],
  );

  first.outcome = 'rolled-back';
  await writeFile(join(folder, 'fleet.yaml'), 'log: {level: error}\n');
  await done(`config edit fleet --settings ${folder}/fleet.yaml --yes`);
  const failing = JSON.parse(await done(start)).id;
  t.true(await until(async () => (await state(failing)) === 'failed'));
  t.regex(await done(`rollout show ${failing}`), /frames-unseen: no frame was seen/);
  t.is(second.given.length, 1, 'who is no canary never heard of it');
  t.regex((await call(`rollout resume ${failing} --reason x`)).err, /is failed/);
  t.is((await call(`rollout pause ${failing} --reason x`)).code, 1);

  first.outcome = 'confirmed';
  t.regex(await done('config rollback north-1 1 --yes --wait 30'), /version 4 confirmed/);
  await second.alert();
  t.true(await until(async () => (await done('alerts')).includes('camera-lost')));
  t.regex(await done('alerts acknowledge north-2 camera-lost --note coming'), /acknowledged by Ana/);
  t.like(JSON.parse(await done('alerts --json')).alerts[0]?.acknowledged, { by: 'Ana (supervisor)', note: 'coming' });
  t.regex(await done('command self-test north-1 north-3 --wait 30'), /north-3 {2}done {5}camera: good/);
  t.regex(await done('acts --json'), /"about":"command self-test for north-3, id /);
  t.regex(await done('trust list'), /Ana {3}supervisor/);
  t.regex((await call('status north-9')).err, /never heard of north-9; units like it: north-1, north-2, north-3/);
});
