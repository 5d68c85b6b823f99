import test from 'ava';
import fc from 'fast-check';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { lastingOf, nameOf, type PlannedFault, type Station } from './faults.ts';
import { planFaults } from './plan-faults.ts';

const units: readonly Station[] = ['unit-1', 'unit-2', 'unit-3'];

const planOf = (seed: number, seconds: number, everyMs: number, longestMs: number) =>
  planFaults({ random: seededRandom(seed), units, seconds, everyMs, longestMs });

/** What a fault breaks for as long as it lasts. */
function brokenBy({ fault }: PlannedFault): string | undefined {
  if (fault.kind === 'kill-broker') return 'broker';
  if ('party' in fault) return fault.party;
  return 'line' in fault && lastingOf(fault) > 0 ? `line of ${fault.line}` : undefined;
}

test('the same seed gives the same plan; another one another', (t) => {
  t.deepEqual(planOf(1, 60, 1000, 5000), planOf(1, 60, 1000, 5000));
  t.notDeepEqual(planOf(1, 60, 1000, 5000), planOf(2, 60, 1000, 5000));
});

test('all faults are over by the end, in their order, and nothing broken is broken again before it is healed', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 2000, max: 20_000 }), (seed, longestMs) => {
      const plan = planOf(seed, 60, 500, longestMs);
      const until = new Map<string, number>();
      return plan.every((planned, i) => {
        const { at, fault } = planned;
        const part = brokenBy(planned);
        const free = part === undefined || (until.get(part) ?? 0) <= at;
        if (part !== undefined) until.set(part, at + lastingOf(fault));
        return free && at >= (plan[i - 1]?.at ?? 0) && at + lastingOf(fault) <= 60_000;
      });
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('half a minute has every kind of fault but some of the bursts', (t) => {
  const kinds = new Set(planOf(3, 30, 800, 3000).map(({ fault }) => nameOf(fault)));
  for (const kind of [
    'broker killed',
    'broker killed, all forgotten',
    'bridge killed',
    'unit killed',
    'broker frozen',
    'link cut',
    'link cut in a message',
    'link down',
    'link delayed',
    'packets lost',
    'link slowed',
    'burst of telemetry',
  ]) {
    t.true(kinds.has(kind), kind);
  }
});
