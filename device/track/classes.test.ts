import test from 'ava';
import { addVotes, shares, winner } from './classes.ts';

test('the shares of a vote sum to 1, the winner has the greatest, and a class without a vote is absent', (t) => {
  const votes = addVotes(addVotes({ truck: 0.6 }, { bus: 0.5 }), { truck: 0.9 });
  const found = shares(votes);
  t.is(winner(votes), 'truck');
  t.deepEqual([...found.keys()].sort(), ['bus', 'truck']);
  t.true(Math.abs((found.get('truck') ?? 0) - 0.75) < 1e-9);
  t.true(Math.abs([...found.values()].reduce((sum, one) => sum + one, 0) - 1) < 1e-9);
});
