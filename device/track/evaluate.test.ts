import test from 'ava';
import fc from 'fast-check';
import { clearScore, identityScore, type Observation } from './evaluate.ts';

/** Boxes 100 px apart per place, one id over a range of frames. */
function path(id: number, place: number, from: number, to: number, shift = 0): readonly Observation[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    frame: from + i,
    id,
    box: { x: place * 100 + shift, y: 0, width: 40, height: 40 },
  }));
}

test('one road user under two ids: the longer part counts, the switch is one', (t) => {
  const truth = path(1, 0, 1, 10);
  const computed = [...path(7, 0, 1, 6), ...path(8, 0, 7, 10)];
  const identity = identityScore(truth, computed);
  t.deepEqual([identity.idtp, identity.idfp, identity.idfn], [6, 4, 4]);
  t.is(identity.idf1, 0.6);
  const clear = clearScore(truth, computed);
  t.deepEqual([clear.misses, clear.falsePositives, clear.switches], [0, 0, 1]);
  t.is(clear.mota, 0.9);
  t.is(clear.motp, 1);
});

test('two road users who exchange ids half way', (t) => {
  const truth = [...path(1, 0, 1, 10), ...path(2, 1, 1, 10)];
  const computed = [...path(5, 0, 1, 6), ...path(5, 1, 7, 10), ...path(6, 1, 1, 6), ...path(6, 0, 7, 10)];
  t.is(identityScore(truth, computed).idf1, 0.6);
  t.is(clearScore(truth, computed).switches, 2);
  t.is(clearScore(truth, computed).mota, 0.9);
});

test('misses and inventions', (t) => {
  // 10 true boxes, 8 found; 3 computed where nothing is.
  const truth = path(1, 0, 1, 10);
  const computed = [...path(1, 0, 3, 10), ...path(2, 5, 1, 3)];
  const identity = identityScore(truth, computed);
  t.deepEqual([identity.idtp, identity.idfp, identity.idfn], [8, 3, 2]);
  t.is(identity.idf1, 16 / 21);
  t.is(identity.idPrecision, 8 / 11);
  t.is(identity.idRecall, 0.8);
  const clear = clearScore(truth, computed);
  t.deepEqual([clear.misses, clear.falsePositives, clear.switches], [2, 3, 0]);
  t.is(clear.mota, 0.5);
});

test('identities are paired over the whole sequence, not greedily', (t) => {
  // A shares 6 frames with 1 and 5 with 2, B shares 5 with 1 and none with 2: 5 + 5 beats 6.
  const truth = [...path(1, 0, 1, 11), ...path(2, 1, 1, 5)];
  const computed = [...path(10, 0, 1, 6), ...path(11, 0, 7, 11), ...path(10, 1, 1, 5)];
  t.is(identityScore(truth, computed).idtp, 10);
});

test('a box counts from an IoU of a half on', (t) => {
  // Shifted by 40/3 of 40: overlap 26.67 x 40 of 53.33 x 40 is one half.
  t.is(identityScore(path(1, 0, 1, 4), path(1, 0, 1, 4, 40 / 3 - 1e-9)).idtp, 4);
  t.is(identityScore(path(1, 0, 1, 4), path(1, 0, 1, 4, 40 / 3 + 0.01)).idtp, 0);
});

test('a correspondence is kept while it is valid, though another box fits better', (t) => {
  const truth = path(1, 0, 1, 4);
  const computed = [...path(5, 0, 1, 4, 8), ...path(6, 0, 3, 4)];
  const clear = clearScore(truth, computed);
  t.is(clear.switches, 0);
  t.is(clear.falsePositives, 2);
});

test('as many boxes as possible are paired, even where that fits worse', (t) => {
  const box = (x: number) => ({ x, y: 0, width: 40, height: 40 });
  // One computed box fits the first exactly and the second too; the other fits the first alone.
  const truth = [
    { frame: 1, id: 1, box: box(0) },
    { frame: 1, id: 2, box: box(12) },
  ];
  const computed = [
    { frame: 1, id: 8, box: box(0) },
    { frame: 1, id: 9, box: box(-12) },
  ];
  t.is(clearScore(truth, computed).misses, 0);
});

test('nothing to find and nothing found is perfect; something found is not', (t) => {
  t.is(identityScore([], []).idf1, 1);
  t.is(clearScore([], []).mota, 1);
  t.is(identityScore([], path(1, 0, 1, 2)).idf1, 0);
  t.is(clearScore([], path(1, 0, 1, 2)).mota, Number.NEGATIVE_INFINITY);
});

test('a result that is the truth under other ids is perfect', (t) => {
  const truth = fc
    .uniqueArray(fc.record({ frame: fc.integer({ min: 0, max: 20 }), id: fc.integer({ min: 0, max: 4 }) }), {
      selector: ({ frame, id }) => `${frame} ${id}`,
      minLength: 1,
      maxLength: 60,
    })
    .map((rows) => rows.flatMap(({ frame, id }) => path(id, id, frame, frame)));
  fc.assert(
    fc.property(truth, (truth) => {
      const computed = truth.map((o) => ({ ...o, id: 100 - o.id }));
      return identityScore(truth, computed).idf1 === 1 && clearScore(truth, computed).mota === 1;
    }),
  );
  t.pass();
});
