import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { type LoopPassage, type SensorEvent, SensorInputs } from './sensor-inputs.ts';
import { SimulatedLines } from './simulated-lines.ts';

async function watched(t: ExecutionContext, on: readonly string[] = []) {
  const clock = new ManualClock();
  const inputs = ['door', 'tamper', 'loop-1', 'loop-2'].map((name) => ({ name, level: on.includes(name) }));
  const lines = SimulatedLines.open({ outputs: [], inputs }, clock);
  const events: SensorEvent[] = [];
  const passages: LoopPassage[] = [];
  const sensors = await SensorInputs.open(
    lines,
    { door: 'door', tamper: 'tamper', loops: ['loop-1', 'loop-2'], settleMs: 50 },
    {
      clock,
      timer: clock,
      checkEvery: milliseconds(1000),
      onSensor: (event) => events.push(event),
      onPassage: (passage) => passages.push(passage),
    },
  );
  t.teardown(() => sensors.close());
  const said = () => events.map(({ sensor, active, at }) => `${sensor} ${active} at ${at}`);
  return { clock, lines, sensors, events, passages, said };
}

test('door and tamper are told when they have stood, once, with the time from which they did', async (t) => {
  const { clock, lines, sensors, said } = await watched(t);
  await clock.advance(1);
  t.is(sensors.active('door'), false);
  for (const level of [true, false, true]) {
    lines.drive('door', level);
    await clock.advance(10);
  }
  await clock.advance(100);
  lines.drive('tamper', true);
  await clock.advance(30);
  lines.drive('tamper', false);
  await clock.advance(100);
  lines.drive('door', false);
  await clock.advance(100);
  t.deepEqual(said(), ['door true at 21', 'door false at 261']);
});

test('a door that stands open at the start is told', async (t) => {
  const { clock, said, sensors } = await watched(t, ['door']);
  await clock.advance(60);
  t.deepEqual(said(), ['door true at 0']);
  t.is(sensors.active('door'), true);
});

test('a door that was opened unnoticed is found; one whose line is dead is not known', async (t) => {
  const { clock, lines, sensors, said } = await watched(t);
  lines.drive('door', true, true);
  await clock.advance(1100);
  t.deepEqual(said(), ['door true at 1000']);
  lines.read = () => Promise.reject(new Error('dead'));
  await clock.advance(1000);
  t.is(sensors.active('door'), undefined);
});

test('a passage is told with its times when the vehicle has left; what stood there at the start is none', async (t) => {
  const { clock, lines, passages } = await watched(t, ['loop-2']);
  await clock.advance(100);
  lines.drive('loop-1', true);
  await clock.advance(250);
  lines.drive('loop-2', false);
  lines.drive('loop-1', false);
  await clock.advance(50);
  lines.drive('loop-2', true);
  await clock.advance(10);
  lines.drive('loop-2', false);
  t.deepEqual(passages, [
    { input: 'loop-1', from: 100, to: 350 },
    { input: 'loop-2', from: 400, to: 410 },
  ] as unknown as LoopPassage[]);
});

test('lost edges take passages away and never make one', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ gap: fc.integer({ min: 1, max: 1500 }), lost: fc.boolean() }), { maxLength: 30 }),
      async (toggles) => {
        const { clock, lines, passages, sensors } = await watched(t);
        const real: string[] = [];
        let from = 0;
        let seen = false;
        for (const [i, { gap, lost }] of toggles.entries()) {
          await clock.advance(gap);
          if (i % 2 === 0) {
            from = clock.monotonic();
            seen = !lost;
          } else if (seen && !lost) real.push(`${from} to ${clock.monotonic()}`);
          lines.drive('loop-1', i % 2 === 0, lost);
        }
        const told = passages.map((one) => `${one.from} to ${one.to}`);
        await sensors.close();
        t.deepEqual(
          told,
          told.filter((one) => real.includes(one)),
          'each was real',
        );
        if (toggles.every(({ lost }) => !lost)) t.deepEqual(told, real, 'and none is missing where no edge was lost');
      },
    ),
    { numRuns: 60 },
  );
});

test('a sensor without a line is refused at the start', async (t) => {
  const clock = new ManualClock();
  const lines = SimulatedLines.open({ outputs: [], inputs: [] }, clock);
  const error = await t.throwsAsync(
    SensorInputs.open(
      lines,
      { door: 'door', loops: [], settleMs: 0 },
      { clock, timer: clock, checkEvery: milliseconds(1000), onSensor: () => undefined, onPassage: () => undefined },
    ),
  );
  t.true(isAtalayaError(error, 'lines-unavailable'));
});
