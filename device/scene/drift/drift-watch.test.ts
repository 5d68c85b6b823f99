import test from 'ava';
import fc from 'fast-check';
import { DriftWatch } from './drift-watch.ts';
import type { DriftEstimate } from './estimate-drift.ts';

const minute = 60_000;
const limits = { movedPx: 2, patience: 10 * minute, looks: 5, forgets: 90 * minute };
const moved = { a: 1, b: 0, dx: 0, dy: 0 };
const by = (shiftPx: number): DriftEstimate => ({ kind: 'judged', shiftPx, moved, seen: 8, agreeing: 8 });
const unseen: DriftEstimate = { kind: 'not-judged', seen: 1, agreeing: 0 };

test('moved after the patience and the looks, not before; and back in its place after as long', (t) => {
  const watch = new DriftWatch(limits, 0);
  t.is(watch.state.kind, 'unknown');
  t.is(watch.observe(by(0.2), minute).kind, 'still');
  for (let at = 2; at < 12; at++) t.is(watch.observe(by(6), at * minute).kind, 'suspected', `${at}`);
  t.like(watch.observe(by(6), 12 * minute), { kind: 'moved', since: 2 * minute, shiftPx: 6 });
  t.is(watch.observe(by(0.1), 13 * minute).kind, 'moved');
  t.is(watch.observe(by(6), 14 * minute).kind, 'moved');
  for (let at = 15; at < 25; at++) t.is(watch.observe(by(0.1), at * minute).kind, 'moved', `${at}`);
  t.is(watch.observe(by(0.1), 25 * minute).kind, 'still');
});

test('a mast that sways in the wind raises nothing', (t) => {
  const watch = new DriftWatch(limits, 0);
  for (let at = 0; at < 600; at++) watch.observe(by(at % 4 === 0 ? 0.5 : 5), at * minute);
  t.not(watch.state.kind, 'moved');
});

test('looks that cannot be judged count neither way, and after long nothing is known; a moved camera is not forgotten', (t) => {
  const watch = new DriftWatch(limits, 0);
  for (let at = 0; at < 3; at++) watch.observe(by(6), at * minute);
  for (let at = 3; at < 60; at++) t.is(watch.observe(unseen, at * minute).kind, 'suspected');
  t.is(watch.observe(by(6), 60 * minute).kind, 'suspected', 'long enough, but four looks are not five');
  t.is(watch.observe(by(6), 61 * minute).kind, 'moved');
  t.is(watch.observe(unseen, 900 * minute).kind, 'moved');
  const other = new DriftWatch(limits, 0);
  other.observe(by(0), 0);
  t.is(other.observe(unseen, 89 * minute).kind, 'still');
  t.is(other.observe(unseen, 90 * minute).kind, 'unknown');
});

test('whatever is seen, moved is said only after looks on end that say so', (t) => {
  const look = fc.constantFrom(by(0), by(9), unseen);
  fc.assert(
    fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
      const watch = new DriftWatch(limits, 0);
      let run: number[] = [];
      return looks.every((one, i) => {
        const before = watch.state.kind;
        const { kind } = watch.observe(one, i * 4 * minute);
        if (one.kind === 'judged') run = one.shiftPx > limits.movedPx ? [...run, i] : [];
        const isDue = run.length >= limits.looks && ((run.at(-1) ?? 0) - (run[0] ?? 0)) * 4 * minute >= limits.patience;
        return kind !== 'moved' || before === 'moved' || isDue;
      });
    }),
  );
  t.pass();
});
