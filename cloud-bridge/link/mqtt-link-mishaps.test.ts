import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { milliseconds, seconds } from '../../device/kernel/units.ts';
import { startProxy } from '../testing/cut-proxy.ts';
import { freePort } from '../testing/free-port.ts';
import { makeLinkClient } from '../testing/link-client.ts';
import { openTestLink } from '../testing/mqtt-harness.ts';
import { type StartedBroker, startMosquitto } from '../testing/start-mosquitto.ts';
import type { LinkOptions } from './mqtt-link.ts';

let broker: StartedBroker | undefined;
let folder: string | undefined;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atalaya-acl-'));
  const acl = join(folder, 'acl');
  await writeFile(acl, 'topic readwrite open/#\n');
  broker = await startMosquitto({ extra: `max_packet_size 50000\nacl_file ${acl}\n` });
});
test.after.always(async () => {
  await broker?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Of the cases that need Mosquitto. */
function absent(t: ExecutionContext): void {
  t.log('Mosquitto is not installed: passed over');
  t.pass();
}

const open = (url: string, options: Partial<LinkOptions> = {}, also: Parameters<typeof makeLinkClient>[1] = {}) =>
  makeLinkClient((handlers) => openTestLink({ url, clientId: 'unit-1', ...options }, handlers), also);

/** A server on a free port, with what it does to each connection. */
async function serve(take: (socket: Socket) => void): Promise<{ url: string; close: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    take(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `mqtt://127.0.0.1:${port}`, close };
}

const hangUp = (socket: Socket) => socket.end();
const sayUnsupported = (socket: Socket) => socket.end(Buffer.from([0x20, 3, 0, 132, 0]));
const sayUnacceptable = (socket: Socket) => socket.end(Buffer.from([0x20, 2, 0, 1]));

for (const [title, refuse] of [
  ['hangs up', hangUp],
  ['says so as MQTT 5 has it', sayUnsupported],
  ['says so as 3.1.1 has it', sayUnacceptable],
] as const) {
  test(`a broker without MQTT 5 that ${title} is spoken to in 3.1.1, and remembered`, async (t) => {
    const levels: number[] = [];
    let last: Socket | undefined;
    const server = await serve((socket) => {
      socket.once('data', (connect) => {
        levels.push(connect[8] ?? 0);
        last = socket;
        if (connect[8] === 5) refuse(socket);
        else socket.write(Buffer.from([0x20, 2, 0, 0]));
      });
    });
    const client = open(server.url);
    t.is((await client.online()).protocol, '3.1.1');
    t.is((await client.online()).sharedSubscriptions, undefined);
    t.deepEqual(levels, [5, 4]);
    last?.destroy();
    await client.until(() => client.sessions.length === 2);
    t.deepEqual(levels, [5, 4, 4]);
    const strict = open(server.url, { protocol: '5' });
    await strict.until(() => strict.faults.length > 0);
    t.deepEqual(strict.sessions, []);
    await Promise.all([client.link.close(), strict.link.close()]);
    server.close();
  });
}

test('a broker that says nothing is given up after the deadline', async (t) => {
  const server = await serve(() => undefined);
  const client = open(server.url, { connectDeadline: milliseconds(200) });
  await client.until(() => client.faults.length > 0);
  t.regex(client.faults[0]?.message ?? '', /did not let us in in time/);
  await client.link.close();
  server.close();
});

test('a broker that answers with rubbish is no broker, and does no harm', async (t) => {
  const server = await serve((socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
  const client = open(server.url, { connectDeadline: milliseconds(500) });
  await client.until(() => client.faults.length > 0);
  t.is(client.faults[0]?.code, 'link-down');
  t.deepEqual(client.sessions, []);
  await client.link.close();
  server.close();
});

test('the waits between two tries grow, are drawn at random, and end in the longest', async (t) => {
  const port = await freePort();
  const waits: number[] = [];
  const client = open(`mqtt://127.0.0.1:${port}`, {
    backoff: { first: milliseconds(10), most: milliseconds(80) },
    random: () => 0.5,
    timer: {
      sleep: (time, signal) => {
        if (time <= 80) waits.push(time);
        return systemTimer.sleep(time, signal);
      },
    },
  });
  await client.until(() => client.faults.length > 0);
  t.regex(client.faults[0]?.message ?? '', /nobody listens at 127\.0\.0\.1/);
  await wait(500);
  await client.link.close();
  t.deepEqual(waits.slice(0, 6), [7.5, 15, 30, 60, 60, 60]);
  t.is(client.faults.length, 1, 'the same reason is told once');
});

test('an address that is none is refused at once', (t) => {
  for (const url of ['http://host', 'mqtt:', 'host:1883', ''])
    t.true(
      isAtalayaError(
        t.throws(() => open(url)),
        'config-invalid',
      ),
      url,
    );
});

test('credentials are asked for at each connection, and what they throw is a reason', async (t) => {
  if (broker === undefined) return absent(t);
  const proxy = await startProxy(broker.port);
  let asked = 0;
  const client = open(`mqtt://127.0.0.1:${proxy.port}`, {
    credentials: async () => {
      asked += 1;
      if (asked === 1) throw new Error('the key file is locked');
      return {};
    },
  });
  await client.online();
  t.regex(client.faults[0]?.message ?? '', /the key file is locked/);
  t.is(asked, 2);
  proxy.cut();
  await client.until(() => client.sessions.length === 2);
  t.is(asked, 3);
  await client.link.close();
  await proxy.close();
});

test('a link that went dead without a word is noticed by its silence', async (t) => {
  if (broker === undefined) return absent(t);
  const proxy = await startProxy(broker.port);
  const client = open(`mqtt://127.0.0.1:${proxy.port}`, { clientId: 'silent', keepAlive: seconds(1) });
  await client.online();
  proxy.stall();
  const sent = client.link.publish('open/x', 'into nothing', { qos: 1 });
  t.regex((await fault(sent)).message, /no sign of life for 1\.5 s/);
  proxy.resume();
  await client.until(() => client.sessions.length === 2);
  await client.link.close();
  await proxy.close();
});

test('a connection that breaks in the middle of messages brings none that is torn', async (t) => {
  if (broker === undefined) return absent(t);
  const proxy = await startProxy(broker.port);
  const sink = open(broker.url, { clientId: 'sink' });
  await sink.online();
  await sink.link.subscribe(['open/torn']);
  const client = open(`mqtt://127.0.0.1:${proxy.port}`, {
    clientId: 'torn',
    backoff: { first: milliseconds(5), most: milliseconds(20) },
  });
  for (let at = 0; at < 40; at += 1) {
    const payload = Buffer.alloc(5000, at);
    for (let done = false; !done; ) {
      await client.online();
      if (at % 2 === 0 && Math.floor(client.sessions.length / 2) <= at / 2) proxy.cutAfter(1 + ((at * 613) % 5000));
      done = await client.link.publish('open/torn', payload, { qos: 1 }).then(
        () => true,
        (error) => !isAtalayaError(error, 'link-down'),
      );
    }
  }
  await sink.until(() => sink.arrivals.at(-1)?.payload[0] === 39);
  t.true(client.sessions.length > 10, `${client.sessions.length} connections`);
  t.true(sink.arrivals.every(({ payload }) => payload.equals(Buffer.alloc(5000, payload[0]))));
  t.deepEqual(
    [...new Set(sink.arrivals.map(({ payload }) => payload[0]))],
    Array.from({ length: 40 }, (_, at) => at),
  );
  await Promise.all([client.link.close(), sink.link.close()]);
  await proxy.close();
});

test('what a broker of MQTT 5 will not take is refused for good, and the connection stands', async (t) => {
  if (broker === undefined) return absent(t);
  const client = open(broker.url, { clientId: 'refused', protocol: '5' });
  t.is((await client.online()).maximumPacketSize, 50_000);
  const large = await fault(client.link.publish('open/large', Buffer.alloc(60_000), { qos: 1 }));
  t.is(large.code, 'link-refused');
  t.regex(large.message, /takes packets of 50000/);
  const forbidden = await fault(client.link.publish('closed/x', 'x', { qos: 1 }));
  t.is(forbidden.code, 'link-refused');
  t.regex(forbidden.message, /closed\/x is not allowed to us/);
  await client.link.publish('open/x', Buffer.alloc(49_000), { qos: 1 });
  t.deepEqual(client.faults, []);
  await client.link.close();
});

test('what a broker of MQTT 5 says when it throws us out is told', async (t) => {
  const reasons = [142, 139];
  const server = await serve((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      const reason = reasons.shift();
      if (reason !== undefined) setTimeout(() => socket.end(Buffer.from([0xe0, 2, reason, 0])), 50);
    });
  });
  const client = open(server.url);
  await client.until(() => client.sessions.length === 3);
  t.regex(client.faults[0]?.message ?? '', /another session with our client id/);
  t.regex(client.faults[1]?.message ?? '', /is shutting down/);
  await client.link.close();
  server.close();
});

test('messages of QoS 0 that nobody can take are dropped; memory is bounded', async (t) => {
  if (broker === undefined) return absent(t);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = open(broker.url, { clientId: 'slow' }, { arrived: () => held });
  await slow.online();
  await slow.link.subscribe(['open/flood']);
  const sender = open(broker.url, { clientId: 'sender' });
  await sender.online();
  for (let at = 0; at < 800; at += 1) await sender.link.publish('open/flood', String(at), { qos: 0 });
  await sender.link.publish('open/flood', 'last', { qos: 1 });
  await wait(200);
  release();
  await slow.until(() => slow.texts.includes('last'));
  t.true(slow.arrivals.length <= 258, `${slow.arrivals.length} arrived`);
  await Promise.all([slow.link.close(), sender.link.close()]);
});

test('a link that is closed while it connects stays closed', async (t) => {
  if (broker === undefined) return absent(t);
  const client = open(broker.url, { clientId: 'brief' });
  await client.link.close();
  await wait(200);
  t.deepEqual(client.sessions, []);
  t.is((await fault(client.link.publish('open/x', 'x', { qos: 1 }))).message, 'the link was closed');
});

test('TLS with a broker that has none is said in words', async (t) => {
  if (broker === undefined) return absent(t);
  const client = open(`mqtts://127.0.0.1:${broker.port}`);
  await client.until(() => client.faults.length > 0);
  t.is(client.faults[0]?.code, 'link-down');
  t.regex(client.faults[0]?.message ?? '', /does not speak TLS|broke off/);
  await client.link.close();
});
