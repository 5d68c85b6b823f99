import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makePki } from '../../cloud-bridge/testing/make-pki.ts';
import { systemClock } from '../kernel/clock.ts';
import { systemTimer } from '../kernel/timer.ts';
import { judgeBroker, judgeNetwork } from './judge-link.ts';
import { measureNetwork } from './measure-network.ts';
import { brokerAddress, probeBroker } from './probe-broker.ts';

const parts = { clock: systemClock, timer: systemTimer };

async function listening(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
}

test('addresses of brokers', (t) => {
  t.deepEqual(brokerAddress('mqtts://broker.example'), { host: 'broker.example', port: 8883, tls: true });
  t.deepEqual(brokerAddress('mqtt://[::1]:1884'), { host: '::1', port: 1884, tls: false });
  t.is(brokerAddress('https://broker.example'), undefined);
  t.is(brokerAddress('broker'), undefined);
});

test('a broker that listens is reached, one that does not is offline with the reason', async (t) => {
  const port = await listening(
    t,
    createServer((socket) => socket.on('error', () => undefined)),
  );
  const reached = await probeBroker({ url: `mqtt://127.0.0.1:${port}`, ...parts });
  t.is(judgeBroker(reached).code, 'broker-reached');
  const closed = await probeBroker({ url: 'mqtt://127.0.0.1:1', ...parts });
  t.is(judgeBroker(closed).code, 'broker-unreachable');
  t.regex(judgeBroker(closed).says, /ECONNREFUSED/);
  t.is((await probeBroker({ url: 'nowhere', ...parts })).kind, 'offline');
});

test('both sides have to know each other: a certificate that is not taken is found, after the handshake too', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'selftest-pki-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const pki = await makePki(folder);
  const [unit, stranger] = await Promise.all([pki.issue('unit-7'), pki.issue('unit-7', { otherCa: true })]);
  const [cert, key] = await Promise.all([readFile(pki.server.cert), readFile(pki.server.key)]);
  const server = createTlsServer({ cert, key, ca: unit.ca, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.on('error', () => undefined),
  );
  server.on('tlsClientError', () => undefined);
  const url = `mqtts://localhost:${await listening(t, server)}`;
  const known = await probeBroker({ url, ...unit, ...parts });
  t.is(judgeBroker(known).code, 'broker-reached', JSON.stringify(known));
  const unknown = await probeBroker({ url, ...stranger, ...parts });
  t.is(judgeBroker(unknown).code, 'broker-unreachable', JSON.stringify(unknown));
  const mistrusted = await probeBroker({ url, ...unit, ca: pki.otherCa, ...parts });
  t.is(judgeBroker(mistrusted).code, 'broker-unreachable', JSON.stringify(mistrusted));
});

test('network: addresses, a route of either kind, a name', async (t) => {
  const proc = await mkdtemp(join(tmpdir(), 'selftest-proc-'));
  t.teardown(() => rm(proc, { recursive: true }));
  await mkdir(join(proc, 'net'));
  const resolve = async () => ({ address: '192.0.2.1' });
  const on = (more: Partial<Parameters<typeof measureNetwork>[0]>) =>
    measureNetwork({ host: 'broker.example', timer: systemTimer, proc, addresses: () => 1, resolve, ...more });
  const head = 'Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT';
  await writeFile(join(proc, 'net/route'), `${head}\neth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`);
  t.like(await on({}), { addresses: 1, route: false });
  await writeFile(
    join(proc, 'net/ipv6_route'),
    `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ffffffff 00000001 00000000 00200200       lo\n`,
  );
  t.false((await on({})).route, 'the loop is no way out');
  await writeFile(join(proc, 'net/route'), `${head}\neth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`);
  t.true((await on({})).route);
  await rm(join(proc, 'net/route'));
  await writeFile(
    join(proc, 'net/ipv6_route'),
    `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe80${'0'.repeat(28)} 00000400 00000001 00000000 00000003     eth0\n`,
  );
  t.true((await on({})).route);
  const lost = async () => {
    throw new Error('getaddrinfo ENOTFOUND broker.example');
  };
  t.is(judgeNetwork(await on({ resolve: lost })).code, 'network-no-name');
  t.is(judgeNetwork(await on({ addresses: () => 0 })).code, 'network-no-address');
  t.is(judgeNetwork(await on({ host: undefined })).code, 'network-unneeded');
});
