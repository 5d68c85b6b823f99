import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import { topicOf } from '../../contract/address.ts';
import { parseMessage } from '../../contract/message.ts';
import { blockBytes } from '../../contract/topics.ts';
import type { DataVerdict } from '../outbox/data-budget.ts';
import { EvidenceServer, type EvidenceServerOptions } from './evidence-server.ts';
import { Grants } from './grants.ts';

const content = Buffer.from(Array.from({ length: 3 * blockBytes + 100 }, (_, i) => (i * 31) % 251));

interface Desk {
  readonly server: EvidenceServer;
  readonly sent: { readonly name: string; readonly block: number; readonly bytes: Buffer }[];
  open: number;
}

function desk(more: Partial<EvidenceServerOptions> = {}): Desk {
  const sent: Desk['sent'] = [];
  const desk: Desk = {
    sent,
    open: 0,
    server: new EvidenceServer({
      grants: { allows: (evidence) => evidence !== 'secret' },
      open: async (evidence, file) => {
        if (evidence === 'torn') throw new Error('unreadable');
        if (file !== 'clip.age') return undefined;
        desk.open += 1;
        return {
          bytes: content.byteLength,
          read: async (from, length) => content.subarray(from, from + length),
          close: async () => {
            desk.open -= 1;
          },
        };
      },
      publishBlock: async (evidence, file, block, bytes) => {
        sent.push({ name: `${evidence}/${file}`, block, bytes: Buffer.from(bytes) });
      },
      budget: { judge: () => 'pass', spend: () => undefined },
      ...more,
    }),
  };
  return desk;
}

const get = (blocks: number[], evidence = 'unit-7-000012', file = 'clip.age') => ({ evidence, file, blocks });

test('blocks that were asked for make up the file, each a message of the contract', async (t) => {
  const { server, sent, ...rest } = desk();
  await server.asked(get([2, 0]));
  await server.asked(get([3, 1, 3]));
  const blocks = sent.toSorted((a, b) => a.block - b.block);
  t.deepEqual(
    blocks.map(({ block }) => block),
    [0, 1, 2, 3],
  );
  t.true(Buffer.concat(blocks.map(({ bytes }) => bytes)).equals(content));
  for (const { block, bytes } of sent) {
    const topic = topicOf('evidenceBlock', 'unit-7', { id: 'unit-7-000012', file: 'clip.age', block: String(block) });
    t.is(parseMessage(topic, bytes, 'up').kind, 'message');
  }
  t.like(server.figures, { sent: 4, sentBytes: content.byteLength });
  t.is(rest.open, 0);
});

test('what is not granted, not there, beyond the end or unreadable is not sent, and counted each by itself', async (t) => {
  const { server, sent } = desk();
  await server.asked(get([0, 1], 'secret'));
  await server.asked(get([0], 'unit-7-000012', 'other.age'));
  await server.asked(get([4, 1_000_000]));
  await server.asked(get([0, 1, 2], 'torn'));
  t.deepEqual(sent, []);
  t.deepEqual(server.figures, { sent: 0, sentBytes: 0, notGranted: 2, unknown: 3, held: 0, busy: 0, failed: 3 });
});

test('a lost link fails the block and no more than it; the budget holds what comes after it ran out', async (t) => {
  let tries = 0;
  let verdict: DataVerdict = 'pass';
  let spent = 0;
  const { server } = desk({
    width: 1,
    publishBlock: async () => {
      tries += 1;
      if (tries === 2) throw new Error('link-down');
      if (tries === 3) verdict = 'hold';
    },
    budget: {
      judge: () => verdict,
      spend: (_, bytes) => {
        spent += bytes;
      },
    },
  });
  await server.asked(get([0, 1, 2, 3]));
  await server.asked(get([3]));
  t.like(server.figures, { sent: 2, failed: 1, held: 2 });
  t.is(spent, 3 * blockBytes);
});

