import test from 'ava';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Arrived } from '../archive/archive.ts';
import { alertOf, BridgeTrial, countOf, pause, until } from './testing/bridge-trial.ts';
import { UnitKey } from './testing/speaking-unit.ts';

const counts = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ sequence: from + i, data: countOf(from + i) }));

test('an event is archived, then acknowledged, and never the other way round', async (t) => {
  const trial = new BridgeTrial();
  const gate = Promise.withResolvers<void>();
  const { archive } = trial;
  const ingest = archive.ingest.bind(archive);
  archive.ingest = async (events) => {
    await gate.promise;
    return ingest(events);
  };
  await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.events('count', counts(1, 20));
  await pause(150);
  t.deepEqual(unit.acks, []);
  gate.resolve();
  await until('acknowledged', () => unit.upTo('telemetry') === 20);
  t.deepEqual(
    await trial.sequences('unit-1', 'telemetry'),
    counts(1, 20).map(({ sequence }) => sequence),
  );
  await trial.end();
});

test('while the archive cannot be reached nothing is acknowledged and nothing lost', async (t) => {
  const trial = new BridgeTrial();
  await trial.bridge();
  const unit = await trial.unit('unit-1');
  await until('known', async () => (await trial.archive.document('unit', 'unit-1')) !== undefined);
  let refused = 0;
  trial.archive.plan = (call) => {
    if (call !== 'ingest' || refused >= 3) return undefined;
    refused += 1;
    return new AtalayaError('archive-unavailable', 'gone');
  };
  await unit.events('count', counts(1, 5));
  await until('acknowledged', () => unit.upTo('telemetry') === 5);
  t.is(refused, 3);
  t.true(trial.lines.some(({ message }) => message.includes('archive takes nothing')));
  await trial.end();
});

test('what comes again is acknowledged again, and is in the archive once', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.events('count', counts(1, 10));
  await until('acknowledged', () => unit.upTo('telemetry') === 10);
  unit.acks.length = 0;
  await unit.events('count', counts(3, 7));
  await until('acknowledged again', () => unit.upTo('telemetry') === 10);
  t.is((await trial.sequences('unit-1', 'telemetry')).length, 10);
  t.is(bridge.ingest.figures.duplicates, 5);
  await trial.end();
});

test('a bridge that is killed and started anew goes on with what units send again', async (t) => {
  const trial = new BridgeTrial();
  const first = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.events('count', counts(1, 10));
  await until('acknowledged', () => unit.upTo('telemetry') === 10);
  // Archived, and the acknowledgement lost with the bridge.
  trial.archive.plan = (call) => (call === 'ingest' ? new AtalayaError('archive-unavailable', 'gone') : undefined);
  await unit.events('count', counts(11, 20));
  await pause(50);
  await first.stop();
  trial.archive.plan = () => undefined;
  // What the broker kept while nobody was there comes first, then what the unit sends again.
  await unit.events('count', counts(21, 30));
  await trial.bridge();
  await until('it has the last ones', async () => (await trial.sequences('unit-1', 'telemetry')).includes(30));
  t.is(unit.upTo('telemetry'), 10, 'a gap is not acknowledged');
  await unit.events('count', counts(11, 20));
  await until('acknowledged', () => unit.upTo('telemetry') === 30);
  t.is((await trial.sequences('unit-1', 'telemetry')).length, 30);
  await trial.end();
});

test('a record of another unit, or not signed by this one, is refused with a reason and the lane goes on', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const other = await trial.unit('unit-2');
  const entry = (value: unknown) => value as JsonValue;
  const altered = unit.entry(3);
  await unit.events('infraction', [
    { sequence: 1, data: entry(unit.entry(1)) },
    { sequence: 2, data: entry(other.entry(2)) },
    { sequence: 3, data: entry({ ...altered, record: { ...altered.record, speed: 90 } }) },
    { sequence: 4, data: entry(unit.entry(4, {}, other.key)) },
    { sequence: 5, data: entry(unit.entry(5)) },
  ]);
  await until('acknowledged', () => unit.upTo('infraction') === 5);
  await until('told', () => unit.refused.length === 3);
  t.deepEqual(
    unit.refused.map(({ sequence, reason }) => [sequence, reason.split(':')[0]]),
    [
      [2, 'record-foreign'],
      [3, 'record-unsigned'],
      [4, 'record-unsigned'],
    ],
  );
  t.deepEqual(await trial.sequences('unit-1', 'infraction'), [1, 5]);
  t.deepEqual(await trial.sequences('unit-2', 'infraction'), []);
  t.deepEqual(bridge.refusals.of('unit-1'), { 'record-foreign': 1, 'record-unsigned': 2 });
  t.deepEqual(bridge.refusals.of('unit-2'), {});
  t.like(await bridge.alerts.list({ unit: 'unit-1' }), [{ name: 'record-refused', state: 'critical', from: 'centre' }]);
  await trial.end();
});

