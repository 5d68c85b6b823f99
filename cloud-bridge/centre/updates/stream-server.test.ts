import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import type { StreamAnswer, StreamGet } from '../../contract/stream.ts';
import { type StreamBounds, StreamServer } from './stream-server.ts';

const path = `targets/${'ab'.repeat(32)}.unit-1-r1-x64.tar.zst`;
const content = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, i) => i % 251));

interface Sent {
  readonly unit: string;
  readonly block?: number;
  readonly bytes?: Uint8Array;
  readonly answer?: StreamAnswer;
}

function served(bounds: Partial<StreamBounds> = {}, held = false) {
  const clock = new ManualClock();
  const sent: Sent[] = [];
  const released: (() => void)[] = [];
  const files = { open: 0, opened: [] as string[] };
  const gate = () => (held ? new Promise<void>((resolve) => released.push(resolve)) : Promise.resolve());
  const server = new StreamServer({
    files: {
      open: async (unit, wanted) => {
        files.opened.push(`${unit} ${wanted}`);
        if (wanted.includes('3.root')) throw new Error('i/o error');
        if (!wanted.startsWith('targets/') && !wanted.endsWith('timestamp.json')) return undefined;
        files.open += 1;
        return {
          length: content.byteLength,
          read: async (from, length) => content.subarray(from, from + length),
          close: async () => {
            files.open -= 1;
          },
        };
      },
    },
    answer: async (unit, answer) => {
      sent.push({ unit, answer });
    },
    block: (unit, _, block, bytes) => {
      sent.push({ unit, block, bytes });
      return gate();
    },
    clock,
    bounds,
  });
  const release = async () => {
    while (released.length > 0) {
      released.shift()?.();
      await clock.advance(0);
    }
  };
  return { server, sent, files, clock, release };
}

const get = (more: Partial<StreamGet> = {}): StreamGet => ({
  id: 'abcdefgh',
  file: path,
  size: 4096,
  from: 0,
  count: 1,
  ...more,
});

test('blocks come in the order in which they were asked for, the last one short, and the length when it is asked', async (t) => {
  const { server, sent, clock } = served();
  server.asked('u', get({ count: 0 }));
  server.asked('u', get({ from: 20, count: 5 }));
  server.asked('u', get({ from: 0, count: 2, size: 65_536 }));
  await clock.advance(0);
  t.deepEqual(sent[0]?.answer, { id: 'abcdefgh', length: 100_000 });
  t.deepEqual(
    sent.slice(1).map(({ block }) => block),
    [20, 21, 22, 23, 24, 0, 1],
  );
  t.is(sent[5]?.bytes?.byteLength, 100_000 - 24 * 4096);
  t.true(Buffer.concat(sent.slice(6).map(({ bytes }) => bytes as Uint8Array)).equals(content));
  t.like(server.figures, { gets: 3, blocks: 7, waitingBytes: 0 });
});

test('beyond the end there is the length, where there is no file absent, where it cannot be read later', async (t) => {
  const { server, sent, clock } = served();
  server.asked('u', get({ from: 24, count: 64 }));
  server.asked('u', get({ from: 1_000_000 }));
  server.asked('u', get({ file: 'image/2.root.json', count: 64 }));
  server.asked('u', get({ file: 'image/3.root.json' }));
  await clock.advance(0);
  t.deepEqual(
    sent.map(({ answer, block }) => answer?.refused ?? answer?.length ?? block),
    [24, 100_000, 100_000, 'absent', 'later'],
  );
  t.is(server.figures.waitingBytes, 0);
});

test('a target stays open between blocks, one for each unit; metadata is opened anew', async (t) => {
  const { server, files, clock } = served({ openFiles: 3 });
  for (const unit of ['a', 'b', 'c', 'd', 'a', 'a']) {
    server.asked(unit, get());
    await clock.advance(0);
  }
  // The one that was used longest ago had to go.
  t.deepEqual(
    files.opened.map((name) => name[0]),
    ['a', 'b', 'c', 'd', 'a'],
  );
  t.is(files.open, 3);
  for (let i = 0; i < 3; i += 1) server.asked('a', get({ file: 'image/timestamp.json' }));
  await clock.advance(0);
  t.is(files.opened.length, 8);
  t.is(files.open, 3);
  await clock.advance(61_000);
  server.asked('e', get());
  await clock.advance(0);
  t.is(server.figures.openFiles, 1, 'what nobody reads is closed');
  await server.close();
  t.is(files.open, 0);
});

test('many units have turns, whatever one of them asks for', async (t) => {
  const { server, sent, clock, release } = served({ width: 2 }, true);
  for (let i = 0; i < 50; i += 1) server.asked('greedy', get({ count: 20 }));
  for (const unit of ['a', 'b', 'c', 'd']) server.asked(unit, get({ count: 2 }));
  await clock.advance(0);
  await release();
  const lastOfOthers = sent.findLastIndex(({ unit }) => unit !== 'greedy');
  t.true(lastOfOthers < 30, `${lastOfOthers}`);
  t.is(sent.length, 1008);
});

test('what one unit, or all together, ask for at once is bounded, and one that floods is not answered each time', async (t) => {
  const { server, sent, clock, release } = served({ unitBytes: 10 * 4096, bytes: 15 * 4096, unitRequests: 4 }, true);
  for (let i = 0; i < 1000; i += 1) server.asked('flood', get({ count: 5 }));
  server.asked('other', get({ count: 5 }));
  server.asked('third', get({ count: 5 }));
  await clock.advance(0);
  const later = () => sent.filter(({ answer }) => answer?.refused === 'later').map(({ unit }) => unit);
  t.deepEqual(later(), ['flood', 'third']);
  t.is(server.figures.waitingBytes <= 15 * 4096, true);
  t.is(server.figures.later, 999);
  await release();
  for (let i = 0; i < 100; i += 1) server.asked('flood', get({ count: 0 }));
  await clock.advance(1000);
  t.is(server.figures.waitingBytes, 0);
  t.is(sent.filter(({ answer }) => answer?.length !== undefined).length, 4);
});

test('closed, it forgets what waits and serves nothing more', async (t) => {
  const { server, sent, clock, release, files } = served({}, true);
  server.asked('u', get({ count: 24 }));
  await clock.advance(0);
  const closed = server.close();
  await release();
  await closed;
  const before = sent.length;
  server.asked('u', get());
  await clock.advance(0);
  t.is(sent.length, before);
  t.is(files.open, 0);
});
