import test from 'ava';
import type { ArchivedInfraction } from './host-centre.ts';
import { compare } from './power-cuts.ts';

const chain = (...ids: readonly (string | undefined)[]): readonly ArchivedInfraction[] =>
  ids.map((evidence, index) => ({ sequence: index + 1, previous: index, evidence }));

test('what was sealed and what was archived are the same, and entries that are no infractions are none', (t) => {
  t.deepEqual(compare(['a', 'b'], ['a', 'b', 'c'], chain('a', undefined, 'b')), []);
});

test('everything that may be wrong after a cut is found', (t) => {
  const wrong: readonly (readonly [readonly string[], readonly string[], readonly ArchivedInfraction[], RegExp])[] = [
    [['a'], [], chain('a'), /on the disk before and not any more: a/],
    [['a', 'b'], ['a', 'b'], chain('a'), /missing at the centre: b/],
    [['a'], ['a'], chain('a', 'x'), /archived, and not on the disk: x/],
    [['a'], ['a'], chain('a', 'a'), /twice at the centre: a/],
    [['a'], ['a'], [{ sequence: 2, previous: 1, evidence: 'a' }], /entry 2 follows 1/],
  ];
  for (const [before, after, archived, words] of wrong) t.regex(compare(before, after, archived).join('\n'), words);
});
