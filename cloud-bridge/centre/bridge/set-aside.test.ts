import test from 'ava';
import type { Clock } from '../../../device/kernel/clock.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Arrived } from '../archive/archive.ts';
import { BridgeTrial, countOf, pause, until } from './testing/bridge-trial.ts';

/** A clock that can be put forward. */
function lateClock(): { readonly clock: Clock; advance(ms: number): void } {
  let ahead = 0;
  const { utc, state } = systemClock;
  return {
    clock: { utc: utc.bind(systemClock), state, monotonic: () => milliseconds(systemClock.monotonic() + ahead) },
    advance: (ms) => {
      ahead += ms;
    },
  };
}

const counts = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ sequence: from + i, data: countOf(from + i) }));

/** An archive that throws on one event, as long as it is told to. */
function poison(trial: BridgeTrial): { active: boolean; asked: number } {
  const state = { active: true, asked: 0 };
  const ingest = trial.archive.ingest.bind(trial.archive);
  trial.archive.ingest = async (events: readonly Arrived[]) => {
    if (state.active && events.some(({ unit, sequence }) => unit === 'unit-1' && sequence === 3)) {
      state.asked += 1;
      throw new AtalayaError('store-failed', 'it cannot be written');
    }
    return ingest(events);
  };
  return state;
}

test('an event that the archive never takes is kept aside, told and passed; a mended bridge brings it in', async (t) => {
  const trial = new BridgeTrial();
  const bad = poison(trial);
  const { clock, advance } = lateClock();
  const first = await trial.bridge({ clock });
  const unit = await trial.unit('unit-1');
  await unit.events('count', counts(1, 5));
  await until('up to there', () => unit.upTo('telemetry') === 2);
  const again = async () => {
    const before = bad.asked;
    // As an outbox does: from the last mark on.
    await unit.events('count', counts(3, 5));
    await until('tried', () => bad.asked > before);
    await pause(20);
  };
  for (let i = 0; i < 6; i += 1) await again();
  t.is(unit.upTo('telemetry'), 2, 'often is not enough: it has to last');
  advance(11 * 60_000);
  await again();
  await until('the lane goes on', () => unit.upTo('telemetry') === 5);
  t.deepEqual(await trial.sequences('unit-1', 'telemetry'), [1, 2, 4, 5]);
  t.like(unit.refused.at(-1), {
    lane: 'telemetry',
    sequence: 3,
    reason: 'set-aside: the centre keeps it aside: store-failed',
  });
  t.like(await first.bridge.alerts.list({}), [{ name: 'event-set-aside', state: 'critical', from: 'centre' }]);
  t.is(first.bridge.refusals.of('unit-1')['set-aside'], 1);
  const [kept] = await trial.archive.documents('set-aside');
  t.like(kept?.value, { unit: 'unit-1', sequence: 3, previous: 2, kind: 'count', code: 'store-failed' });
  const { content } = (kept?.value ?? { content: '' }) as { content: string };
  t.deepEqual(JSON.parse(Buffer.from(content, 'base64').toString()), countOf(3), 'whole');
  await first.stop();
  // A bridge that cannot take it either leaves it where it is.
  const second = await trial.bridge({ name: 'bridge-2' });
  t.is((await trial.archive.documents('set-aside')).length, 1);
  await second.stop();
  bad.active = false;
  await trial.bridge({ name: 'bridge-3' });
  t.deepEqual(await trial.sequences('unit-1', 'telemetry'), [1, 2, 3, 4, 5], 'each once');
  t.deepEqual(await trial.archive.documents('set-aside'), []);
  await trial.end();
});

test('an event that fails alone holds up nobody who comes after it', async (t) => {
  const trial = new BridgeTrial();
  const bad = poison(trial);
  await trial.bridge();
  const unit = await trial.unit('unit-1');
  const other = await trial.unit('unit-2');
  await unit.events('count', [{ sequence: 3, data: countOf(3) }]);
  await until('it failed alone', () => bad.asked > 1);
  await other.events('count', counts(1, 4));
  await until('the other is acknowledged', () => other.upTo('telemetry') === 4);
  t.deepEqual(await trial.archive.documents('set-aside'), []);
  await trial.end();
});

test('a fault of the archive sets nothing aside, however long it lasts', async (t) => {
  for (const code of ['store-full', 'archive-unavailable', 'store-failed'] as const) {
    const trial = new BridgeTrial();
    let tries = 0;
    trial.archive.plan = (call) => {
      if (call !== 'ingest') return undefined;
      tries += 1;
      return tries <= 12 ? new AtalayaError(code, 'it takes nothing') : undefined;
    };
    const { clock, advance } = lateClock();
    const { bridge, ended } = await trial.bridge({ clock });
    const unit = await trial.unit('unit-1');
    await unit.events('count', counts(1, 2));
    for (let i = 1; i <= 4; i += 1) {
      await pause(150);
      advance(5 * 60_000);
      await unit.events('count', counts(1, 2));
    }
    if (code === 'store-full') {
      await t.throwsAsync(ended, { code }, 'a person has to see to that');
    } else {
      await until('archived', () => unit.upTo('telemetry') === 2, 20_000);
      t.is(bridge.setAside.count, 0);
    }
    t.deepEqual(await trial.archive.documents('set-aside'), []);
    await trial.end();
  }
});
