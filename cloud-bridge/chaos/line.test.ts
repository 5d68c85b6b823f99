import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { Line } from './line.ts';

/** A line to a server that keeps what it gets and sends it back. */
async function trial() {
  const got: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      got.push(data);
      socket.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line = await Line.open('127.0.0.1', (server.address() as { port: number }).port);
  const sockets: Socket[] = [];
  return {
    line,
    got: () => Buffer.concat(got),
    client: async () => {
      const socket = connect({ port: line.port, host: '127.0.0.1', noDelay: true });
      sockets.push(socket);
      // A reset is what some of these tests are about; they wait for the end.
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
    end: async () => {
      for (const socket of sockets) socket.destroy();
      await line.close();
      server.close();
    },
  };
}

/** Resolves with what has come back when it is so many bytes. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const data of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(data);
    if (Buffer.concat(parts).byteLength >= bytes) break;
  }
  return Buffer.concat(parts);
}

const noise = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) & 255));

test('bytes come through whole and in order, however they are delayed and slowed', async (t) => {
  const { line, client, end, got } = await trial();
  const socket = await client();
  line.delay(30, 25);
  line.limit(4000);
  const sent = noise(60_000);
  const begin = performance.now();
  for (let at = 0; at < sent.byteLength; at += 7001) socket.write(sent.subarray(at, at + 7001));
  t.true((await read(socket, sent.byteLength)).equals(sent));
  t.true(got().equals(sent));
  // 60 kB at 4000 kbit/s.
  t.true(performance.now() - begin > 110);
  await end();
});

test('a connection is cut at the byte that was named, and the next one is whole', async (t) => {
  const { line, client, end, got } = await trial();
  const socket = await client();
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  line.cutAfter('up', 1234);
  socket.write(noise(5000));
  await gone;
  t.is(line.cuts, 1);
  t.true(got().equals(noise(1234)));
  const next = await client();
  next.write(noise(5000));
  t.is((await read(next, 5000)).byteLength, 5000);
  await end();
});

test('a stalled line closes nothing and loses nothing', async (t) => {
  const { line, client, end, got } = await trial();
  const socket = await client();
  line.stall(true);
  socket.write(noise(100));
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(got().byteLength, 0);
  line.heal();
  t.is((await read(socket, 100)).byteLength, 100);
  await end();
});
