import test from 'ava';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { runKills, wordsOf } from './kill-run.ts';

test.serial('a unit that is killed again and again while it updates itself ends in a whole version', async (t) => {
  const run = await runKills(10, seededRandom(3), (words) => t.log(words));
  t.log(wordsOf(run));
  t.deepEqual(run.broken, []);
  t.is(run.kills, 10);
  t.true(run.updated + run.rolledBack > 0);
});
