import { createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import test from 'ava';
import { milliseconds } from '../../device/kernel/units.ts';
import { type LinkClient, makeLinkClient } from '../testing/link-client.ts';
import { openTestLink } from '../testing/mqtt-harness.ts';
import { startMosquitto } from '../testing/start-mosquitto.ts';
import type { LinkOptions } from './mqtt-link.ts';

const topic = Buffer.from([0, 1, 0x78]);

/** A PUBLISH of the topic `x`; at QoS 1 with a number. */
function publish(
  payload: number,
  protocol: '5' | '3.1.1',
  messageId?: number,
  first = messageId === undefined ? 0x30 : 0x32,
) {
  const id = messageId === undefined ? [] : [messageId >> 8, messageId & 0xff];
  const head = Buffer.concat([topic, Buffer.from([...id, ...(protocol === '5' ? [0] : [])])]);
  const length: number[] = [];
  for (let rest = head.length + payload; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) break;
  }
  return { header: Buffer.concat([Buffer.from([first, ...length]), head]), payload };
}

const whole = (message: ReturnType<typeof publish>) => Buffer.concat([message.header, Buffer.alloc(message.payload)]);

interface Rogue {
  readonly url: string;
  /** The CONNECT of each connection. */
  readonly connects: readonly Buffer[];
  close(): void;
}

