import test from 'ava';
import { canonicalJson } from '../../../device/kernel/canonical-json.ts';
import { writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { LaneEvent } from '../../contract/lane-source.ts';
import { Spool, type SpoolOptions } from './spool.ts';
import { alertEvent, countEvent, telemetryEvent } from './testing/sample-events.ts';

const folder = '/data/spool';
const open = (files: MemoryFiles, more: Partial<SpoolOptions> = {}) =>
  Spool.open(folder, { files, lane: 'telemetry', random: seededRandom(7), clock: new ManualClock(), ...more });

async function all(spool: Spool, from = 1): Promise<LaneEvent[]> {
  const found: LaneEvent[] = [];
  for await (const event of spool.read(from)) found.push(event);
  return found;
}

const links = (events: readonly LaneEvent[]) => events.map(({ sequence, previous }) => [sequence, previous]);
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, i) => [from + i, from + i - 1]);

test('what was offered is read in order, as it was, in this run and the next', async (t) => {
  const files = new MemoryFiles();
  const first = await open(files);
  t.is(first.stream, undefined);
  const offered = [countEvent(1), telemetryEvent(2), countEvent(3)];
  t.deepEqual(await Promise.all(offered.map((event) => first.offer(event))), [1, 2, 3]);
  const stream = first.stream ?? '';
  t.regex(stream, /^[0-9a-f]{32}$/);
  await first.close();
  const again = await open(files, { random: seededRandom(8) });
  t.is(again.stream, stream);
  t.is(again.last, 3);
  t.is(await again.offer(countEvent(4)), 4);
  const found = await all(again);
  for (const [i, event] of [...offered, countEvent(4)].entries()) {
    const { data, kind, time, json } = found[i] as LaneEvent;
    t.deepEqual({ data, kind, time }, { data: event.data, kind: event.kind, time: toIso(event.time) });
    t.is(json?.toString(), canonicalJson(event.data));
  }
  t.deepEqual(links(found), upTo(4));
  t.deepEqual(links(await all(again, 3)), upTo(4, 3));
  t.deepEqual(await all(again, 5), []);
});

test('an event of another lane, data that the schema refuses and a time out of bounds are faults of ours and take no number', async (t) => {
  const spool = await open(new MemoryFiles());
  for (const event of [
    alertEvent(1),
    { ...countEvent(1), data: { line: 'x' } },
    { ...countEvent(1), time: utcMilliseconds(Number.NaN) },
    { ...countEvent(1), time: utcMilliseconds(8e15) },
  ]) {
    t.is((await fault(spool.offer(event))).code, 'internal');
  }
  t.is(await spool.offer(countEvent(1)), 1);
  await spool.close();
  t.is((await fault(spool.offer(countEvent(1)))).code, 'store-closed');
  await spool.close();
});

test('text that looks like the end of an entry does not mislead the reader', async (t) => {
  const spool = await open(new MemoryFiles());
  const line = '","kind":"alert","time":"2026-03-01T12:00:00.000Z"}';
  const event = {
    ...countEvent(1),
    data: { line, direction: line, class: 'x', dated: false, kind: 'alert', time: 'x' },
  };
  await spool.offer(event);
  const [found] = await all(spool);
  t.is(found?.kind, 'count');
  t.deepEqual(found?.data, event.data);
});

test('100,000 offers at once share a few durable writes and keep their order', async (t) => {
  const files = new MemoryFiles();
  const spool = await open(files);
  let writes = 0;
  files.plan = ({ kind }) => {
    if (kind === 'write') writes += 1;
    return undefined;
  };
  const numbers = await Promise.all(Array.from({ length: 100_000 }, (_, i) => spool.offer(telemetryEvent(i + 1))));
  t.true(numbers.every((number, i) => number === i + 1));
  t.true(writes < 120, String(writes));
});

