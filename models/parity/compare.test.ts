import test from 'ava';
import fc from 'fast-check';
import { type Found, recovery, share } from './compare.ts';

const box = { left: 0, top: 0, right: 1, bottom: 1 };
const same = (a: Found['box'], b: Found['box']) => (a.left === b.left ? 1 : 0);
const found = (left: number, score: number, className = 'car'): Found => ({ className, score, box: { ...box, left } });

test('a detection answers for one other only, of its own class, with enough score', (t) => {
  const reference = [[found(1, 0.9), found(1, 0.8), found(2, 0.6), found(3, 0.7), found(4, 0.45)]];
  const other = [[found(1, 0.9), found(2, 0.6, 'bus'), found(3, 0.39), found(4, 0.9)]];
  t.deepEqual(recovery(reference, other, same), { wanted: 4, recovered: 1 });
});

test('every list finds itself again, and nothing is found in nothing', (t) => {
  const one = fc.record({ left: fc.nat(5), score: fc.double({ min: 0, max: 1, noNaN: true }) });
  const property = fc.property(fc.array(fc.array(one, { maxLength: 6 }), { maxLength: 5 }), (lists) => {
    const frames = lists.map((list) => list.map(({ left, score }) => found(left, score)));
    const itself = recovery(frames, frames, same);
    const nothing = recovery(frames, [], same);
    return share(itself) === 1 && nothing.recovered === 0 && nothing.wanted === itself.wanted;
  });
  t.notThrows(() => fc.assert(property));
});
