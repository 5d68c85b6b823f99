import { connect, createServer, type Socket } from 'node:net';

/** A TCP way to a port of this machine that a test can break. */
export interface CutProxy {
  readonly port: number;
  /** Breaks every connection with a reset. New ones are taken. */
  cut(): void;
  /** Takes no byte further in either direction, and closes nothing: a dead radio. New connections fare the same. */
  stall(): void;
  /** Ends `stall` for new connections; the stalled ones are broken. */
  resume(): void;
  /** Breaks the connection at the nth byte from now on of what the client sends: in the middle of a message. */
  cutAfter(bytes: number): void;
  close(): Promise<void>;
}

export async function startProxy(target: number): Promise<CutProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let stalled = false;
  let left = Number.POSITIVE_INFINITY;
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };
  const server = createServer({ noDelay: true }, (client) => {
    const broker = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const pair = [client, broker] as const;
    pairs.add(pair);
    const over = () => {
      for (const socket of pair) socket.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on('error', over).on('close', over);
    client.on('data', (data) => {
      if (stalled) return;
      left -= data.byteLength;
      if (left > 0) broker.write(data);
      else {
        broker.write(data.subarray(0, data.byteLength + left));
        left = Number.POSITIVE_INFINITY;
        setImmediate(cut);
      }
    });
    broker.on('data', (data) => {
      if (!stalled) client.write(data);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    cut,
    stall: () => {
      stalled = true;
    },
    resume: () => {
      cut();
      stalled = false;
    },
    cutAfter: (bytes) => {
      left = bytes;
    },
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
