import test from 'ava';
import { TcpPayload } from './packet-wire-payload.ts';

/** A packet without options, as a tun device gives it. */
function packet(
  sequence: number,
  bytes: number,
  { port = 4000, flags = 0x10, protocol = 6, version = 4 } = {},
): Buffer {
  const made = Buffer.alloc(40 + bytes);
  made[0] = (version << 4) | 5;
  made.writeUInt16BE(made.byteLength, 2);
  made[9] = protocol;
  made.writeUInt16BE(1883, 20);
  made.writeUInt16BE(port, 22);
  made.writeUInt32BE(sequence, 24);
  made[32] = 5 << 4;
  made[33] = flags;
  return made;
}

const seen = (...packets: readonly Buffer[]) => {
  const payload = new TcpPayload();
  for (const one of packets) payload.see(one);
  return [payload.bytes, payload.again];
};

test('what was sent before is told from what is new, wholly or in part', (t) => {
  t.deepEqual(seen(packet(100, 10), packet(110, 10)), [20, 0]);
  t.deepEqual(seen(packet(100, 10), packet(110, 10), packet(100, 10)), [30, 10]);
  t.deepEqual(seen(packet(100, 10), packet(105, 10), packet(90, 60)), [80, 5 + 25]);
});

test('numbers that begin anew at the end of their circle are new', (t) => {
  t.deepEqual(seen(packet(2 ** 32 - 5, 10), packet(5, 10), packet(2 ** 32 - 5, 10)), [30, 10]);
});

test('each connection has its own numbers, also one over the ports of an older one', (t) => {
  t.deepEqual(seen(packet(100, 10), packet(100, 10, { port: 4001 })), [20, 0]);
  t.deepEqual(seen(packet(100, 10), packet(49, 0, { flags: 0x02 }), packet(50, 10)), [20, 0]);
});

test('acknowledgements, other protocols and cut packets count nothing', (t) => {
  const others = [
    packet(1, 0),
    packet(1, 9, { protocol: 17 }),
    packet(1, 9, { version: 6 }),
    packet(1, 9).subarray(0, 30),
  ];
  t.deepEqual(seen(...others, Buffer.alloc(0)), [0, 0]);
});
