import test from 'ava';
import { DrainHarness } from './testing/drain-harness.ts';
import { alertEvent, countEvent, infractionEvent } from './testing/sample-events.ts';

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
const bound = 200_000;
const hour = 3_600_000;

/** A broker that takes everything, and a centre behind it that has died. */
async function silent() {
  const unit = await DrainHarness.open({ drain: { window: 32, unacknowledgedBytes: bound } });
  const take = unit.centre.take.bind(unit.centre);
  unit.centre.take = () => {};
  const pass = async (time: number, step = 10_000) => {
    for (let at = 0; at < time; at += step) {
      await unit.clock.advance(step);
      await unit.deliver();
    }
  };
  return {
    unit,
    pass,
    revive: () => {
      unit.centre.take = take;
    },
  };
}

test('of a centre that is dead for a day one event a lane asks, however much waits; then all goes at once', async (t) => {
  const { unit, pass, revive } = await silent();
  await unit.offer(...upTo(1500).map((i) => countEvent(i, 400)), ...upTo(300).map((i) => infractionEvent(i, 1000)));
  await unit.offer(...upTo(300).map((i) => alertEvent(i, 1000)));
  unit.connect();
  await pass(24 * hour, 30_000);
  const { sentBytes, resentEvents } = unit.drain.figures;
  t.log(`${sentBytes} bytes in a day, ${resentEvents} events again`);
  // Each lane up to its bound, all of it once more, and an event at most every 16 minutes.
  t.true(sentBytes < 2 * 3 * (bound + 50_000) + 3 * 100 * 1500, `${sentBytes}`);
  const probes = unit.delivered.slice(-6).map(({ payload }) => JSON.parse(payload.toString()) as { events: unknown[] });
  t.true(probes.every(({ events }) => events.length === 1));

  revive();
  const messages = unit.delivered.length;
  for (let i = 0; i < 200 && Object.values(unit.drain.figures.queued).some((queued) => queued > 0); i += 1) {
    await pass(10_000);
    await unit.acknowledge();
    await unit.deliver();
    await unit.acknowledge();
  }
  await unit.acknowledge();
  t.deepEqual(unit.drain.figures.queued, { alert: 0, infraction: 0, telemetry: 0 });
  t.is(unit.centre.events('telemetry').length, 1500);
  t.true(unit.delivered.length - messages < 600, 'of 2,100 events, some travel together');
  await unit.stop();
});

test('the first time that nothing comes back, all is sent again: it may be the broker that forgot it', async (t) => {
  const { unit, pass, revive } = await silent();
  await unit.offer(...upTo(200).map((i) => countEvent(i, 400)));
  unit.connect();
  await unit.deliver();
  revive();
  await pass(45_000);
  t.is(unit.centre.events('telemetry').length, 200);
  await unit.stop();
});

test('an event in pieces, or of several kinds, is asked with as a whole', async (t) => {
  const { unit, pass, revive } = await silent();
  await unit.offer(countEvent(1, 140_000), countEvent(2), countEvent(3));
  unit.connect();
  await pass(2 * hour);
  revive();
  unit.delivered.length = 0;
  await pass(0.5 * hour);
  t.deepEqual(
    unit.centre.events('telemetry').map(({ sequence }) => sequence),
    [1],
  );
  await unit.acknowledge();
  await unit.deliver();
  t.is(unit.centre.events('telemetry').length, 3);
  await unit.stop();
});

test('a new alert has a centre that is back asked within the first wait, not the longest; telemetry has not', async (t) => {
  const { unit, pass, revive } = await silent();
  await unit.offer(alertEvent(1), countEvent(1));
  unit.connect();
  await pass(6 * hour);
  // Right after they were tried.
  for (let before = unit.delivered.length; unit.delivered.length === before; ) await pass(10_000);
  await pass(60_000);
  const tried = unit.delivered.length;
  revive();
  await unit.offer(countEvent(2));
  await pass(60_000);
  t.is(unit.delivered.length, tried);
  await unit.offer(alertEvent(2));
  await pass(10_000);
  await unit.acknowledge();
  await unit.deliver();
  t.is(unit.centre.events('alert').length, 2);
  await unit.stop();
});

test('new alerts while the centre is dead cost one event each wait, not all that waits', async (t) => {
  const { unit, pass } = await silent();
  await unit.offer(...upTo(100).map((i) => alertEvent(i, 1000)));
  unit.connect();
  await pass(hour);
  const before = unit.drain.figures;
  for (let minute = 0; minute < 60; minute += 1) {
    await unit.offer(alertEvent(200 + minute, 1000));
    await pass(60_000);
  }
  const after = unit.drain.figures;
  t.true(after.sentMessages - before.sentMessages <= 65);
  t.true(after.sentBytes - before.sentBytes < 65 * 1600, `${after.sentBytes - before.sentBytes}`);
  await unit.stop();
});

test('a centre that refuses what it is asked with is there: the lane goes on behind it', async (t) => {
  const { unit, pass, revive } = await silent();
  await unit.offer(...upTo(50).map((i) => countEvent(i, 400)));
  unit.connect();
  await pass(2 * hour);
  revive();
  const stream = unit.spools.telemetry.stream ?? '';
  unit.drain.acknowledged({
    marks: [{ lane: 'telemetry', stream, upTo: 0 }],
    refused: [{ lane: 'telemetry', stream, sequence: 1, reason: 'bad' }],
  });
  await unit.deliver();
  t.deepEqual(
    unit.centre.events('telemetry').map(({ sequence }) => sequence),
    upTo(50).slice(1),
  );
  await unit.stop();
});

test('after a new connection one event asks soon, however long the centre was waited for before', async (t) => {
  const { unit, pass } = await silent();
  await unit.offer(...upTo(50).map((i) => countEvent(i, 400)));
  unit.connect();
  await pass(6 * hour, 30_000);
  // Right after a question the next one is a quarter of an hour away.
  const asked = unit.delivered.length;
  while (unit.delivered.length === asked) await pass(5000, 5000);
  await pass(120_000, 5000);
  t.is(unit.delivered.length, asked + 1);
  unit.link.cut();
  unit.connect();
  await pass(60_000, 5000);
  t.is(unit.delivered.length, asked + 2);
  await pass(300_000, 5000);
  t.is(unit.delivered.length, asked + 2);
  await unit.stop();
});
