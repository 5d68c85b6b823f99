import test from 'ava';
import type { Trouble } from './update-parts.ts';
import { baselineOf, commonOf, weighTroubles } from './weigh-troubles.ts';

const slow = (degree: number): Trouble => ({
  code: 'detector-slow',
  says: `${degree} of the bar`,
  degree,
  vital: false,
});
const dead: Trouble = { code: 'line-dead loop-1', says: 'it does not answer', vital: false };
const blind: Trouble = { code: 'detector-blind', says: '0 of 4', vital: true };

test('what was so before the switch, and is no worse, does not speak against what is on trial', (t) => {
  const baseline = baselineOf({ troubles: [slow(4), dead] });
  t.deepEqual(weighTroubles({ troubles: [slow(5), dead] }, baseline), {
    counted: [],
    asBefore: ['detector-slow: 5 of the bar', 'line-dead loop-1: it does not answer'],
  });
  t.deepEqual(weighTroubles({ troubles: [] }, baseline), { counted: [], asBefore: [] });
});

test('what is new, another of its kind, or half again as bad, does', (t) => {
  const baseline = baselineOf({ troubles: [slow(4), dead] });
  const other = { ...dead, code: 'line-dead loop-2' };
  t.deepEqual(weighTroubles({ troubles: [slow(6.1), other, dead] }, baseline), {
    counted: ['detector-slow: 6.1 of the bar', 'line-dead loop-2: it does not answer'],
    asBefore: ['line-dead loop-1: it does not answer'],
  });
  t.deepEqual(weighTroubles({ troubles: [slow(2)] }, []).asBefore, []);
});

test('without what is vital nothing is confirmed, whatever the version before did', (t) => {
  t.deepEqual(baselineOf({ troubles: [blind, dead] }), [{ code: 'line-dead loop-1' }]);
  t.deepEqual(weighTroubles({ troubles: [blind] }, [{ code: 'detector-blind' }]).counted, ['detector-blind: 0 of 4']);
});

test('a figure that has vanished, or has come, cannot be compared, and counts', (t) => {
  const unknown: Trouble = { code: 'detector-slow', says: 'nobody knows how slow', vital: false };
  t.is(weighTroubles({ troubles: [unknown] }, baselineOf({ troubles: [slow(4)] })).counted.length, 1);
  t.is(weighTroubles({ troubles: [slow(1)] }, baselineOf({ troubles: [unknown] })).counted.length, 1);
});

test('what both of two looks found was there before, as little as in the better of them', (t) => {
  const [first, second] = [baselineOf({ troubles: [slow(4), dead] }), baselineOf({ troubles: [slow(3)] })];
  t.deepEqual(commonOf(first, second), [{ code: 'detector-slow', degree: 3 }]);
  t.deepEqual(commonOf(second, first), [{ code: 'detector-slow', degree: 3 }]);
  t.deepEqual(commonOf(first, [{ code: 'detector-slow' }, { code: dead.code }]), [{ code: dead.code }]);
  t.deepEqual(commonOf(first, []), []);
});
