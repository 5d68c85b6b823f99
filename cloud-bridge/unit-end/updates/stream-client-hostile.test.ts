import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Target } from '../../../ota/contract/target.ts';
import { Downloads } from '../../../ota/download/downloads.ts';
import { MemorySource, targetOf } from '../../../ota/download/testing/downloaded.ts';
import type { StreamGet } from '../../contract/stream.ts';
import { StreamClient } from './stream-client.ts';

const content = randomBytes(60_001);
const target = targetOf(content);

/** A download from a centre that answers each request as it likes, 20 ms later. */
async function against(
  answers: (get: StreamGet, client: StreamClient) => void,
  of: Target = target,
): Promise<{ outcome: unknown; client: StreamClient; files: MemoryFiles; downloads: Downloads }> {
  const clock = new ManualClock();
  const files = new MemoryFiles();
  const client: StreamClient = new StreamClient({
    publish: async (get) => {
      await clock.sleep(milliseconds(20));
      answers(get, client);
    },
    clock,
    timer: clock,
    random: seededRandom(3),
  });
  client.online();
  const downloads = new Downloads({ files, folder: '/downloads', timer: clock });
  let outcome: unknown;
  void downloads
    .fetch(of, client, { signal: new AbortController().signal, rate: () => undefined, progress: () => undefined })
    .then(
      (fetched) => {
        outcome = fetched.kind === 'refused' ? fetched.code : fetched.kind;
      },
      (error: unknown) => {
        outcome = (error as { code?: string }).code;
      },
    );
  for (let at = 0; outcome === undefined && at < 20_000; at += 1) await clock.advance(20);
  return { outcome, client, files, downloads };
}

const blocksOf = ({ from, count, size }: StreamGet, file = content) =>
  Array.from({ length: count }, (_, i) => from + i)
    .filter((block) => block * size < file.byteLength)
    .map((block) => ({ block, bytes: file.subarray(block * size, Math.min(file.byteLength, (block + 1) * size)) }));

const honest = (get: StreamGet, client: StreamClient) => {
  if (get.count === 0) client.answered({ id: get.id, length: content.byteLength });
  for (const { block, bytes } of blocksOf(get)) client.data(get.id, block, bytes);
};

test('an honest centre is believed by the hash alone', async (t) => {
  t.is((await against(honest)).outcome, 'complete');
});

test('other bytes, other lengths, no end and silence: each ends with its reason', async (t) => {
  const twisted = Buffer.from(content);
  twisted[5] = (twisted[5] ?? 0) ^ 1;
  const longer = Buffer.concat([content, Buffer.alloc(70_000)]);
  const cases: [string, Parameters<typeof against>[0]][] = [
    [
      'target-hash',
      (get, client) => {
        for (const { block, bytes } of blocksOf(get, twisted)) client.data(get.id, block, bytes);
      },
    ],
    ['target-padded', (get, client) => client.answered({ id: get.id, length: longer.byteLength })],
    [
      'target-padded',
      (get, client) => {
        for (const { block, bytes } of blocksOf(get, longer)) client.data(get.id, block, bytes);
      },
    ],
    ['target-truncated', (get, client) => client.answered({ id: get.id, length: 60_000 })],
    ['target-truncated', (get, client) => client.answered({ id: get.id, length: 0 })],
    ['target-absent', (get, client) => client.answered({ id: get.id, refused: 'absent' })],
    ['link-down', () => undefined],
    // Answers, and never a byte of it.
    ['link-down', (get, client) => client.answered({ id: get.id, length: content.byteLength })],
    ['link-down', (get, client) => client.answered({ id: get.id, refused: 'later' })],
    // Blocks, and each too short.
    [
      'link-down',
      (get, client) => {
        for (const { block, bytes } of blocksOf(get)) client.data(get.id, block, bytes.subarray(1));
      },
    ],
  ];
  for (const [code, answers] of cases) t.is((await against(answers)).outcome, code);
});

