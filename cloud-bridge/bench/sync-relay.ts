import { connect, createServer, type Socket } from 'node:net';

/**
 * A TCP way that delays: every byte, in each direction, by half of a round trip. It bounds no rate and loses nothing. In a process of its
 * own, started with the port that it leads to and the round trip in milliseconds; tells the port that it listens on.
 */

const [target = 0, roundTripMs = 0] = process.argv.slice(2).map(Number);
const delay = roundTripMs / 2;

function carry(from: Socket, to: Socket): void {
  // Timers of one length come in the order in which they were set, so bytes keep theirs.
  from.on('data', (bytes) => setTimeout(() => !to.destroyed && to.write(bytes), delay));
  from.on('end', () => setTimeout(() => to.end(), delay));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), delay));
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const broker = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  carry(client, broker);
  carry(broker, client);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(address === null || typeof address === 'string' ? 0 : address.port);
});
process.on('disconnect', () => process.exit(0));
