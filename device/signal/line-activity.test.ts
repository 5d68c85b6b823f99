import test from 'ava';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { LineActivity, type NamedLine } from './line-activity.ts';
import { SimulatedLines } from './simulated-lines.ts';

const named: readonly NamedLine[] = [
  { name: 'red', direction: 'input', role: 'red of main' },
  { name: 'door', direction: 'input', role: 'door' },
  { name: 'gone', direction: 'input', role: 'loop' },
  { name: 'beacon', direction: 'output', role: 'beacon', safe: false, pulse: milliseconds(300) },
  { name: 'lamp', direction: 'output', role: 'spare', safe: true },
];

function bench() {
  const clock = new ManualClock();
  const lines = SimulatedLines.open(
    {
      outputs: [
        { name: 'beacon', safe: false },
        { name: 'lamp', safe: true },
      ],
      inputs: [
        { name: 'red', level: false },
        { name: 'door', level: true },
      ],
    },
    clock,
  );
  const activity = LineActivity.open(lines, named, { clock, timer: clock, deadline: milliseconds(1000) });
  return { clock, lines, activity };
}

test('each input is told with its level and its changes, a dead one with its fault, and nothing is switched', async (t) => {
  const { clock, lines, activity } = bench();
  lines.drive('red', true);
  lines.drive('red', false);
  lines.drive('red', true);
  await clock.advance(4000);
  const states = await activity.look();
  t.deepEqual(states.slice(0, 2), [
    { name: 'red', direction: 'input', role: 'red of main', active: true, changes: 3 },
    { name: 'door', direction: 'input', role: 'door', active: true, changes: 0 },
  ]);
  t.regex(states[2]?.fault ?? '', /gone/);
  t.deepEqual(states.slice(3), [
    { name: 'beacon', direction: 'output', role: 'beacon' },
    { name: 'lamp', direction: 'output', role: 'spare' },
  ]);
  t.is(Number(activity.watched), 4000);
  t.false(lines.timeline.some(({ cause }) => cause === 'set'));
  activity.close();
  lines.drive('red', false);
  t.is((await activity.look())[0]?.changes, 3, 'nothing is counted any more');
});

test('an output is pulsed only where it is named, from its safe level and back to it', async (t) => {
  const { clock, lines, activity } = bench();
  const looking = activity.look(['beacon', 'lamp', 'red', 'nothing']);
  for (let i = 0; i < 30; i++) await clock.advance(100);
  const states = await looking;
  t.true(states[3]?.pulsed);
  t.true(states[4]?.pulsed);
  t.deepEqual(activity.unknown(['beacon', 'red', 'nothing']), ['red', 'nothing']);
  const set = lines.timeline.filter(({ cause }) => cause === 'set').map(({ line, level, at }) => [line, level, at]);
  t.deepEqual(
    set.map(([line, level]) => [line, level]),
    [
      ['beacon', true],
      ['beacon', false],
      ['lamp', false],
      ['lamp', true],
    ],
  );
  t.true(Number(set[1]?.[2]) - Number(set[0]?.[2]) >= 300);
});

test('an output that hangs is told as not switched', async (t) => {
  const { clock, lines, activity } = bench();
  lines.stick('beacon');
  const looking = activity.look(['beacon']);
  for (let i = 0; i < 30; i++) await clock.advance(100);
  t.false((await looking)[3]?.pulsed);
});
