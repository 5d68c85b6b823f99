import test from 'ava';
import { cutEverywhere } from './testing/cut-power.ts';
import { working } from './testing/scenarios.ts';

for (const scenario of working) {
  test.serial(
    `the power is cut at each operation of ${scenario.name}: all that was acknowledged is there, and nothing is half there`,
    async (t) => {
      const cuts = await cutEverywhere(t, scenario);
      t.true(cuts > 20, String(cuts));
      t.log(`${cuts} operations`);
    },
  );
}
