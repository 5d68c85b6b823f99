import test from 'ava';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { alertOf, BridgeTrial, countOf, until } from './testing/bridge-trial.ts';

test('an event in pieces is put together; pieces that do not fit are counted and have no effect', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const long = { ...countOf(1), line: 'l', extra: 'x'.repeat(250_000) };
  await unit.pieces('count', { sequence: 1, data: long }, 60_000, (index, piece) =>
    index === 2 ? Buffer.from(piece.toString().replace('x', 'y')) : piece,
  );
  await until('counted', () => bridge.refusals.of('unit-1')['part-mismatch'] === 1);
  t.deepEqual(await trial.sequences('unit-1', 'telemetry'), []);
  await unit.pieces('count', { sequence: 1, data: long }, 60_000);
  await until('acknowledged', () => unit.upTo('telemetry') === 1);
  const [event] = await trial.archive.events({ unit: 'unit-1', order: 'sequence', limit: 1 });
  t.deepEqual(event?.data, long);
  t.deepEqual(trial.content.parts, []);
  await trial.end();
});

test('a record of another unit in pieces is refused as well', async (t) => {
  const trial = new BridgeTrial();
  await trial.bridge();
  const unit = await trial.unit('unit-1');
  const other = await trial.unit('unit-2');
  const entry = other.entry(1, { raw: 'r'.repeat(200_000) }) as unknown as JsonValue;
  await unit.pieces('infraction', { sequence: 1, data: entry }, 60_000);
  await until('told', () => unit.refused.length === 1);
  t.regex(unit.refused[0]?.reason ?? '', /^record-foreign: /);
  t.deepEqual(await trial.sequences('unit-1', 'infraction'), []);
  await trial.end();
});

const shared = { kind: 'shared', group: 'atalaya' } as const;

test('two bridges that share the units judge what comes in pieces as anything else', async (t) => {
  const trial = new BridgeTrial();
  const sent: string[] = [];
  const queues = { send: async (queue: string, id: string) => void sent.push(`${queue} ${id}`), close: async () => {} };
  const bridges = await Promise.all(
    ['bridge-1', 'bridge-2'].map((name) => trial.bridge({ name, sharing: shared, queues })),
  );
  const unit = await trial.unit('unit-1');
  const other = await trial.unit('unit-2');
  await until('both know the key', async () =>
    (await Promise.all(bridges.map(({ bridge }) => bridge.twins.twin('unit-1')))).every(
      (twin) => twin?.keys.length === 1,
    ),
  );
  const raw = { raw: 'r'.repeat(200_000) };
  const entry = (value: unknown) => value as JsonValue;
  const altered = unit.entry(3, raw);
  await unit.pieces('infraction', { sequence: 1, data: entry(unit.entry(1, raw)) }, 30_000);
  await unit.pieces('infraction', { sequence: 2, data: entry(other.entry(2, raw)) }, 30_000);
  await unit.pieces(
    'infraction',
    { sequence: 3, data: entry({ ...altered, record: { ...altered.record, speed: 90 } }) },
    30_000,
  );
  await unit.pieces('infraction', { sequence: 4, data: entry({ ...raw, record: 'none' }) }, 30_000);
  await unit.pieces('alert', { sequence: 1, data: { ...alertOf('alert-0001', 'critical'), ...raw } }, 30_000);
  await until('told', () => unit.refused.length >= 3 && unit.upTo('infraction') === 4 && unit.upTo('alert') === 1);
  t.deepEqual(
    unit.refused.map(({ sequence, reason }) => [sequence, reason.split(':')[0]]),
    [
      [2, 'record-foreign'],
      [3, 'record-unsigned'],
      [4, 'malformed'],
    ],
  );
  t.deepEqual(await trial.sequences('unit-1', 'infraction'), [1]);
  const [{ bridge }] = bridges as [(typeof bridges)[0]];
  t.deepEqual((await bridge.alerts.list({ unit: 'unit-1' })).map(({ name }) => name).sort(), [
    'camera-lost',
    'record-refused',
  ]);
  await until('forwarded', () => sent.length >= 4);
  t.deepEqual(sent.map((one) => one.split(' ')[0]).sort(), [
    'infraction.detection',
    'notification.email',
    'notification.email',
    'report.generation',
  ]);
  t.true(
    bridges.every((one) => one.bridge.desk.figures.messages > 5),
    'each had some of the pieces',
  );
  t.deepEqual(trial.content.parts, [], 'and none are left');
  await trial.end();
});

test('pieces outlive their bridge, and what is held back has to come again whole', async (t) => {
  const trial = new BridgeTrial();
  const first = await trial.bridge();
  const unit = await trial.stranger('unit-1');
  const data = unit.entry(1, { raw: 'r'.repeat(200_000) }) as unknown as JsonValue;
  await unit.pieces('infraction', { sequence: 1, data }, 30_000);
  await until('held', () => first.bridge.refusals.of('unit-1')['key-unknown'] === 1);
  await until('given up', () => trial.content.parts.length === 0);
  await unit.state();
  let said = 0;
  await t.throwsAsync(
    unit.pieces('infraction', { sequence: 1, data }, 30_000, (_, piece) => {
      said += 1;
      if (said > 4) throw new Error('the unit is cut off');
      return piece;
    }),
  );
  await until('kept', () => trial.content.parts.length === 4);
  await first.stop();
  await trial.bridge({ name: 'bridge-2' });
  const rest = trial.content.parts.map(({ index }) => index);
  t.deepEqual(rest, [0, 1, 2, 3]);
  await unit.pieces('infraction', { sequence: 1, data }, 30_000);
  await until('acknowledged', () => unit.upTo('infraction') === 1);
  t.deepEqual(await trial.sequences('unit-1', 'infraction'), [1]);
  await trial.end();
});

test('a unit that begins events and never ends them fills its own share', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const place = { lane: 'telemetry', stream: unit.stream, time: '2026-03-01T12:00:00.000Z' } as const;
  const content = Buffer.alloc(85_000, 'x').toString('base64');
  for (let sequence = 2; sequence < 500; sequence += 1) {
    const part = { index: 0, count: 2, sha256: sequence.toString(16).padStart(64, '0') };
    await unit.say('count', {}, { ...place, sequence, previous: sequence - 1, part, content } as never);
    if (sequence % 50 === 0) await until('taken', () => bridge.ingest.figures.waiting === 0);
  }
  await until('all taken', () => bridge.ingest.figures.waiting === 0);
  t.true((bridge.refusals.of('unit-1')['too-much'] ?? 0) > 50);
  const kept = trial.content.parts.reduce((sum, part) => sum + part.content.byteLength, 0);
  t.true(kept < 33 * 1024 * 1024, `${kept} bytes`);
  await unit.pieces('count', { sequence: 1, data: { ...countOf(1), extra: 'x'.repeat(100_000) } }, 30_000);
  await until('acknowledged', () => unit.upTo('telemetry') === 1);
  await trial.end();
});
