import test from 'ava';
import { filterMatches, parseFilter } from './topic-filter.ts';

const cases: readonly (readonly [string, string, boolean])[] = [
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/b', 'a/b/c', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a', false],
  ['a/+', 'a/b/c', false],
  ['+/b', 'a/b', true],
  ['a/+/c', 'a//c', true],
  ['+', '', true],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['#', 'a/b', true],
  ['#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
  ['/+', '/a', true],
  ['+', '/a', false],
];

test('filters match as MQTT 5, 4.7 has it', (t) => {
  for (const [filter, topic, matches] of cases) t.is(filterMatches(filter, topic), matches, `${filter} and ${topic}`);
});

test('a shared subscription is a group and a filter', (t) => {
  t.deepEqual(parseFilter('$share/g/a/+/b'), { group: 'g', filter: 'a/+/b' });
  t.deepEqual(parseFilter('a/b'), { group: undefined, filter: 'a/b' });
  t.deepEqual(parseFilter('$share/g'), { group: undefined, filter: '$share/g' });
});
