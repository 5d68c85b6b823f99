import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Turns } from './turns.ts';

test('however many ask, one is served in each turn of the event loop', async (t) => {
  const turns = new Turns();
  let loop = 0;
  let counting = true;
  const counter = (async () => {
    while (counting) {
      await setImmediate();
      loop += 1;
    }
  })();
  const served = await Promise.all(Array.from({ length: 20 }, () => turns.next().then(() => loop)));
  counting = false;
  await counter;
  t.is(new Set(served).size, 20);
  t.deepEqual(
    served,
    served.toSorted((a, b) => a - b),
  );
});