test('keys on P-256 are as good', async (t) => {
  const trial = new BridgeTrial();
  await trial.bridge();
  const unit = await trial.unit('unit-1', new UnitKey('unit-1', 'p256'));
  await unit.ledger(1, 3);
  await until('acknowledged', () => unit.upTo('infraction') === 3);
  await unit.say('checkpoint', {}, { note: unit.note() });
  await until('cosigned', () => unit.cosigned.length === 1);
  t.pass();
  await trial.end();
});

test('another signing key is held back until somebody accepts it', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.ledger(1, 2);
  await until('acknowledged', () => unit.upTo('infraction') === 2);
  const first = unit.key;
  unit.key = new UnitKey('unit-1');
  await unit.state();
  await until('seen', async () => (await bridge.views.one('unit-1'))?.presented?.id === unit.key.id);
  await unit.events('audit', [{ sequence: 3, data: unit.entry(3) as unknown as JsonValue }]);
  await until('counted', () => bridge.refusals.of('unit-1')['key-not-accepted'] === 1);
  t.deepEqual(unit.refused, [], 'it may yet be taken');
  t.is(unit.upTo('infraction'), 2);
  t.like(await bridge.alerts.list({ unit: 'unit-1' }), [{ name: 'signing-key-changed' }]);
  t.is((await bridge.views.one('unit-1'))?.key?.id, first.id);
  t.false(await bridge.twins.acceptKey('unit-1', '0'.repeat(64)));
  t.true(await bridge.twins.acceptKey('unit-1', unit.key.id));
  await unit.events('audit', [{ sequence: 3, data: unit.entry(3) as unknown as JsonValue }]);
  await until('acknowledged', () => unit.upTo('infraction') === 3);
  // What the key before it signed is still good.
  await unit.events('audit', [{ sequence: 4, data: unit.entry(4, {}, first) as unknown as JsonValue }]);
  await until('acknowledged', () => unit.upTo('infraction') === 4);
  t.is((await bridge.views.one('unit-1'))?.presented, undefined);
  await trial.end();
});

test('an entry of a unit that has not said its key waits for that', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.stranger('unit-1');
  await unit.events('infraction', [{ sequence: 1, data: unit.entry(1) as unknown as JsonValue }]);
  await until('counted', () => bridge.refusals.of('unit-1')['key-unknown'] === 1);
  await unit.state();
  await unit.events('infraction', [{ sequence: 1, data: unit.entry(1) as unknown as JsonValue }]);
  await until('acknowledged', () => unit.upTo('infraction') === 1);
  t.deepEqual(unit.refused, []);
  await trial.end();
});

test('what waits for the archive is bounded, and the broker is told to wait', async (t) => {
  const trial = new BridgeTrial();
  const gate = Promise.withResolvers<void>();
  const ingest = trial.archive.ingest.bind(trial.archive);
  trial.archive.ingest = async (events) => {
    await gate.promise;
    return ingest(events);
  };
  const { bridge } = await trial.bridge({ mostBytes: 20_000, mostBytesOfUnit: 1e6 });
  const unit = await trial.unit('unit-1');
  for (let from = 1; from < 4000; from += 50) await unit.events('count', counts(from, from + 49));
  await pause(100);
  t.true(bridge.ingest.figures.waitingBytes < 20_000 + 10_000, String(bridge.ingest.figures.waitingBytes));
  gate.resolve();
  await until('acknowledged', () => unit.upTo('telemetry') === 4000);
  t.deepEqual(bridge.refusals.of('unit-1'), {});
  await trial.end();
});

test('a unit that sends without end costs its own messages and nobody else', async (t) => {
  const trial = new BridgeTrial();
  const gate = Promise.withResolvers<void>();
  const ingest = trial.archive.ingest.bind(trial.archive);
  trial.archive.ingest = async (events) => {
    await gate.promise;
    return ingest(events);
  };
  const { bridge } = await trial.bridge({ mostBytes: 1e6, mostBytesOfUnit: 50_000 });
  const flood = await trial.unit('unit-1');
  const calm = await trial.unit('unit-2');
  for (let from = 1; from < 4000; from += 50) await flood.events('count', counts(from, from + 49));
  await calm.events('count', counts(1, 10));
  await until('counted', () => (bridge.refusals.of('unit-1')['too-much'] ?? 0) > 0);
  gate.resolve();
  await until('acknowledged', () => calm.upTo('telemetry') === 10);
  t.deepEqual(bridge.refusals.of('unit-2'), {});
  await trial.end();
});