test('grown resolves when there is more, when it is told to stop, and when the spool closes', async (t) => {
  const spool = await open(new MemoryFiles());
  const never = new AbortController();
  const grown = spool.grown(0, never.signal);
  await spool.offer(countEvent(1));
  await grown;
  await spool.grown(0, never.signal);
  const stop = new AbortController();
  const stopped = spool.grown(1, stop.signal);
  stop.abort();
  await stopped;
  const closing = spool.grown(1, never.signal);
  await spool.close();
  await closing;
  t.pass();
});

test('beyond its bound telemetry loses the oldest whole segments, counted, and a link declares exactly what is missing', async (t) => {
  const files = new MemoryFiles();
  const mostBytes = 40_000;
  const spool = await open(files, { mostBytes });
  for (let i = 1; i <= 50; i += 1) await spool.offer(countEvent(i, 200));
  await spool.forget(10);
  t.is(spool.dropped, 0);
  for (let i = 51; i <= 400; i += 1) {
    await spool.offer(countEvent(i, 200));
    t.true(spool.bytes <= mostBytes, String(spool.bytes));
  }
  const found = await all(spool);
  const first = found[0]?.sequence ?? 0;
  t.true(first > 200 && first < 400);
  t.deepEqual(links(found), [[first, 10], ...upTo(400, first + 1)]);
  t.is(spool.dropped, first - 11);
  await spool.close();
  const again = await open(files, { mostBytes });
  t.deepEqual(links(await all(again)), links(found));
  t.is(again.dropped, spool.dropped);
  // What was on its way when it was dropped may be acknowledged: the gap is then smaller.
  await again.forget(30);
  t.deepEqual(links(await all(again))[0], [first, 30]);
  await again.forget(first);
  t.deepEqual(links(await all(again, first + 1)), upTo(400, first + 1));
});

test('a burst of offers at once stays below the bound too', async (t) => {
  const mostBytes = 60_000;
  const spool = await open(new MemoryFiles(), { mostBytes });
  const offers = Array.from({ length: 1000 }, (_, i) =>
    spool.offer(countEvent(i + 1, 300)).then((sequence) => {
      t.true(spool.bytes <= mostBytes, String(spool.bytes));
      return sequence;
    }),
  );
  t.deepEqual(
    await Promise.all(offers),
    Array.from({ length: 1000 }, (_, i) => i + 1),
  );
  const found = await all(spool);
  t.is(found.at(-1)?.sequence, 1000);
  t.is(spool.dropped, 1000 - found.length);
  t.is((await fault(spool.offer(countEvent(1, 20_000)))).code, 'store-full');
});

test('an alert is never dropped: beyond the bound the offer is refused, and taken again when the centre has acknowledged', async (t) => {
  const spool = await open(new MemoryFiles(), { lane: 'alert', mostBytes: 20_000 });
  let taken = 0;
  let refused = '';
  while (refused === '') {
    await spool.offer(alertEvent(taken + 1)).then(
      () => {
        taken += 1;
      },
      (error: { readonly code: string }) => {
        refused = error.code;
      },
    );
  }
  t.is(refused, 'store-full');
  t.deepEqual(links(await all(spool)), upTo(taken));
  t.is(spool.dropped, 0);
  await spool.forget(taken - 1);
  t.is(await spool.offer(alertEvent(taken + 1)), taken + 1);
  t.deepEqual(links(await all(spool, taken)), upTo(taken + 1, taken));
});

test('a full disk refuses offers and loses nothing; when there is room again, offers are taken again', async (t) => {
  const files = new MemoryFiles();
  const clock = new ManualClock();
  const spool = await open(files, { lane: 'alert', clock });
  await spool.offer(alertEvent(1));
  files.capacity = 2000;
  t.is((await fault(spool.offer(alertEvent(2, 5000)))).code, 'store-full');
  t.is((await fault(spool.offer(alertEvent(2, 5000)))).code, 'store-full');
  files.capacity = 1e9;
  t.is((await fault(spool.offer(alertEvent(2)))).code, 'store-full');
  await clock.advance(1000);
  t.is(await spool.offer(alertEvent(3)), 2);
  t.deepEqual(links(await all(spool)), upTo(2));
  await spool.close();
  t.is((await open(files, { lane: 'alert' })).last, 2);
});

