import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { makePersonKey, signerOf } from '../contract/person-key.ts';
import { DemoAuthority } from '../simulate/pki/pki.ts';
import { parseBridgeAddress } from './bridge-address.ts';
import { FleetClient } from './fleet-client.ts';
import { readKeyFile, writeKeyFile } from './key-files.ts';
import { settingChanges } from './settings-diff.ts';
import { StubBridge, type StubHandler } from './testing/stub-bridge.ts';

async function madeFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-client-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

async function made(t: ExecutionContext, handler: StubHandler, quiet = 5000) {
  const socket = join(await madeFolder(t), 's');
  const clock = new ManualClock();
  const [ana, eve] = [makePersonKey(), makePersonKey()];
  const bridge = new StubBridge([ana.publicPem], () => clock.utc(), handler);
  await bridge.listen(socket);
  let ids = 0;
  const client = (privatePem = ana.privatePem, newId = () => `act-${String(ids++).padStart(8, '0')}`) =>
    new FleetClient({
      address: { kind: 'unix', path: socket },
      signer: signerOf(privatePem),
      clock,
      newId,
      quiet: milliseconds(quiet),
    });
  const clients: FleetClient[] = [];
  const open = (...args: Parameters<typeof client>) => {
    const one = client(...args);
    clients.push(one);
    return one;
  };
  t.teardown(async () => {
    for (const one of clients) one.close();
    await bridge.close();
  });
  return { bridge, open, eve };
}

const none = { json: { units: [] } };

test('an act is signed over method, path with query, and body, and serves once', async (t) => {
  const { bridge, open, eve } = await made(t, ({ name }) =>
    name === 'acts'
      ? { json: { acts: [] } }
      : name === 'layer' || name === 'putLayer'
        ? { json: { name: 'fleet', version: 1, settings: {} } }
        : none,
  );
  const client = open();
  await client.call('acts', { parameters: {}, query: { from: 7, limit: undefined } });
  t.like(bridge.requests.at(-1)?.query, { from: 7, limit: 100 });
  const body = { settings: { log: { level: 'debug' } }, based: 0 };
  t.is((await client.call('putLayer', { parameters: { name: 'fleet' }, body })).version, 1);
  t.deepEqual(bridge.requests.at(-1)?.body, body);
  await t.throwsAsync(open(eve.privatePem).call('units', { parameters: {} }), {
    code: 'act-refused',
    message: /unknown-key/,
  });
  const again = open(undefined, () => 'act-the-same-one');
  await again.call('units', { parameters: {} });
  await t.throwsAsync(again.call('units', { parameters: {} }), { code: 'act-refused', message: /replayed/ });
  t.is(bridge.requests.length, 3);
});

test('what the centre sends is not believed before it fits', async (t) => {
  const answer: { now: ReturnType<StubHandler> } = { now: none };
  const { open } = await made(t, () => answer.now);
  const client = open();
  const units = () => client.call('units', { parameters: {} });
  answer.now = { text: '{"units": 7}' };
  await t.throwsAsync(units(), { code: 'message-refused', message: /units: / });
  answer.now = { text: '{"units": [], "units": []}' };
  await t.throwsAsync(units(), { code: 'message-refused', message: /a name stands twice/ });
  answer.now = { text: '', status: 500 };
  await t.throwsAsync(units(), { code: 'bridge-unavailable', message: /status 500/ });
  answer.now = { status: 409, error: { code: 'changed', message: 'it is version 3', hint: 'Look again.' } };
  const refused = await t.throwsAsync(units(), { code: 'act-refused', message: /changed: it is version 3/ });
  t.is((refused as { hint?: string }).hint, 'Look again.');
  answer.now = none;
  t.deepEqual((await units()).units, []);
});

test('lines are read until the reader goes, however they are cut', async (t) => {
  const event = {
    unit: 'north-1',
    lane: 'telemetry',
    stream: '0123456789abcdef',
    sequence: 1,
    previous: 0,
    kind: 'telemetry',
    time: '2026-03-01T12:00:00Z',
    data: { uptimeS: 1 },
  };
  const text = `${JSON.stringify(event)}\n\n{"missed":2}\n${JSON.stringify(event)}\n`;
  const { open } = await made(t, () => ({ content: [...text].map((letter) => letter), stay: true }));
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const line of open().lines('live', { parameters: {} }, stop.signal)) {
    seen.push(line.kind);
    if (seen.length === 3) stop.abort();
  }
  t.deepEqual(seen, ['event', 'missed', 'event']);
});

test('a bridge that says nothing is given up, one that is not there is named', async (t) => {
  const { open } = await made(t, () => ({ content: [' '], stay: true }), 200);
  await t.throwsAsync(open().call('units', { parameters: {} }), { code: 'bridge-unavailable' });
});

