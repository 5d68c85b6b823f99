import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { type DegradedModes, measureSentence, nothingGivenUp, planDegradation } from './degrade.ts';
import { DegradeKeeper, type Switches } from './degrade-keeper.ts';
import { causes, causeTimes, type Measure, measureNames, usualSteps } from './degrade-measures.ts';
import { degradeTables } from './degrade-table.ts';
import type { HealthFacts } from './health-facts.ts';

const every = 2000;
const heat = (temperatureC: number): HealthFacts => ({ temperatureC });
const share = (used: number) => ({ freeBytes: (1 - used) * 1e9, totalBytes: 1e9 });

/** The measures in force after each of these facts, two seconds apart. */
function play(facts: readonly HealthFacts[]): readonly (readonly Measure[])[] {
  let modes: DegradedModes = nothingGivenUp;
  return facts.map((one, i) => {
    modes = planDegradation(one, modes, milliseconds(i * every));
    return modes.measures.map(({ measure }) => measure);
  });
}
const lasting = (facts: HealthFacts, seconds: number): HealthFacts[] =>
  Array.from({ length: Math.ceil((seconds * 1000) / every) + 1 }, () => facts);

/** A walk of the temperature about the bounds. */
const walk = fc.array(fc.double({ min: 60, max: 95, noNaN: true }), { minLength: 1, maxLength: 200 });

test('heat costs looks at plates first, then plates, then clips and half of the detector; each is taken back later', (t) => {
  const up = play([...lasting(heat(76), 10), ...lasting(heat(81), 10), ...lasting(heat(85), 10)]);
  t.deepEqual(
    [...new Set(up.map(String))],
    [
      '',
      'plates-looked-at-less',
      'plates-looked-at-less,plates-not-read',
      'plates-looked-at-less,plates-not-read,clips-not-made,detector-rests',
    ],
  );
  const down = play([...lasting(heat(85), 10), ...lasting(heat(78), 130), ...lasting(heat(70), 130)]);
  t.deepEqual(down.at(-1), []);
  t.deepEqual([...new Set(down.map(String))].at(-1), 'plates-looked-at-less,plates-not-read');
});

test('hotter never gives fewer measures, whatever came before', (t) => {
  fc.assert(
    fc.property(walk, fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 200 }), (cool, more) => {
      const hotter = cool.map((degrees, i) => degrees + (more[i] ?? 0));
      const [less, all] = [play(cool.map(heat)), play(hotter.map(heat))];
      less.forEach((measures, i) => {
        for (const measure of measures) t.true(all[i]?.includes(measure), `${measure} at look ${i}`);
      });
    }),
  );
});

test('of each cause a later step never stands without the earlier ones', (t) => {
  fc.assert(
    fc.property(walk, (degrees) => {
      let modes: DegradedModes = nothingGivenUp;
      degrees.forEach((one, i) => {
        modes = planDegradation(heat(one), modes, milliseconds(i * every));
        const stand = usualSteps.flatMap(({ cause }, at) => (cause === 'heat' ? [modes.steps[at]?.inForce] : []));
        t.deepEqual(
          stand,
          stand.toSorted((a, b) => Number(b) - Number(a)),
        );
      });
    }),
  );
});

test('a figure that trembles about a bound changes nothing more than once', (t) => {
  for (const { cause, enter, leave } of usualSteps) {
    t.true(leave <= enter);
    t.true(causeTimes[cause].relief >= 10_000);
  }
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 71.01, max: 79.99, noNaN: true }), { minLength: 50, maxLength: 300 }),
      (all) => {
        const changes = play(all.map(heat)).filter((now, i, before) => String(now) !== String(before[i - 1] ?? []));
        t.true(changes.length <= 1, `${changes.length} changes`);
      },
    ),
  );
});

test('what is not known changes nothing', (t) => {
  const hot = [...lasting(heat(85), 12), ...lasting({}, 3600)];
  t.is(play(hot).at(-1)?.length, 4);
  t.deepEqual(play(lasting({}, 3600)).at(-1), []);
});

test('steps of a cause rise, and what comes with a later step is missed more than what came with the first', (t) => {
  for (const cause of causes) {
    const own = usualSteps.filter((step) => step.cause === cause);
    t.true(own.length > 0, cause);
    const enters = own.map(({ enter }) => enter);
    t.deepEqual(
      enters,
      enters.toSorted((a, b) => a - b),
    );
    const firsts = own.map(({ measures }) => Math.max(...measures.map((one) => measureNames.indexOf(one))));
    t.deepEqual(
      firsts,
      firsts.toSorted((a, b) => a - b),
      cause,
    );
  }
  t.deepEqual([...new Set(usualSteps.flatMap(({ measures }) => measures))].sort(), measureNames.toSorted());
});

test('a full disk, little memory, a lost clock and a lost camera have their measures, with reasons', (t) => {
  const facts: HealthFacts = {
    disk: share(0.96),
    memory: { usedBytes: 94, totalBytes: 100 },
    clock: { dated: true, synchronised: false },
    camera: { silent: milliseconds(12_000) },
    throttled: true,
  };
  let modes = nothingGivenUp;
  for (let now = 0; now <= 130_000; now += every) modes = planDegradation(facts, modes, milliseconds(now));
  t.deepEqual(
    modes.measures.map(({ measure }) => measure),
    measureNames.filter((name) => name !== 'plates-not-read' && name !== 'detector-rests'),
  );
  const clips = modes.measures.find(({ measure }) => measure === 'clips-not-made');
  t.deepEqual(clips?.causes, ['disk', 'memory']);
  t.is(
    clips && measureSentence(clips),
    'evidence has no clip: 96 % of the disk are in use; 94 % of the memory are in use',
  );
});

/** Switches that remember. */
function remembering(set: Set<Measure>): Switches {
  const one = (measure: Measure) => (inForce: boolean) => void (inForce ? set.add(measure) : set.delete(measure));
  return Object.fromEntries(
    measureNames.map((name) => [name, name === 'dates-doubted' || name === 'camera-awaited' ? 'stated' : one(name)]),
  ) as unknown as Switches;
}

test('the keeper switches what the plan says, tells it once, and takes it back', (t) => {
  const [clock, set, told] = [new ManualClock(), new Set<Measure>(), [] as string[]];
  const keeper = new DegradeKeeper({ switches: remembering(set), clock, tell: (sentence) => told.push(sentence) });
  const pass = async (facts: HealthFacts, seconds: number) => {
    for (let second = 0; second <= seconds; second += 2) {
      keeper.look(facts);
      await clock.advance(every);
    }
  };
  return pass(heat(82), 14)
    .then(() => {
      t.deepEqual([...set], ['plates-looked-at-less', 'plates-not-read']);
      t.is(told.length, 2);
      t.is(told[0], 'given up: plates are looked at about a quarter as often: the processor has 82 degrees');
      return pass(heat(60), 130);
    })
    .then(() => {
      t.deepEqual([...set], []);
      t.deepEqual(keeper.measures, []);
      t.deepEqual(told.slice(2), [
        'taken back: plates are looked at about a quarter as often',
        'taken back: no plate is looked at',
      ]);
      return pass(heat(90), 14);
    })
    .then(() => {
      keeper.close();
      t.deepEqual([...set], [], 'what outlives the run is as it was');
    });
});

test('the README has the tables that the planner runs', (t) => {
  const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  t.true(page.includes(degradeTables()), `put this into device/health/README.md:\n${degradeTables()}`);
});
