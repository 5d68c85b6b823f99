import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { GatheringSink, testSource, wishes } from '../../../ota/download/testing/source-contract.ts';
import type { LineShape } from './testing/shaped-line.ts';
import { type Streamed, streamed } from './testing/streamed.ts';

const never = new AbortController().signal;
const path = `targets/${'ab'.repeat(32)}.unit-2-r2-arm64.tar.zst`;
const filled = (bytes: number) => Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 12)) % 256));

for (const [name, shape] of [
  ['a good link', { roundTripMs: 0 }],
  ['a slow link', { roundTripMs: 120, rateKbit: 4000 }],
  ['a link that loses', { roundTripMs: 50, dropPercent: 5 }],
] as const) {
  testSource(name, async (files) => {
    const { client, finish, clock } = streamed(files, shape);
    return { source: client, finish, now: () => clock.monotonic(), close: async () => undefined };
  });
}

/** Everything of a file, with what happens meanwhile. */
async function download(
  bytes: number,
  shape: LineShape,
  meanwhile: (link: Streamed, sink: GatheringSink) => void = () => undefined,
  seed = 1,
): Promise<Streamed & { readonly sink: GatheringSink; readonly content: Buffer; readonly ms: number }> {
  const content = filled(bytes);
  const link = streamed(new Map([[path, content]]), shape, { seed });
  const sink = new GatheringSink(bytes);
  const began = link.clock.monotonic();
  const work = link.client.blocks(path, wishes(bytes), sink, never);
  meanwhile(link, sink);
  await link.finish(work);
  return { ...link, client: link.client, sink, content, ms: link.clock.monotonic() - began };
}

const every = (link: Streamed, ms: number, what: () => void) => {
  const again = async (): Promise<void> => {
    await link.clock.sleep(milliseconds(ms));
    what();
    return again();
  };
  void again();
};

test('200 kbit/s, 300 ms, 5 % of the packets lost, a cut every 20 s: all comes, under 3 % of it twice', async (t) => {
  let sent = 0;
  const bytes = 5_000_000;
  const shape = { rateKbit: 200, roundTripMs: 300, lossPercent: 5 };
  const { sink, content, client, line, server } = await download(bytes, shape, (link) =>
    every(link, 20_000, () => link.cut(2000)),
  );
  sent = server.figures.bytes;
  t.true(sink.content.equals(content));
  t.true(sink.steps.every((times) => times === 1));
  t.log(`published twice ${((100 * (sent - bytes)) / bytes).toFixed(2)} %`, client.figures);
  t.true(sent - bytes < 0.03 * bytes);
  t.true(line.sent - bytes < 0.03 * bytes);
  // What was published twice is what had not come when the line was cut, and nothing else.
  t.like(client.figures, { received: bytes, receivedTwice: 0, nonsense: 0 });
});

test('a line is filled, whatever its rate and its delay, and its queue kept short', async (t) => {
  for (const [rateKbit, roundTripMs, bytes] of [
    [200, 300, 1_000_000],
    [2000, 80, 5_000_000],
    [50_000, 50, 50_000_000],
    [64, 600, 200_000],
  ] as const) {
    const { ms, client } = await download(bytes, { rateKbit, roundTripMs });
    const share = (8 * bytes) / rateKbit / ms;
    t.true(share > 0.75, `${rateKbit} kbit/s: ${(100 * share).toFixed(0)} % of it`);
    const alone = roundTripMs + (8 * 4096) / rateKbit;
    t.true((client.figures.roundTripMs ?? 0) < alone + 250, `${rateKbit} kbit/s: ${client.figures.roundTripMs} ms`);
  }
});

test('one connection that was short does not slow down the long one after it', async (t) => {
  const { ms, client } = await download(10_000_000, { rateKbit: 2000, roundTripMs: 80, lossPercent: 1 }, (link) => {
    void link.clock.sleep(milliseconds(300)).then(() => link.cut(1000));
  });
  const share = (8 * 10_000_000) / 2000 / ms;
  t.true(share > 0.6, `${(100 * share).toFixed(0)} % of the line; ${client.figures.window} bytes of window`);
});

test('blocks that a broker drops are asked for again, and only these', async (t) => {
  const { sink, content, client } = await download(3_000_000, { rateKbit: 2000, roundTripMs: 60, dropPercent: 3 });
  t.true(sink.content.equals(content));
  t.true(client.figures.lost > 0);
  t.true(client.figures.receivedTwice < 0.01 * content.byteLength);
});

test('a stall of the line is waited for: what was asked for is not asked for again', async (t) => {
  const content = filled(400_000);
  const link = streamed(new Map([[path, content]]), { rateKbit: 200, roundTripMs: 300 });
  const sink = new GatheringSink(content.byteLength);
  const work = link.client.blocks(path, wishes(content.byteLength), sink, never);
  await link.clock.advance(5000);
  // Twenty seconds in which nothing moves, and no connection is lost.
  link.line.send('down', 500_000, () => undefined);
  await link.finish(work);
  t.true(sink.content.equals(content));
  t.is(link.server.figures.bytes, content.byteLength);
  t.true(link.client.figures.probes > 1);
});