test('TLS: the authority that is named is believed, and no other', async (t) => {
  const authority = await DemoAuthority.create(systemClock);
  const { certPem, keyPem } = await authority.issue('centre', { server: ['localhost'] });
  const server = createServer({ cert: certPem, key: keyPem }, (_, response) => response.end('{"units":[]}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const signer = signerOf(makePersonKey().privatePem);
  const ask = async (ca: string | undefined) => {
    const client = new FleetClient({
      address: parseBridgeAddress(`https://localhost:${port}`),
      signer,
      clock: new ManualClock(),
      newId: () => 'act-00000001',
      quiet: milliseconds(5000),
      ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    });
    try {
      return (await client.call('units', { parameters: {} })).units.length;
    } finally {
      client.close();
    }
  };
  t.is(await ask(authority.certPem), 0);
  await t.throwsAsync(ask(undefined), {
    code: 'bridge-unavailable',
    message: /authority is not known|signed by nobody/,
  });
  const other = await DemoAuthority.create(systemClock);
  await t.throwsAsync(ask(other.certPem), { code: 'bridge-unavailable' });
});

test('a plain request to a port of TLS: another address is named', async (t) => {
  const authority = await DemoAuthority.create(systemClock);
  const { certPem, keyPem } = await authority.issue('centre', { server: ['localhost'] });
  // Some cut the connection, others say something that is no HTTP.
  const secure = createServer({ cert: certPem, key: keyPem }, () => undefined);
  const strange = createPlainServer((socket) => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])));
  for (const server of [secure, strange]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const client = new FleetClient({
      address: parseBridgeAddress(`http://127.0.0.1:${port}`),
      signer: signerOf(makePersonKey().privatePem),
      clock: new ManualClock(),
      newId: () => 'act-00000001',
      quiet: milliseconds(5000),
    });
    const fault = await t.throwsAsync(client.call('units', { parameters: {} }), {
      code: 'bridge-unavailable',
      message: /does not answer http:\/\//,
    });
    t.regex((fault as { hint?: string }).hint ?? '', new RegExp(`say --bridge https://127\\.0\\.0\\.1:${port} `));
    client.close();
  }
});

test('addresses', (t) => {
  t.deepEqual(parseBridgeAddress('unix:///run/b.sock'), { kind: 'unix', path: '/run/b.sock' });
  t.deepEqual(parseBridgeAddress('unix:b.sock'), { kind: 'unix', path: 'b.sock' });
  t.deepEqual(parseBridgeAddress('https://centre'), { kind: 'tcp', secure: true, host: 'centre', port: 443 });
  t.deepEqual(parseBridgeAddress('http://[::1]:8080'), { kind: 'tcp', secure: false, host: '::1', port: 8080 });
  for (const wrong of ['', 'unix:', 'centre:8443', 'http://centre', 'https://a:b@centre', 'https://centre/v1'])
    t.throws(() => parseBridgeAddress(wrong), { code: 'usage-invalid' }, wrong);
});

test('key files: new, of mode 0600, refused where others may read them', async (t) => {
  const folder = await madeFolder(t);
  const path = join(folder, 'k.pem');
  await writeKeyFile(path, 'secret', 0o600, 'token');
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.is(await readKeyFile(path, ''), 'secret');
  await t.throwsAsync(writeKeyFile(path, 'other', 0o600, 'token'), { code: 'key-exists' });
  t.is(await readFile(path, 'utf8'), 'secret');
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(path, mode);
    await t.throwsAsync(readKeyFile(path, ''), { code: 'key-invalid', message: /others may read or write/ });
  }
  await chmod(path, 0o600);
  const missing = await t.throwsAsync(readKeyFile(join(folder, 'none'), 'Make one.'), { code: 'key-missing' });
  t.is((missing as { hint?: string }).hint, 'Make one.');
  await t.throwsAsync(readKeyFile(folder, ''), { code: 'key-invalid', message: /no key file/ });
  await symlink(path, join(folder, 'link'));
  await t.throwsAsync(writeKeyFile(join(folder, 'link'), 'x', 0o600, 'token'), { code: 'key-exists' });
  await writeFile(join(folder, 'long'), 'x'.repeat(20_000), { mode: 0o600 });
  await t.throwsAsync(readKeyFile(join(folder, 'long'), ''), { code: 'key-invalid' });
});

test('what differs between settings', (t) => {
  const changes = settingChanges({ a: { b: 1, c: [1] }, d: 1 }, { a: { b: 1, c: [2] }, e: { f: null } });
  t.deepEqual(
    changes.map(({ path, before, after }) => [path, before, after]),
    [
      ['a.c', [1], [2]],
      ['d', 1, undefined],
      ['e.f', undefined, null],
    ],
  );
});
