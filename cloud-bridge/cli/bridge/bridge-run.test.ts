import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../../device/kernel/units.ts';
import { AskingPerson } from '../../centre/api/testing/asking-person.ts';
import { SqliteArchive } from '../../centre/archive/sqlite-archive.ts';
import { countOf, pause, until } from '../../centre/bridge/testing/bridge-trial.ts';
import { SpeakingUnit } from '../../centre/bridge/testing/speaking-unit.ts';
import { trustSchemaId } from '../../contract/acts.ts';
import { makePersonKey, signerOf } from '../../contract/person-key.ts';
import { openMqttLink } from '../../link/mqtt-link.ts';
import { makePki, type Pki } from '../../testing/make-pki.ts';
import { MemoryBroker } from '../../testing/memory-broker.ts';
import { startMosquitto } from '../../testing/start-mosquitto.ts';
import { defaultBridgeConfig, loadBridgeConfig } from './bridge-config.ts';
import { type BridgeReady, runBridge } from './compose-bridge.ts';

const program = new URL('../atalaya-bridge.ts', import.meta.url).pathname;
const fleet = new URL('../atalaya-fleet.ts', import.meta.url).pathname;

async function folderOf(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'atalaya-bridge-'));
}

async function unitOn(url: string, pki: Pki, id: string): Promise<SpeakingUnit> {
  const credentials = await pki.issue(id);
  const unit = new SpeakingUnit(id, (handlers) =>
    openMqttLink(
      {
        ...{ url, clientId: id, protocol: 'auto', clock: systemClock, timer: systemTimer, random: Math.random },
        ...{ ...credentials, keepAlive: seconds(10), sessionExpiry: seconds(600), connectDeadline: milliseconds(5000) },
        backoff: { first: milliseconds(50), most: milliseconds(500) },
      },
      handlers,
    ),
  );
  await unit.online();
  return unit;
}

