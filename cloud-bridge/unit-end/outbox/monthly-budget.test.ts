import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { MonthlyBudget } from './monthly-budget.ts';

const day = 24 * 3600 * 1000;
const path = '/budget.json';
const mostBytes = 3_000_000;
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a day has its share of what is left of the month; telemetry is thinned, then waits, and nothing stops an alert', async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 3, 1, 12));
  const budget = await MonthlyBudget.open(path, { files: new MemoryFiles(), clock, mostBytes });
  t.deepEqual(budget.figures, { spent: 0, share: 100_000, today: 0 });
  const judged = () => (['alert', 'infraction', 'telemetry', 'evidence'] as const).map((use) => budget.judge(use));
  t.deepEqual(judged(), ['pass', 'pass', 'pass', 'pass']);
  budget.spend('telemetry', 80_000);
  t.deepEqual(judged(), ['pass', 'pass', 'thin', 'hold']);
  budget.spend('alert', 39_000);
  t.deepEqual(judged(), ['pass', 'pass', 'hold', 'hold']);
  await clock.advance(day / 2);
  t.deepEqual(budget.figures, { spent: 119_000, share: (mostBytes - 119_000) / 29, today: 0 });
  t.deepEqual(judged(), ['pass', 'pass', 'pass', 'pass']);
  await clock.advance(28 * day);
  t.is(budget.figures.share, mostBytes - 119_000);
  await clock.advance(day);
  t.deepEqual(budget.figures, { spent: 0, share: mostBytes / 31, today: 0 });
});

test('a clock that steps back gives no day twice; one that was far ahead and is corrected keeps what was spent', async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 3, 10));
  const budget = await MonthlyBudget.open(path, { files: new MemoryFiles(), clock, mostBytes });
  budget.spend('telemetry', 200_000);
  clock.setUtc(Date.UTC(2026, 3, 9));
  t.is(budget.judge('telemetry'), 'hold');
  clock.setUtc(Date.UTC(2026, 2, 31));
  t.is(budget.judge('telemetry'), 'hold');
  clock.setUtc(Date.UTC(2038, 0, 1));
  budget.spend('telemetry', 200_000);
  clock.setUtc(Date.UTC(2026, 3, 10));
  t.is(budget.figures.spent, 200_000);
  t.is(budget.judge('telemetry'), 'pass');
});

test('a crash at any moment never loses what was spent, and costs little more', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(20_000), { minLength: 1, maxLength: 60 }),
      fc.nat(80),
      fc.integer(),
      async (uses, cut, seed) => {
        const clock = new ManualClock(Date.UTC(2026, 3, 10));
        let files = new MemoryFiles();
        let total = 0;
        let crashed = 0;
        let budget = await MonthlyBudget.open(path, { files, clock, mostBytes });
        for (const [i, bytes] of uses.entries()) {
          budget.spend('telemetry', bytes);
          total += bytes;
          await settle();
          await settle();
          if (i % 20 === cut % 20) {
            files = files.survivors(seededRandom(seed));
            budget = await MonthlyBudget.open(path, { files, clock, mostBytes });
            crashed += 1;
          }
        }
        const { spent } = budget.figures;
        return spent >= total && spent <= total + crashed * (mostBytes / 100);
      },
    ),
    { numRuns: 200 },
  );
  t.pass();
});

test('a disk that takes nothing stops nothing, and is told; closing writes what was really spent', async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 3, 10));
  const files = new MemoryFiles();
  const budget = await MonthlyBudget.open(path, { files, clock, mostBytes });
  files.plan = () => ({ code: 'EIO' });
  budget.spend('telemetry', 10);
  await settle();
  t.is(budget.fault?.code, 'store-failed');
  files.plan = () => undefined;
  budget.spend('telemetry', 10);
  await settle();
  t.is(budget.fault, undefined);
  await budget.close();
  t.is((await MonthlyBudget.open(path, { files, clock, mostBytes })).figures.spent, 20);
});