test('a mark is remembered when a segment goes, after 500 events, after a minute, and when it closes', async (t) => {
  const remembered = async (work: (spool: Spool, clock: ManualClock) => Promise<unknown>, close = false) => {
    const files = new MemoryFiles();
    const clock = new ManualClock();
    const spool = await open(files, { clock });
    await Promise.all(Array.from({ length: 1000 }, (_, i) => spool.offer(telemetryEvent(i + 1))));
    await work(spool, clock);
    if (close) await spool.close();
    return (await open(files.survivors(() => 0))).forgotten;
  };
  t.is(await remembered((spool) => spool.forget(3)), 0);
  t.is(await remembered((spool) => spool.forget(3), true), 3);
  t.is(await remembered((spool) => spool.forget(500)), 500);
  t.is(
    await remembered(async (spool, clock) => {
      await clock.advance(60_000);
      await spool.forget(3);
    }),
    3,
  );
  t.is(await remembered((spool) => spool.forget(5000), true), 1000);
});

test('a queue that is gone is begun anew under another name, or told where the centre had acknowledged some of it', async (t) => {
  for (const mark of [0, 3]) {
    const files = new MemoryFiles();
    const spool = await open(files);
    await Promise.all(Array.from({ length: 5 }, (_, i) => spool.offer(countEvent(i + 1))));
    await spool.forget(mark);
    await spool.close();
    for (const name of await files.list(`${folder}/journal`)) await files.remove(`${folder}/journal/${name}`);
    if (mark > 0) {
      t.is((await fault(open(files))).code, 'store-damaged');
    } else {
      const anew = await open(files, { random: seededRandom(8) });
      t.is(await anew.offer(countEvent(1)), 1);
      t.not(anew.stream, spool.stream);
    }
  }
});

test('a spool that was tampered with is refused, or set aside whole and begun anew under another name', async (t) => {
  const path = `${folder}/journal/000000000001.journal`;
  const make = async (damage: (files: MemoryFiles) => Promise<void>) => {
    const files = new MemoryFiles();
    const spool = await open(files);
    await Promise.all(Array.from({ length: 5 }, (_, i) => spool.offer(countEvent(i + 1))));
    await spool.close();
    await damage(files);
    return { files, stream: spool.stream };
  };
  const damages: ((files: MemoryFiles) => Promise<void>)[] = [
    (files) => files.remove(`${folder}/spool.json`),
    (files) => writeWholeFile(files, `${folder}/spool.json`, Buffer.from('{"format":"atalaya/spool/1"}')),
    (files) => writeWholeFile(files, `${folder}/spool.json`, Buffer.from('{')),
    (files) => writeWholeFile(files, path, Buffer.from('J1 nothing of the kind')),
  ];
  for (const damage of damages) {
    const { files, stream } = await make(damage);
    t.is((await fault(open(files))).code, 'store-damaged');
    const before = await files.list(`${folder}/journal`);
    const anew = await open(files, { damaged: 'set-aside', random: seededRandom(9) });
    t.is(anew.opening.setAside?.folder, `${folder}/damaged-1`);
    t.regex(anew.opening.setAside?.reason ?? '', /damaged/);
    t.deepEqual(await files.list(`${folder}/damaged-1/journal`), before);
    t.is(await anew.offer(countEvent(1)), 1);
    t.not(anew.stream, stream);
  }
  const { files } = await make((files) =>
    writeWholeFile(files, `${folder}/spool.json`, Buffer.from('{"format":"atalaya/spool/2"}')),
  );
  t.is((await fault(open(files, { damaged: 'set-aside' }))).code, 'store-version-unknown');
  t.is((await fault(open((await make(async () => undefined)).files, { lane: 'alert' }))).code, 'store-damaged');
});
