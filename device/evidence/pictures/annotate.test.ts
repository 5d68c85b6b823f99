import test from 'ava';
import { infractionAt, timeOf } from '../testing/fixtures.ts';
import { stripLines } from './annotate.ts';

const box = { x: 1, y: 1, width: 5, height: 5 };
const undatedTime = (sequence: number) => {
  const time = timeOf(sequence);
  return { ...time, clock: { ...time.clock, dated: false } };
};

test('the strip bears the time of the frame that is shown, and both frames where they differ', (t) => {
  const lines = stripLines(infractionAt(150), { sequence: 147, time: timeOf(147), box }, 'unit-1').join('\n');
  t.true(lines.includes('2023-11-14T22:13:25.880Z  charged frame 150, shown 147  unit unit-1'), lines);
  const same = stripLines(infractionAt(150), { sequence: 150, time: timeOf(150), box }, 'unit-1').join('\n');
  t.true(same.includes('2023-11-14T22:13:26.000Z  frame 150  unit unit-1'), same);
  t.false(same.includes('no box'));
});

test('where nothing states the date, the strip shows no date but the time since the source began', (t) => {
  const lines = stripLines(infractionAt(136), { sequence: 136, time: undatedTime(136), box: undefined }, 'u').join(
    '\n',
  );
  t.true(lines.includes('date unknown, +0:05.44  frame 136  unit u'), lines);
  t.true(lines.includes('no box'));
  t.notRegex(lines, /\d{4}-\d{2}-\d{2}/);
});