test('a unit that was started anew goes on with what it lacks, and takes no block of the one before', async (t) => {
  const content = filled(500_000);
  const link = streamed(new Map([[path, content]]), { rateKbit: 1000, roundTripMs: 200 });
  const sink = new GatheringSink(content.byteLength);
  const stop = new AbortController();
  const first = link.client.blocks(path, wishes(content.byteLength), sink, stop.signal);
  await link.clock.advance(1500);
  stop.abort();
  await link.finish(first);
  const wants = (offset: number) => sink.steps[offset / 4096] === 0;
  t.true(wants(499_712) && !wants(0));
  const again = link.restart();
  await link.finish(again.blocks(path, wishes(content.byteLength, { wants }), sink, never));
  t.true(sink.content.equals(content) && sink.steps.every((times) => times === 1));
  t.true(again.figures.nonsense > 0, 'blocks on their way were for another name');
});

test('a centre that is too busy is asked again later; one that answers nothing is given up', async (t) => {
  const content = filled(100_000);
  let busy = 3;
  const link = streamed(
    new Map([[path, content]]),
    { roundTripMs: 20 },
    {
      server: { bounds: { unitBytes: 8192 } },
    },
  );
  const sink = new GatheringSink(content.byteLength);
  await link.finish(link.client.blocks(path, wishes(content.byteLength), sink, never));
  t.true(sink.content.equals(content));
  const silent = streamed(
    new Map(),
    { roundTripMs: 20 },
    {
      server: { files: { open: () => new Promise(() => undefined) } },
    },
  );
  const failed = fault(silent.client.blocks(path, wishes(4096), new GatheringSink(4096), never));
  t.is((await silent.finish(failed)).code, 'link-down');
  t.is(silent.clock.monotonic() >= 120_000, true);
  const broken = streamed(
    new Map(),
    { roundTripMs: 20 },
    {
      server: {
        files: {
          open: async () => {
            busy -= 1;
            if (busy >= 0) throw new AtalayaError('store-failed', 'not now');
            return {
              length: 4096,
              read: async (from, length) => content.subarray(from, from + length),
              close: async () => undefined,
            };
          },
        },
      },
    },
  );
  const late = new GatheringSink(4096);
  await broken.finish(broken.client.blocks(path, wishes(4096), late, never));
  t.deepEqual(late.steps, [1]);
});

test('metadata and a target come side by side', async (t) => {
  const files = new Map([
    [path, filled(2_000_000)],
    ['director/timestamp.json', Buffer.from('{"new":true}')],
  ]);
  const link = streamed(files, { rateKbit: 1000, roundTripMs: 100 });
  const sink = new GatheringSink(2_000_000);
  const work = link.client.blocks(path, wishes(2_000_000), sink, never);
  await link.clock.advance(3000);
  const began = link.clock.monotonic();
  t.is((await link.finish(link.client.metadata('director/timestamp.json', 100)))?.toString(), '{"new":true}');
  t.true(link.clock.monotonic() - began < 2000);
  await link.finish(work);
  t.true(sink.steps.every((times) => times === 1));
});

test('without a connection nothing is asked, and the work goes on at the next', async (t) => {
  const content = filled(100_000);
  const link = streamed(new Map([[path, content]]), { roundTripMs: 50 });
  link.cut(60_000);
  const sink = new GatheringSink(content.byteLength);
  await link.finish(link.client.blocks(path, wishes(content.byteLength), sink, never));
  t.true(sink.content.equals(content));
  link.cut(600_000);
  const failed = fault(link.client.metadata('image/timestamp.json', 1000));
  t.is((await link.finish(failed)).code, 'link-down');
});

test('a rate of nothing is a pause and no fault, however long', async (t) => {
  const content = filled(50_000);
  const link = streamed(new Map([[path, content]]), { roundTripMs: 50 });
  const sink = new GatheringSink(content.byteLength);
  const rate = () => (link.clock.monotonic() < 1_800_000 ? 0 : undefined);
  const work = link.client.blocks(path, wishes(content.byteLength, { rate }), sink, never);
  await link.clock.advance(1_700_000);
  t.is(link.server.figures.gets, 1, 'how long it is');
  await link.finish(work);
  t.true(sink.content.equals(content));
});

test('wherever it is cut, all comes and each step once to the sink', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400_000 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 8 }),
      fc.constantFrom(0, 5, 20),
      fc.integer(),
      async (bytes, cuts, dropPercent, seed) => {
        const shape = { rateKbit: 2000, roundTripMs: 80, lossPercent: 3, dropPercent };
        const { sink, content } = await download(
          bytes,
          shape,
          (link) => {
            void (async () => {
              for (const cut of cuts) {
                await link.clock.sleep(milliseconds(cut));
                link.cut(200);
              }
            })();
          },
          seed,
        );
        return sink.content.equals(content) && sink.steps.every((times) => times === 1);
      },
    ),
    { numRuns: 40 },
  );
  t.pass();
});
