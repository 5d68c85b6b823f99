import test from 'ava';
import fc from 'fast-check';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { SchedulePhases } from './schedule-phase.ts';

const head = (phases: ConstructorParameters<typeof SchedulePhases>[0][number]['phases']) =>
  new SchedulePhases([{ name: 'T', lamp: undefined, phases }]);
const at = (source: SchedulePhases, seconds: number, name = 'T') =>
  source.phaseAt(name, utcMilliseconds(1_000_000 + seconds * 1000), milliseconds(seconds * 1000));

test('a schedule is known within its spans only, and adjoining spans of one phase are one', (t) => {
  const source = head({
    kind: 'schedule',
    spans: [
      { from: 0, to: 5, phase: 'red' },
      { from: 5, to: 9, phase: 'red' },
      { from: 12, to: 20, phase: 'green' },
    ],
  });
  t.deepEqual(at(source, 8), { known: true, phase: 'red', since: utcMilliseconds(1_000_000), source: 'schedule' });
  t.like(at(source, 9), { known: false });
  t.like(at(source, 12), { known: true, phase: 'green', since: utcMilliseconds(1_012_000) });
  t.like(at(source, 1, 'X'), { known: false });
});

test('a cycle repeats for ever, before its offset as well, and knows since when', (t) => {
  const source = head({
    kind: 'cycle',
    offset: 3,
    steps: [
      { seconds: 10, phase: 'green' },
      { seconds: 3, phase: 'amber' },
      { seconds: 17, phase: 'red' },
    ],
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (tenths) => {
      const seconds = tenths / 10 + 0.05;
      const into = (((seconds - 3) % 30) + 30) % 30;
      const expected = into < 10 ? 'green' : into < 13 ? 'amber' : 'red';
      const reading = at(source, seconds);
      const since = into < 10 ? into : into < 13 ? into - 10 : into - 13;
      return (
        reading.known &&
        reading.phase === expected &&
        Math.abs(reading.since - (1_000_000 + (seconds - since) * 1000)) < 1e-3
      );
    }),
  );
  t.pass();
});

test('a head that is wired to input lines is not guessed', (t) => {
  t.like(at(head({ kind: 'input', red: 'in-1' }), 1), { known: false });
});
