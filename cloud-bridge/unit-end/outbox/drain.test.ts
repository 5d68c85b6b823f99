import test from 'ava';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import type { LaneSource } from '../../contract/lane-source.ts';
import { longestPayload } from '../../contract/topics.ts';
import type { DataVerdict } from './data-budget.ts';
import { DrainHarness } from './testing/drain-harness.ts';
import type { ModelEvent } from './testing/model-centre.ts';
import { alertEvent, countEvent, infractionEvent, telemetryEvent } from './testing/sample-events.ts';

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, i) => from + i);
const sequences = (events: readonly ModelEvent[]) => events.map(({ sequence }) => sequence);
const links = (events: readonly ModelEvent[]) => events.map(({ sequence, previous }) => [sequence, previous]);

/** A queue that is read in another way. */
function through(source: LaneSource, read: LaneSource['read']): LaneSource {
  return {
    get stream() {
      return source.stream;
    },
    get last() {
      return source.last;
    },
    get forgotten() {
      return source.forgotten;
    },
    read,
    grown: (sequence, signal) => source.grown(sequence, signal),
    forget: (mark) => source.forget(mark),
  };
}

test('events that follow one another travel together, in a message for each kind, of bounded length', async (t) => {
  const unit = await DrainHarness.open();
  await unit.offer(...upTo(2500).map((i) => countEvent(i)), telemetryEvent(2501), countEvent(2502));
  await unit.offer(infractionEvent(1), infractionEvent(2), infractionEvent(3));
  unit.connect();
  await unit.deliver();
  const sizes = unit.delivered.map(({ topic, payload }) => {
    t.true(payload.byteLength <= longestPayload);
    return [topic, (JSON.parse(payload.toString()) as { events: unknown[] }).events.length] as const;
  });
  t.deepEqual(sizes.slice(0, 2), [
    ['event/infraction', 2],
    ['event/audit', 1],
  ]);
  t.deepEqual(
    sizes.slice(-2).map(([topic]) => topic),
    ['event/count', 'telemetry'],
  );
  t.true(sizes.length < 30 && sizes.every(([, events]) => events <= 1000), JSON.stringify(sizes));
  const events = unit.centre.events('telemetry');
  t.deepEqual(
    links(events),
    upTo(2502).map((i) => [i, i - 1]),
  );
  t.deepEqual(JSON.parse(events[6]?.data ?? ''), countEvent(7).data);
  await unit.acknowledge();
  t.deepEqual(unit.drain.figures.queued, { alert: 0, infraction: 0, telemetry: 0 });
  t.is(unit.spools.telemetry.forgotten, 2502);
  t.is(unit.drain.figures.resentEvents, 0);
  await unit.stop();
});

test('at every free place alerts go before infractions and these before telemetry', async (t) => {
  const unit = await DrainHarness.open({ drain: { window: 2 } });
  // So long that each is a message of its own.
  await unit.offer(...upTo(40).map((i) => (i % 2 === 0 ? countEvent(i, 40_000) : telemetryEvent(i, 40_000))));
  unit.connect();
  await unit.deliver(3);
  await unit.offer(...[3, 4, 6].map((i) => infractionEvent(i, 40_000)), alertEvent(1));
  await unit.deliver(3);
  await unit.offer(alertEvent(2));
  await unit.deliver(5);
  const order = unit.delivered.map(({ topic }) => topic.split('/').at(-1));
  const places = ['audit', 'infraction', 'alert'].map((kind) => order.flatMap((one, i) => (one === kind ? [i] : [])));
  // Two were on their way when they came, each time.
  t.deepEqual(
    order.slice(0, 5).filter((kind) => kind !== 'count' && kind !== 'telemetry'),
    [],
  );
  t.deepEqual(places, [[6, 9], [7], [5, 8]], order.join(' '));
  await unit.stop();
});