/** A broker that lets everybody in and then does what it likes, the nth time that somebody comes. */
async function startRogue(act: (socket: Socket, connection: number) => void): Promise<Rogue> {
  const sockets = new Set<Socket>();
  const connects: Buffer[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (connect) => {
      connects.push(connect);
      socket.write(Buffer.from(connect[8] === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]));
      act(socket, connects.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    connects,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const open = (options: Pick<LinkOptions, 'url'> & Partial<LinkOptions>, arrived = () => {}): LinkClient =>
  makeLinkClient((handlers) => openTestLink({ clientId: 'unit-1', ...options }, handlers), { arrived });

const faultsOf = (client: LinkClient) => client.faults.map((fault) => fault?.message);

for (const protocol of ['5', '3.1.1'] as const) {
  test(`MQTT ${protocol}: a message of 250 MB is not taken, and the link goes on with the next connection`, async (t) => {
    let written = 0;
    const rogue = await startRogue((socket, connection) => {
      if (connection > 1) return void socket.write(whole(publish(200_000, protocol, 1)));
      const { header } = publish(250_000_000, protocol, 1);
      // Byte by byte, and then as fast as it is taken.
      for (const byte of header) socket.write(Buffer.from([byte]));
      const more = () => {
        while (!socket.destroyed && written < 250_000_000) {
          written += 65_536;
          if (!socket.write(Buffer.alloc(65_536))) return;
        }
      };
      socket.on('drain', more);
      setTimeout(more, 20);
    });
    const client = open({ url: rogue.url, protocol });
    await client.until(() => client.arrivals.length > 0);
    t.regex(faultsOf(client)[0] ?? '', /the broker sent a packet of 2500000\d\d bytes, and we take 262144/);
    t.is(client.faults.length, 1);
    t.is(client.arrivals[0]?.payload.length, 200_000);
    t.true(written < 20_000_000, `${written} bytes were written`);
    await client.link.close();
    rogue.close();
  });

  test(`MQTT ${protocol}: a broker that sends more short messages than the window has is borne, and none of them is lost`, async (t) => {
    const rogue = await startRogue((socket) => {
      for (let i = 1; i <= 400; i += 1) socket.write(whole(publish(100, protocol, i)));
    });
    let release = () => {};
    const hung = new Promise<void>((resolve) => {
      release = resolve;
    });
    const client = makeLinkClient(
      (handlers) => openTestLink({ url: rogue.url, clientId: 'unit-1', protocol, receiveMaximum: 8 }, handlers),
      { arrived: () => hung },
    );
    await client.online();
    await wait(200);
    t.deepEqual(client.faults, []);
    release();
    await client.until(() => client.arrivals.length === 400);
    await client.link.close();
    rogue.close();
  });
}

test('the longest packet that we take is said in the CONNECT of MQTT 5', async (t) => {
  const rogue = await startRogue(() => {});
  const client = open({ url: rogue.url, protocol: '5' });
  await client.online();
  t.true(rogue.connects[0]?.includes(Buffer.from([0x27, 0, 4, 0, 0])));
  await client.link.close();
  rogue.close();
});

test('more bytes than the window is good for end the connection; a window full of the longest messages of the contract does not', async (t) => {
  const rogue = await startRogue((socket) => {
    for (let i = 1; i <= 200; i += 1) socket.write(whole(publish(190_000, '5', i)));
  });
  const hang = () => new Promise<void>(() => undefined);
  const of = (receiveMaximum: number) =>
    makeLinkClient(
      (handlers) => openTestLink({ url: rogue.url, clientId: 'unit-1', protocol: '5', receiveMaximum }, handlers),
      { arrived: hang },
    );
  const small = of(64);
  await small.until(() => small.faults.length > 0);
  t.regex(faultsOf(small)[0] ?? '', /the broker sent 110 messages, of 210\d{5} bytes/);
  t.truthy(small.faults[0]?.hint);
  await small.link.close();
  const large = of(200);
  await large.online();
  await wait(500);
  t.deepEqual(large.faults, []);
  await large.link.close();
  rogue.close();
});

test('messages of QoS 0 that nobody can take are dropped by their bytes too', async (t) => {
  const sent = Promise.withResolvers<void>();
  const rogue = await startRogue((socket) => {
    for (let i = 0; i < 120; i += 1) socket.write(whole(publish(250_000, '5')));
    socket.write(whole(publish(0, '5', 7)), () => sent.resolve());
  });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const client = makeLinkClient(
    (handlers) => openTestLink({ url: rogue.url, clientId: 'unit-1', protocol: '5' }, handlers),
    { arrived: () => held },
  );
  await client.online();
  // Little is left in the buffers of the system then, on a machine with much else to do as well.
  await sent.promise;
  await wait(1000);
  release();
  await client.until(() => client.texts.includes(''));
  t.is(client.arrivals.length, 66 + 1);
  t.deepEqual(client.faults, []);
  await client.link.close();
  rogue.close();
});

test('a message of QoS 2 ends the connection: it would be kept for a second half that need not come', async (t) => {
  const rogue = await startRogue((socket) => socket.write(whole(publish(10, '3.1.1', 1, 0x34))));
  const client = open({ url: rogue.url, protocol: '3.1.1' });
  await client.until(() => client.faults.length > 0);
  t.regex(faultsOf(client)[0] ?? '', /QoS 2/);
  t.deepEqual(client.arrivals, []);
  await client.link.close();
  rogue.close();
});

test('a leave-taking from a broker that has frozen is over within its two deadlines', async (t) => {
  const broker = await startMosquitto();
  if (broker === undefined) {
    t.log('Mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  t.teardown(() => broker.stop());
  const client = open({ url: broker.url, connectDeadline: milliseconds(15_000) });
  await client.online();
  process.kill(broker.pid, 'SIGSTOP');
  try {
    const lost = client.link.publish('x', 'never acknowledged', { qos: 1 }).catch(({ code }) => code);
    const asked = performance.now();
    await client.link.close({ topic: 'state', payload: 'gone', retain: true });
    const took = performance.now() - asked;
    t.log(`closed after ${Math.round(took)} ms`);
    // A second each, and time for a busy machine; the deadline of a connection is not waited for.
    t.true(took < 8000, `${took} ms`);
    t.is(await lost, 'link-down');
    t.is(client.link.state.kind, 'offline');
  } finally {
    process.kill(broker.pid, 'SIGCONT');
  }
});