test('a flood of what nobody asked for changes nothing and is counted', async (t) => {
  const noise = Buffer.alloc(65_536, 1);
  const { outcome, client } = await against((get, to) => {
    for (let i = 0; i < 50; i += 1) {
      to.data('zzzzzzzzzzzzzzzz', i, noise);
      to.data(get.id, 100 + i, noise);
      to.data(get.id, i, noise.subarray(0, 17));
      to.data(get.id, 1_000_000, noise.subarray(0, get.size));
      to.answered({ id: 'yyyyyyyyyyyyyyyy', refused: 'absent' });
      to.answered({ id: 'yyyyyyyyyyyyyyyy', length: 3 });
    }
    honest(get, to);
    // And each again.
    honest(get, to);
  });
  t.is(outcome, 'complete');
  t.is(client.figures.received, content.byteLength);
  t.true(client.figures.receivedTwice > 0.8 * content.byteLength);
  t.true(client.figures.nonsense > 1_000_000);
});

test('blocks after the end, and of an earlier file, are nobody s', async (t) => {
  const ids: string[] = [];
  const { client } = await against((get, to) => {
    ids.push(get.id);
    honest(get, to);
  });
  const before = client.figures;
  for (const id of ids) {
    client.data(id, 0, content.subarray(0, 4096));
    client.answered({ id, refused: 'absent' });
  }
  t.is(client.figures.received, before.received);
  t.is(client.figures.outstanding, 0);
});

/** Metadata from a centre that says how long it is and gives of it what it likes. Gives what it came to, the bytes that were told, and how long it took. */
async function metadataFrom(
  length: number,
  gives: (get: StreamGet, client: StreamClient, clock: ManualClock) => void | Promise<void>,
): Promise<{ outcome: string; came: number; seconds: number; client: StreamClient }> {
  const clock = new ManualClock();
  const client: StreamClient = new StreamClient({
    publish: async (get) => {
      await clock.sleep(milliseconds(20));
      if (get.count === 0) client.answered({ id: get.id, length });
      await gives(get, client, clock);
    },
    ...{ clock, timer: clock, random: seededRandom(3) },
  });
  client.online();
  let came = 0;
  let outcome = '';
  void client
    .metadata('image/2.root.json', length, (bytes) => {
      came += bytes;
    })
    .then(
      (file) => {
        outcome = `${file?.byteLength} bytes`;
      },
      (error: Error) => {
        outcome = error.message;
      },
    );
  const began = clock.monotonic();
  while (outcome === '' && clock.monotonic() - began < 3_600_000) await clock.advance(500);
  return { outcome, came, seconds: (clock.monotonic() - began) / 1000, client };
}

const spaces = (get: StreamGet, client: StreamClient, blocks: (block: number) => boolean = () => true) => {
  for (let block = get.from; block < get.from + get.count; block += 1)
    if (blocks(block)) client.data(get.id, block, Buffer.alloc(get.size, ' '));
};

test('bytes of metadata are told as they come, though a last one never does', async (t) => {
  const whole = await metadataFrom(32_768, (get, client) => spaces(get, client));
  t.like(whole, { outcome: '32768 bytes', came: 32_768 });
  const torn = await metadataFrom(32_768, (get, client) => spaces(get, client, (block) => block * get.size < 20_000));
  t.regex(torn.outcome, /the centre does not answer/);
  t.true(torn.came >= 20_000 && torn.came === torn.client.figures.received, `${torn.came}`);
});

test('metadata that comes a piece at a time is given up after ten minutes', async (t) => {
  const { outcome, seconds } = await metadataFrom(262_144, async (get, client, clock) => {
    for (let block = get.from; block < get.from + get.count; block += 1) {
      await clock.sleep(milliseconds(25_000));
      spaces({ ...get, from: block, count: 1 }, client);
    }
  });
  t.regex(outcome, /comes too slowly/);
  t.true(seconds >= 600 && seconds < 602, `${seconds}`);
});

test('what the link left is brought by a stick', async (t) => {
  const { outcome, downloads } = await against((get, client) => {
    if (get.count === 0 || get.from * get.size < 30_000) honest(get, client);
  });
  t.is(outcome, 'link-down');
  const had = await downloads.have(target);
  t.true(had > 4096);
  const stick = new MemorySource(content);
  const fetched = await downloads.fetch(target, stick, {
    signal: new AbortController().signal,
    rate: () => undefined,
    progress: () => undefined,
  });
  t.is(fetched.kind, 'complete');
  t.is(stick.given, content.byteLength - had);
  t.is(createHash('sha256').update(content).digest('hex'), target.sha256);
});
