import test from 'ava';
import { MadeBundles } from '../../../ota/testing/made-bundles.ts';
import { MadeUnit } from '../../../ota/testing/made-unit.ts';
import { releaseOf } from '../../../ota/update/testing/unit-lives.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import type { SelfTestFinding } from '../../selftest/contract/self-test-report.ts';
import { judgeBroker } from '../../selftest/judge-link.ts';
import { TrialWatch } from './trial.ts';

/** Whether a good first update is confirmed, which has to hold for ten minutes, over a link that is away so often when somebody looks. */
async function confirms(away: number, seed: number): Promise<boolean> {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  const one = await bundles.bundle({ release: 1 });
  unit.publish(one);
  unit.made.assign([one.target], { trial: { holdSeconds: 600, deadlineSeconds: 900 } });
  await unit.live('restart');
  const random = seededRandom(seed);
  const watch = new TrialWatch();
  const good = (['camera', 'detector', 'evidence'] as const).map(
    (check): SelfTestFinding => ({ check, outcome: 'passed', code: `${check}-good`, says: 'so it is', figures: [] }),
  );
  unit.change = {
    selfTest: async () => {
      const broker = judgeBroker(random() < away ? { kind: 'offline', forMs: 2000 } : { kind: 'connected' });
      return watch.judge([...good, broker], { connected: true, clockBelieved: true }, unit.clock.monotonic());
    },
  };
  await unit.live();
  return (await releaseOf(unit)) === 1;
}

for (const away of [0.05, 0.1])
  test(`a link that is away for ${away * 100} % of the time holds no good update up`, async (t) => {
    for (let seed = 1; seed <= 3; seed += 1) t.true(await confirms(away, seed), `of seed ${seed}`);
  });

test('without a link nothing is confirmed', async (t) => {
  t.false(await confirms(1, 1));
});