/** The program, with what it prints. */
function started(args: readonly string[], of = program) {
  const child = spawn(process.execPath, [of, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  // Not at its exit: what it said may come after that.
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, ended, out: () => out, err: () => err };
}

test('the program, Mosquitto and SQLite: killed in the middle, everything is archived once and in order', async (t) => {
  const folder = await folderOf();
  const pki = await makePki(join(folder, 'pki'));
  const broker = await startMosquitto({ pki });
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  const { cert, key } = await pki.issue('bridge-1');
  await writeFile(join(folder, 'bridge.pem'), cert);
  await writeFile(join(folder, 'bridge.key'), key);
  const root = makePersonKey();
  const data = join(folder, 'data');
  const operator = new AskingPerson('Eva', 'operator', join(data, 'api.sock'));
  const trust = { schema: trustSchemaId, version: 1, issued: new Date().toISOString(), people: [operator.entry] };
  await writeFile(join(folder, 'root.pem'), root.publicPem);
  await writeFile(join(folder, 'trust.json'), JSON.stringify(await signDocument(trust, signerOf(root.privatePem))));
  await writeFile(
    join(folder, 'bridge.yaml'),
    'ops: { port: 0 }\ndata: data\ntrust: { rootKey: root.pem, document: trust.json }\n',
  );
  const args = [
    ...['run', '--config', join(folder, 'bridge.yaml'), '--broker', broker.url, '--ca', pki.ca],
    ...['--cert', join(folder, 'bridge.pem'), '--key', join(folder, 'bridge.key')],
  ];
  let bridge = started(args);
  try {
    await until('it listens', () => bridge.out().includes('witness: '), 20_000);
    const unit = await unitOn(broker.url, pki, 'unit-1');
    await unit.state();
    const total = 3000;
    let killed = 0;
    const say = async (from: number) => {
      const events = [];
      for (let sequence = from; sequence < from + 100 && sequence <= total; sequence += 1)
        events.push({ sequence, data: countOf(sequence) });
      await unit.events('count', events).catch(() => undefined);
    };
    for (let from = 1; from <= total; from += 100) {
      await say(from);
      if (from === 901 || from === 1901) {
        bridge.child.kill('SIGKILL');
        await bridge.ended;
        killed += 1;
        bridge = started(args);
      }
    }
    // As an outbox does: what is not acknowledged is sent again.
    await until(
      'everything is acknowledged',
      async () => {
        if (unit.upTo('telemetry') === total) return true;
        await pause(500);
        for (let from = unit.upTo('telemetry') + 1; from <= total; from += 100) await say(from);
        return false;
      },
      30_000,
    );
    await unit.ledger(1, 2);
    await unit.say('checkpoint', {}, { note: unit.note() });
    await until('cosigned', () => unit.cosigned.length === 1);
    const answer = await operator.ask('units', { parameters: {} });
    t.is(answer.status, 200, JSON.stringify(answer.error));
    t.like(answer.value.units[0], { unit: 'unit-1', online: true, checkpoint: { size: 2 } });
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(bridge.out())?.[0];
    const health = await fetch(`${address}/healthz`);
    t.is(health.status, 200, await health.text());
    t.regex(await (await fetch(`${address}/metrics`)).text(), /atalaya_bridge_acks_total [1-9]/);
    bridge.child.kill('SIGTERM');
    t.is(await bridge.ended, 0, bridge.err());
    t.regex(bridge.err(), /took leave of the broker/);
    t.notRegex(bridge.err(), /the broker is gone/, 'our own leave-taking is no loss');
    await unit.close();
    const archive = await SqliteArchive.open(join(data, 'archive.sqlite'), { clock: systemClock });
    const sequences: number[] = [];
    for (let page = 0; page < total; page += 1000) {
      const events = await archive.events({
        unit: 'unit-1',
        lane: 'telemetry',
        order: 'sequence',
        afterSequence: page,
        limit: 1000,
      });
      sequences.push(...events.map(({ sequence }) => sequence));
    }
    await archive.close();
    t.deepEqual(
      sequences,
      Array.from({ length: total }, (_, i) => i + 1),
    );
    t.is(killed, 2);
  } finally {
    bridge.child.kill('SIGKILL');
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test('what is wrong with the call or the configuration is said in a line, with exit code 2', async (t) => {
  const folder = await folderOf();
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['name: unit-1\n', [], /name: does not begin with bridge-/],
    ['brokr: 1\n', [], /config-invalid/],
    ['sharing: { group: a, partition: { index: 0, of: 2 } }\n', [], /exclude each other/],
    ['sharing: { partition: { index: 2, of: 2 } }\n', [], /index is not below of/],
    ['a: [\n', [], /is not YAML/],
    ['trust: { rootKey: missing.pem }\nops: null\n', [], /key-missing: .*missing\.pem does not exist/],
    ['archive: { urlFile: missing }\n', [], /key-missing/],
    ['', ['--no-such-flag'], /unknown option/],
  ];
  const results = await Promise.all(
    cases.map(async ([text, flags, expected], i) => {
      const file = join(folder, `${i}.yaml`);
      await writeFile(file, text);
      const { ended, err } = started(['run', '--config', file, '--data', join(folder, `data-${i}`), ...flags]);
      return { code: await ended, err: err(), expected, text };
    }),
  );
  for (const { code, err, expected, text } of results) {
    t.is(code, 2, `${text}: ${err}`);
    t.regex(err, expected);
  }
  const missing = started(['run', '--config', join(folder, 'missing.yaml')]);
  t.is(await missing.ended, 2);
  await rm(folder, { recursive: true, force: true });
});

test('two bridges do not work on one folder, and a bridge without a broker says so where it is asked', async (t) => {
  const folder = await folderOf();
  const config = { ...defaultBridgeConfig(), data: join(folder, 'data'), ops: { host: '127.0.0.1', port: 0 } };
  const end = new AbortController();
  const ready = Promise.withResolvers<BridgeReady>();
  const running = runBridge(
    { ...config, broker: { ...config.broker, url: 'mqtt://127.0.0.1:1' } },
    { clock: systemClock, signal: end.signal, log: silentLog, onReady: ready.resolve },
  );
  const { addresses } = await ready.promise;
  await t.throwsAsync(runBridge(config, { clock: systemClock, signal: end.signal, log: silentLog }), {
    code: 'store-locked',
  });
  const taken = new URL(addresses.at(-1) ?? '').port;
  await writeFile(
    join(folder, 'other.yaml'),
    `data: other\nbroker: { url: "mqtt://127.0.0.1:1" }\nops: { port: ${taken} }\n`,
  );
  const second = started(['run', '--data', config.data, '--broker', 'mqtt://127.0.0.1:1']);
  const third = started(['run', '--config', join(folder, 'other.yaml')]);
  // As a unit: what a person has to change first is a wrong call.
  t.deepEqual([await second.ended, await third.ended], [2, 2], `${second.err()}${third.err()}`);
  t.regex(second.err(), /store-locked: .*data is in use by process \d+/);
  t.regex(
    third.err(),
    /config-invalid: cannot listen on .* another program listens there\n {2}End that program, or name/,
  );
  const health = await fetch(`${addresses.at(-1)}/healthz`);
  t.is(health.status, 503);
  t.like(await health.json(), { state: 'failed', parts: { broker: { state: 'failed' }, archive: { state: 'good' } } });
  const nobody = new AskingPerson('Eva', 'operator', join(folder, 'data', 'api.sock'));
  t.is((await nobody.ask('units', { parameters: {} })).error?.reason, 'no-trust');
  end.abort();
  await running;
  t.regex(await readFile(join(folder, 'data', 'witness.pem'), 'utf8'), /PRIVATE KEY/);
  await rm(folder, { recursive: true, force: true });
});

test('a bridge whose trust document has expired starts and archives, and says so', async (t) => {
  const folder = await folderOf();
  const root = makePersonKey();
  const supervisor = new AskingPerson('Ana', 'supervisor', join(folder, 'data', 'api.sock'));
  const past = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const body = { schema: trustSchemaId, version: 1, people: [supervisor.entry] };
  const expired = { ...body, issued: past(2), expires: past(1) };
  await writeFile(join(folder, 'root.pem'), root.publicPem);
  await writeFile(join(folder, 'trust.json'), JSON.stringify(await signDocument(expired, signerOf(root.privatePem))));
  const broker = new MemoryBroker();
  const config = {
    ...{ ...defaultBridgeConfig(), data: join(folder, 'data'), ops: { host: '127.0.0.1', port: 0 } },
    trust: { rootKey: join(folder, 'root.pem'), document: join(folder, 'trust.json') },
  };
  const end = new AbortController();
  const ready = Promise.withResolvers<BridgeReady>();
  const running = runBridge(config, {
    ...{ clock: systemClock, signal: end.signal, log: silentLog, onReady: ready.resolve },
    connect: (handlers) => broker.link(handlers, { clientId: 'bridge-1', sessionKept: true }),
  });
  const { addresses, bridge } = await Promise.race([ready.promise, running.then(() => Promise.reject(new Error()))]);
  await until('it has a broker', () => bridge.online);
  const unit = new SpeakingUnit('unit-1', (handlers) =>
    broker.link(handlers, { clientId: 'unit-1', sessionKept: true }),
  );
  await unit.online();
  await unit.state();
  await unit.events('count', [{ sequence: 1, data: countOf(1) }]);
  await until('it archives', () => unit.upTo('telemetry') === 1);
  t.is((await supervisor.ask('units', { parameters: {} })).error?.reason, 'trust-expired');
  const health = await fetch(`${addresses.at(-1)}/healthz`);
  t.is(health.status, 200, 'it does its work');
  t.like(await health.json(), { state: 'degraded', parts: { trust: { state: 'degraded' } } });
  t.regex(await (await fetch(`${addresses.at(-1)}/metrics`)).text(), /^atalaya_bridge_trust_in_force 0$/m);
  const newer = { ...body, version: 2, issued: past(0) };
  await writeFile(join(folder, 'next.json'), JSON.stringify(await signDocument(newer, signerOf(root.privatePem))));
  await writeFile(join(folder, 'ana.pem'), supervisor.key.privatePem, { mode: 0o600 });
  const as = ['--bridge', `unix:${join(folder, 'data', 'api.sock')}`, '--key', join(folder, 'ana.pem')];
  const refused = started(['status', ...as], fleet);
  t.is(await refused.ended, 1);
  t.regex(
    refused.err(),
    /^act-refused: the centre says trust-expired: .*\n {2}Whoever holds the root key signs the next/,
  );
  const pushed = started(['trust', 'push', '--file', join(folder, 'next.json'), ...as], fleet);
  t.is(await pushed.ended, 0, pushed.err());
  t.regex(pushed.out(), /^the centre has version 2 of the trust document/);
  const answer = await supervisor.ask('units', { parameters: {} });
  t.like(answer.value, { units: [{ unit: 'unit-1' }], broker: { connected: true } });
  await unit.close();
  end.abort();
  await running;
  await rm(folder, { recursive: true, force: true });
});

test('paths of a configuration are relative to its file', async (t) => {
  const folder = await folderOf();
  await writeFile(join(folder, 'bridge.yaml'), 'data: here\nbroker: { ca: ca.pem }\napi: { socket: null }\n');
  const config = await loadBridgeConfig(join(folder, 'bridge.yaml'));
  t.is(config.data, join(folder, 'here'));
  t.is(config.broker.ca, join(folder, 'ca.pem'));
  t.is(config.api.socket, null);
  await rm(folder, { recursive: true, force: true });
});