test('no more is on its way at once than the width, and no more waits than it may', async (t) => {
  const waiting: (() => void)[] = [];
  const { server } = desk({ width: 2, publishBlock: () => new Promise((resolve) => waiting.push(resolve)) });
  const asked = Array.from({ length: 20 }, () => server.asked(get([0, 1, 2])));
  const next = () => new Promise((resolve) => setImmediate(resolve));
  await next();
  t.is(waiting.length, 2);
  t.is(server.figures.busy, 12);
  let most = 0;
  while (waiting.length > 0) {
    most = Math.max(most, waiting.length);
    waiting.shift()?.();
    await next();
  }
  await Promise.all(asked);
  t.is(most, 2);
  t.is(server.figures.sent, 48);
});

const path = '/data/grants.json';

test('a grant covers its evidence and files for its time, in this run and after a power cut', async (t) => {
  const files = new MemoryFiles();
  await files.makeFolder('/data');
  await files.syncFolder('/');
  const clock = new ManualClock(1000);
  const options = { files, clock, policy: 'on-request' as const };
  const grants = await Grants.open(path, options);
  t.false(grants.allows('a', 'clip.age'));
  await grants.grant('a', ['clip.age'], utcMilliseconds(2000));
  await grants.grant('b', 'all', utcMilliseconds(5000));
  const again = await Grants.open(path, { ...options, files: files.survivors(seededRandom(1)) });
  for (const one of [grants, again]) {
    t.true(one.allows('a', 'clip.age') && one.allows('b', 'keys'));
    t.false(one.allows('a', 'still.age') || one.allows('c', 'clip.age'));
  }
  await clock.advance(1000);
  t.false(again.allows('a', 'clip.age'));
  t.true(again.allows('b', 'keys'));
  await again.grant('c', 'all', utcMilliseconds(9000));
  t.deepEqual(
    again.valid.map(({ evidence }) => evidence),
    ['b', 'c'],
  );
  t.is((await fault(grants.grant('../x', 'all', utcMilliseconds(9000)))).code, 'internal');
  await Promise.all(Array.from({ length: 998 }, (_, i) => again.grant(`d-${i}`, 'all', utcMilliseconds(9000))));
  t.is((await fault(again.grant('d', 'all', utcMilliseconds(9000)))).code, 'act-refused');
  t.true((await Grants.open(path, { ...options, files: new MemoryFiles(), policy: 'all' })).allows('x', 'keys'));
});

test('what is asked for again is one grant, and takes nothing of what was granted before', async (t) => {
  const files = new MemoryFiles();
  await files.makeFolder('/data');
  const grants = await Grants.open(path, { files, clock: new ManualClock(1000), policy: 'on-request' });
  const grant = (names: readonly string[] | 'all', until: number) => grants.grant('a', names, utcMilliseconds(until));
  for (let i = 0; i < 1100; i += 1) await grant(['keys', 'clip.age'], 5000 + i);
  t.is(grants.valid.length, 1);
  await grant(['clip.age'], 9000);
  t.is(grants.valid.length, 2, 'the keys are granted for less long');
  await grant(['still.age', 'clip.age'], 8000);
  t.is(grants.valid.length, 3);
  await grant('all', 7000);
  t.is(grants.valid.length, 3, 'the first is part of it, the others last longer');
  await grant('all', 9000);
  t.deepEqual(grants.valid, [{ evidence: 'a', files: 'all', until: utcMilliseconds(9000) }]);
});

test('a file of grants that is something else is refused, and nothing is granted by it', async (t) => {
  const files = new MemoryFiles();
  const file = await files.open('/grants.json', 'create');
  await file.write([Buffer.from('{"format":"atalaya/grants/1","grants":"all"}')], 0);
  const options = { files, clock: new ManualClock(), policy: 'on-request' as const };
  t.is((await fault(Grants.open('/grants.json', options))).code, 'store-damaged');
});