test('an event that fits no message travels in pieces, also where the broker takes only short packets', async (t) => {
  for (const maximumPacketSize of [undefined, 5000]) {
    const unit = await DrainHarness.open({ session: { maximumPacketSize } });
    await unit.offer(countEvent(1), countEvent(2, 300_000), countEvent(3));
    unit.connect();
    await unit.deliver();
    t.deepEqual(links(unit.centre.events('telemetry')), [
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    t.deepEqual(JSON.parse(unit.centre.events('telemetry')[1]?.data ?? ''), countEvent(2, 300_000).data);
    const most = Math.max(...unit.delivered.map(({ payload }) => payload.byteLength));
    t.true(most <= (maximumPacketSize ?? longestPayload), String(most));
    t.is(unit.drain.figures.sentEvents, 3);
    await unit.acknowledge();
    t.is(unit.drain.figures.queued.telemetry, 0);
    await unit.stop();
  }
});

test('pieces that were lost half way are all sent again', async (t) => {
  const unit = await DrainHarness.open({ drain: { window: 2 } });
  await unit.offer(countEvent(1), countEvent(2, 600_000), countEvent(3));
  unit.connect();
  await unit.deliver(4);
  unit.link.cut();
  await unit.settle();
  unit.connect();
  await unit.deliver();
  t.deepEqual(sequences(unit.centre.events('telemetry')), [1, 2, 3]);
  await unit.stop();
});

test('the window is what the broker grants, less what is left to others', async (t) => {
  const unit = await DrainHarness.open({ drain: { window: 32, spared: 2 } });
  const inFlight = async (receiveMaximum: number) => {
    unit.link.cut();
    await unit.settle();
    unit.connect({ receiveMaximum });
    for (let i = 0; i < 40; i += 1) {
      await unit.offer(countEvent(i));
      await unit.settle();
    }
    return unit.link.inFlight;
  };
  t.is(await inFlight(10), 8);
  t.is(await inFlight(1), 1);
  t.is(await inFlight(65_535), 32);
  await unit.deliver();
  t.is(unit.centre.events('telemetry').length, 120);
  await unit.stop();
});

test('what the centre refuses is told once, and the lane goes on behind it with a link that passes over it', async (t) => {
  const unit = await DrainHarness.open({
    centre: { refuses: ({ sequence }) => ([3, 4, 7].includes(sequence) ? 'bad' : undefined) },
  });
  await unit.offer(...upTo(8).map((i) => countEvent(i)));
  unit.connect();
  await unit.deliver();
  await unit.acknowledge();
  await unit.acknowledge();
  await unit.deliver();
  t.deepEqual(unit.refused, ['telemetry/3: bad', 'telemetry/4: bad', 'telemetry/7: bad']);
  t.deepEqual(links(unit.centre.events('telemetry')), [
    [1, 0],
    [2, 1],
    [5, 2],
    [6, 5],
    [8, 6],
  ]);
  await unit.acknowledge();
  t.is(unit.spools.telemetry.forgotten, 8);
  // The newest one refused: nothing is sent for it, and the next event links behind it.
  await unit.offer(countEvent(9));
  await unit.deliver();
  t.is(unit.drain.figures.refused, 3);
  t.deepEqual(links(unit.centre.events('telemetry')).at(-1), [9, 8]);
  await unit.stop();
});

test('an acknowledgement of what was never there, or of another numbering, changes nothing and is counted', async (t) => {
  const unit = await DrainHarness.open();
  await unit.offer(countEvent(1), countEvent(2));
  const stream = unit.spools.telemetry.stream ?? '';
  const other = 'f'.repeat(32);
  unit.drain.acknowledged({
    marks: [
      { lane: 'telemetry', stream, upTo: 3 },
      { lane: 'telemetry', stream: other, upTo: 1 },
    ],
  });
  unit.drain.acknowledged({
    marks: [{ lane: 'alert', stream, upTo: 1 }],
    refused: [
      { lane: 'telemetry', stream, sequence: 3, reason: 'x' },
      { lane: 'telemetry', stream: other, sequence: 1, reason: 'x' },
    ],
  });
  t.is(unit.drain.figures.ignoredAcks, 5);
  t.is(unit.drain.figures.queued.telemetry, 2);
  unit.connect();
  await unit.deliver();
  t.deepEqual(sequences(unit.centre.events('telemetry')), [1, 2]);
  t.deepEqual(unit.refused, []);
  await unit.acknowledge();
  unit.drain.acknowledged({ marks: [{ lane: 'telemetry', stream, upTo: 1 }] });
  t.is(unit.drain.figures.queued.telemetry, 0);
  await unit.stop();
});

test('after a start that forgot its mark, the first acknowledgement spares sending again what the centre has', async (t) => {
  const files = new MemoryFiles();
  const first = await DrainHarness.open({ files });
  await first.offer(...upTo(3000).map((i) => countEvent(i)));
  await first.stop();
  const unit = await DrainHarness.open({ files: files.survivors(() => 0), drain: { window: 1 } });
  unit.connect();
  await unit.settle();
  const stream = unit.spools.telemetry.stream ?? '';
  unit.drain.acknowledged({ marks: [{ lane: 'telemetry', stream, upTo: 2990 }] });
  await unit.deliver();
  t.deepEqual(sequences(unit.centre.events('telemetry')).slice(-10), upTo(3000, 2991));
  t.true(unit.delivered.length <= 2);
  await unit.stop();
});

test('what the broker took and the centre does not acknowledge is sent again, each time after twice as long', async (t) => {
  const unit = await DrainHarness.open();
  await unit.offer(countEvent(1));
  unit.connect();
  await unit.deliver();
  const times: number[] = [];
  const begin = unit.clock.monotonic();
  for (let second = 0; second < 3000; second += 1) {
    const before = unit.delivered.length;
    await unit.clock.advance(1000);
    await unit.deliver();
    if (unit.delivered.length > before) times.push((unit.clock.monotonic() - begin) / 1000);
  }
  const waits = times.map((time, i) => time - (times[i - 1] ?? 0));
  const least = [30, 60, 120, 240, 480, 960, 960];
  for (const [i, wait] of waits.entries())
    t.true(wait >= (least[i] ?? 960) - 1 && wait <= (least[i] ?? 960) * 1.25 + 3, waits.join());
  t.true(waits.length >= 5);
  t.is(unit.centre.duplicates, waits.length);
  await unit.acknowledge();
  await unit.clock.advance(5_000_000);
  t.is(unit.link.inFlight, 0);
  await unit.stop();
});

test('a centre that was restored from a copy, and goes on saying that it has less, gets what is left of that, linked to what it has', async (t) => {
  for (const [telemetryBytes, first] of [
    [undefined, 6],
    [16_000, 9],
  ] as const) {
    const unit = await DrainHarness.open(telemetryBytes === undefined ? {} : { telemetryBytes });
    unit.connect();
    await unit.offer(countEvent(1));
    const stream = unit.spools.telemetry.stream ?? '';
    const says = (upTo: number) => unit.drain.acknowledged({ marks: [{ lane: 'telemetry', stream, upTo }] });
    for (let i = 2; i <= 10; i += 1) await unit.offer(countEvent(i, 300));
    await unit.deliver();
    says(10);
    await unit.offer(countEvent(11));
    await unit.deliver();
    says(5);
    // A late word from before is no such thing.
    await unit.clock.advance(31_000);
    await unit.deliver();
    t.is(unit.centre.duplicates, 1);
    says(5);
    unit.delivered.length = 0;
    await unit.clock.advance(100_000);
    await unit.deliver();
    const sent = unit.delivered.flatMap(
      ({ payload }) => (JSON.parse(payload.toString()) as { events: { sequence: number; previous: number }[] }).events,
    );
    t.deepEqual(sent.at(-1)?.sequence, 11);
    t.deepEqual([sent[0]?.sequence, sent[0]?.previous], [first, 5]);
    t.is(unit.drain.figures.queued.telemetry, 6);
    await unit.acknowledge();
    t.is(unit.drain.figures.queued.telemetry, 0);
    await unit.stop();
  }
});

test('while there is no connection nothing is sent and time costs nothing; a moment is left for acknowledgements after it', async (t) => {
  const unit = await DrainHarness.open();
  await unit.offer(countEvent(1));
  unit.connect();
  await unit.deliver();
  unit.link.cut();
  await unit.clock.advance(100_000);
  unit.connect();
  await unit.clock.advance(4000);
  t.is(unit.link.inFlight, 0);
  await unit.clock.advance(4000);
  t.is(unit.link.inFlight, 1);
  await unit.stop();
});

test('a lane whose messages the broker refuses waits and tries again; the others go on', async (t) => {
  const unit = await DrainHarness.open();
  const { link } = unit;
  const publish = link.publish.bind(link);
  let refuse = true;
  link.publish = (topic, payload) =>
    refuse && topic.endsWith('alert')
      ? Promise.reject(new AtalayaError('link-refused', 'not authorised'))
      : publish(topic, payload);
  await unit.offer(alertEvent(1), countEvent(1));
  unit.connect();
  await unit.deliver();
  t.deepEqual(unit.faults, ['alert: link-refused']);
  t.is(unit.centre.events('telemetry').length, 1);
  refuse = false;
  await unit.clock.advance(31_000);
  await unit.deliver();
  t.is(unit.centre.events('alert').length, 1);
  await unit.stop();
});

test('a queue that cannot be read is told and tried again; the others go on', async (t) => {
  let broken = true;
  const wrap = (source: LaneSource, lane: string) =>
    through(source, (from) => {
      if (broken && lane === 'infraction') throw new AtalayaError('store-damaged', 'torn to pieces');
      return source.read(from);
    });
  const unit = await DrainHarness.open({ wrap });
  await unit.offer(infractionEvent(1), countEvent(1));
  unit.connect();
  await unit.deliver();
  t.is(unit.faults[0], 'infraction: store-damaged');
  t.is(unit.centre.events('telemetry').length, 1);
  broken = false;
  await unit.clock.advance(61_000);
  await unit.deliver();
  t.is(unit.centre.events('infraction').length, 1);
  await unit.stop();
});

test('what is held in memory does not grow with what is queued', async (t) => {
  let read = 0;
  const wrap = (source: LaneSource) =>
    through(source, async function* (from) {
      for await (const event of source.read(from)) {
        read += event.bytes;
        yield event;
      }
    });
  const unit = await DrainHarness.open({ wrap, drain: { window: 64, unacknowledgedBytes: 1_000_000 } });
  await unit.offer(...upTo(20_000).map((i) => countEvent(i, 200)));
  await unit.settle();
  t.true(read < 300_000, `${read} before a connection`);
  unit.connect();
  await unit.settle();
  t.true(unit.link.mostBytes < 300_000, `${unit.link.mostBytes} in flight`);
  await unit.deliver();
  // The broker takes everything; the centre has said nothing.
  t.true(read < 2_500_000, `${read} without an acknowledgement`);
  t.true(unit.drain.figures.sentBytes < 1_200_000, String(unit.drain.figures.sentBytes));
  await unit.stop();
});

test('telemetry is thinned to one in ten minutes and held by the budget; nothing else is, and links pass over what was left out', async (t) => {
  const verdict: { telemetry: DataVerdict } = { telemetry: 'thin' };
  const spent: Record<string, number> = {};
  const budget = {
    judge: (use: string) => (use === 'telemetry' ? verdict.telemetry : 'pass'),
    spend: (use: string, bytes: number) => {
      spent[use] = (spent[use] ?? 0) + bytes;
    },
  };
  const unit = await DrainHarness.open({ drain: { budget } });
  const everyMinute = (i: number) => ({ ...telemetryEvent(i), time: telemetryEvent(i * 60).time });
  await unit.offer(...upTo(25).map(everyMinute), countEvent(26), alertEvent(1));
  unit.connect();
  await unit.deliver();
  t.deepEqual(links(unit.centre.events('telemetry')), [
    [1, 0],
    [11, 1],
    [21, 11],
    [26, 21],
  ]);
  t.is(unit.drain.figures.thinned, 22);
  await unit.acknowledge();
  t.is(unit.spools.telemetry.forgotten, 26);
  verdict.telemetry = 'hold';
  await unit.offer(countEvent(27), alertEvent(2), infractionEvent(1));
  await unit.deliver();
  t.deepEqual([unit.centre.events('alert').length, unit.centre.events('infraction').length], [2, 1]);
  t.is(unit.drain.figures.queued.telemetry, 1);
  verdict.telemetry = 'pass';
  await unit.clock.advance(2000);
  await unit.deliver();
  t.is(
    unit.drain.figures.sentBytes,
    Object.values(spent).reduce((sum, bytes) => sum + bytes, 0),
  );
  t.deepEqual(links(unit.centre.events('telemetry')).at(-1), [27, 26]);
  await unit.stop();
});

test('a queue that is closed under the drain, and a drain that is stopped and run again, cost nothing', async (t) => {
  const unit = await DrainHarness.open();
  unit.connect();
  await unit.offer(countEvent(1));
  await unit.deliver();
  await unit.spools.infraction.close();
  await unit.clock.advance(10_000);
  await unit.offer(countEvent(2));
  await unit.deliver();
  await unit.stop();
  await unit.offer(countEvent(3));
  const stop = new AbortController();
  let beats = 0;
  const running = unit.drain.run(stop.signal, () => {
    beats += 1;
  });
  await unit.deliver();
  t.deepEqual(sequences(unit.centre.events('telemetry')), [1, 2, 3]);
  const before = beats;
  await unit.clock.advance(60_000);
  t.true(beats - before >= 29 && beats - before < 2000, String(beats - before));
  stop.abort();
  await unit.clock.advance(0);
  await running;
});

test('what the bound drops while older events are at hand leaves messages in order, and a link that declares it', async (t) => {
  const unit = await DrainHarness.open({ telemetryBytes: 200_000, drain: { window: 1 } });
  await unit.offer(...upTo(50).map((i) => countEvent(i, 3000)));
  await unit.settle();
  // Some are at hand already; of those behind them, the disk keeps the newest.
  await unit.offer(...upTo(400, 51).map((i) => countEvent(i, 3000)));
  unit.connect();
  await unit.deliver();
  await unit.acknowledge();
  const found = links(unit.centre.events('telemetry'));
  // The centre refuses a message whose links run backwards.
  const gaps = found.filter(([sequence = 0], i) => sequence !== (found[i - 1]?.[0] ?? 0) + 1);
  t.true(
    gaps.length > 0 && gaps.every(([sequence = 0, previous = 0]) => previous < sequence - 1),
    JSON.stringify(gaps),
  );
  t.deepEqual(
    found.slice(0, 50),
    upTo(50).map((i) => [i, i - 1]),
  );
  t.is(unit.spools.telemetry.forgotten, 400);
  await unit.stop();
});
