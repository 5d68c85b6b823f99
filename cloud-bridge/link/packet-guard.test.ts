import test from 'ava';
import fc from 'fast-check';
import { longestPacket, PacketGuard } from './packet-guard.ts';

/** A PUBLISH at QoS 1 whose content has so many bytes, without the content. */
function header(content: number, first = 0x32): Buffer {
  const bytes = [first];
  for (let rest = content; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) return Buffer.from(bytes);
  }
}

/** Gives a guard a stream in pieces; how much of it was read when it found a fault, and which. */
function read(stream: Buffer, cuts: readonly number[]) {
  const guard = new PacketGuard();
  const ends = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort((a, b) => a - b);
  for (const [i, end] of ends.entries()) {
    const fault = guard.read(stream.subarray(ends[i - 1] ?? 0, end));
    if (fault !== undefined) return { fault: fault.message, end };
  }
  return undefined;
}

test('however a stream is cut, what fits passes, and what is too long is known with its header', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 16_383, 16_384))),
      fc.integer({ min: longestPacket - 3, max: 268_435_455 }),
      fc.array(fc.nat()),
      (contents, tooMuch, cuts) => {
        const good = Buffer.concat(contents.flatMap((content) => [header(content), Buffer.alloc(content, 0xff)]));
        t.is(read(good, cuts), undefined);
        const all = Buffer.concat([good, header(tooMuch)]);
        t.regex(read(all, cuts)?.fault ?? '', /a packet of \d+ bytes, and we take 262144/);
      },
    ),
  );
});

test('the longest packet that is announced is taken, and one byte more is not', (t) => {
  const content = longestPacket - 4;
  t.is(new PacketGuard().read(header(content)), undefined);
  t.truthy(new PacketGuard().read(header(content + 1)));
});

test('a length that does not end, and a message of QoS 2, are no packets for us', (t) => {
  t.regex(new PacketGuard().read(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))?.message ?? '', /length is none/);
  t.regex(new PacketGuard().read(header(5, 0x34))?.message ?? '', /QoS 2/);
  // PUBREL has these bits too, and is none.
  t.is(new PacketGuard().read(Buffer.from([0x62, 2, 0, 1, 0xd0, 0])), undefined);
});