test('an event that the archive cannot take stops nobody else', async (t) => {
  const trial = new BridgeTrial();
  const ingest = trial.archive.ingest.bind(trial.archive);
  trial.archive.ingest = async (events: readonly Arrived[]) => {
    const poisoned = events.some(({ unit, sequence }) => unit === 'unit-1' && sequence === 3);
    if (poisoned) throw new AtalayaError('store-failed', 'it cannot be written');
    return ingest(events);
  };
  const { bridge } = await trial.bridge();
  const one = await trial.unit('unit-1');
  const two = await trial.unit('unit-2');
  await one.events('count', counts(1, 5));
  await two.events('count', counts(1, 5));
  await until('the other is acknowledged', () => two.upTo('telemetry') === 5);
  await until('and the one up to there', () => one.upTo('telemetry') === 2);
  t.is(bridge.refusals.of('unit-1')['not-archivable'], 1);
  await trial.end();
});

test('alerts are told in the order of their events, and acknowledged by people', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.events('alert', [
    { sequence: 1, data: alertOf('alert-0001', 'raised') },
    { sequence: 2, data: alertOf('alert-0001', 'critical') },
    { sequence: 3, data: alertOf('alert-0002', 'raised', 'disk-nearly-full') },
  ]);
  await until('acknowledged', () => unit.upTo('alert') === 3);
  t.deepEqual((await bridge.alerts.list({})).map(({ id, state }) => [id, state]).sort(), [
    ['alert-0001', 'critical'],
    ['alert-0002', 'raised'],
  ]);
  t.like(await bridge.alerts.acknowledge('unit-1', 'alert-0001', 'Eva', 'on my way'), {
    acknowledged: { by: 'Eva', note: 'on my way' },
  });
  // The first event once more changes nothing.
  await unit.events('alert', [{ sequence: 1, data: alertOf('alert-0001', 'raised') }]);
  await unit.events('alert', [{ sequence: 4, data: alertOf('alert-0002', 'closed', 'disk-nearly-full') }]);
  await until('acknowledged', () => unit.upTo('alert') === 4);
  t.like(await bridge.alerts.list({}), [{ id: 'alert-0001', state: 'critical', acknowledged: { by: 'Eva' } }]);
  t.is((await bridge.views.one('unit-1'))?.alerts.critical, 1);
  await trial.end();
});

test('the twin keeps what a unit said before its last will', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.state({ software: '1.2.3', site: 'north' });
  await unit.events('telemetry', [{ sequence: 1, data: { uptimeS: 12 } }]);
  await until('acknowledged', () => unit.upTo('telemetry') === 1);
  await unit.say('state', {}, { online: false });
  await until('offline', async () => (await bridge.views.one('unit-1'))?.online === false);
  const view = await bridge.views.one('unit-1');
  t.like(view, { online: false, state: { software: '1.2.3', site: 'north' }, telemetry: { data: { uptimeS: 12 } } });
  t.deepEqual(
    view?.marks.map(({ lane, upTo }) => [lane, upTo]),
    [['telemetry', 1]],
  );
  await trial.end();
});

test('two bridges that share the units archive everything once', async (t) => {
  for (const sharing of [
    [
      { kind: 'shared', group: 'atalaya' },
      { kind: 'shared', group: 'atalaya' },
    ],
    [
      { kind: 'partition', index: 0, of: 2 },
      { kind: 'partition', index: 1, of: 2 },
    ],
  ] as const) {
    const trial = new BridgeTrial();
    const bridges = await Promise.all(sharing.map((one, i) => trial.bridge({ name: `bridge-${i}`, sharing: one })));
    const units = await Promise.all(['unit-1', 'unit-2', 'unit-3', 'unit-4'].map((id) => trial.unit(id)));
    for (const unit of units) {
      for (let from = 1; from < 100; from += 10) await unit.events('count', counts(from, from + 9));
      await unit.pieces('count', { sequence: 101, data: { ...countOf(1), extra: 'x'.repeat(100_000) } }, 30_000);
    }
    for (const unit of units) await until(`${unit.id} is acknowledged`, () => unit.upTo('telemetry') === 101);
    const took = bridges.map(({ bridge }) => bridge.ingest.figures.archived);
    t.is(
      took.reduce((sum, one) => sum + one, 0),
      404,
    );
    t.true(
      took.every((one) => one > 0),
      String(took),
    );
    await trial.end();
  }
});
