import test from 'ava';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { qualityBars } from '../../contract/quality.ts';
import { atMost } from './binomial.ts';
import { judgeQuality, leastMinutes, type Slice, type WatchedWork } from './judge-quality.ts';

test('the tail of a binomial is the sum of its terms', (t) => {
  for (const [n, p] of [
    [1, 0.5],
    [12, 0.3],
    [75, 0.5],
    [400, 0.7],
  ] as const) {
    let term = (1 - p) ** n;
    let all = 0;
    for (let k = 0; k <= n; k += 1) {
      all += term;
      term *= ((n - k) / (k + 1)) * (p / (1 - p));
      t.true(Math.abs(atMost(k, n, p) - Math.min(1, all)) < 1e-10, `${k} of ${n} at ${p}`);
    }
  }
  t.is(atMost(-1, 10, 0.5), 0);
  // The normal distribution has the same far out: half of two million, less three deviations.
  t.true(Math.abs(atMost(1_000_000 - 2122, 2_000_000, 0.5) - 0.00135) < 5e-5);
});

const even = (count: number, slices = 30): Slice[] =>
  Array.from({ length: slices }, (_, i) => ({ seconds: 120, counts: { sealed: count + (i % 2 === 0 ? 1 : -1) } }));
const work = (before: Slice[], after: Slice[], unit = 'a'): WatchedWork => ({ unit, before, after });
const bars = (more: object) => qualityBars.parse({ minutes: 60, ...more });

test('what is warned of as too short comes to no verdict, and what is long enough does', (t) => {
  for (const units of [1, 2, 5]) {
    const least = Math.ceil(leastMinutes(units, 60));
    // A message a minute: within so many minutes there is a slice less.
    const slices = (minutes: number) =>
      Array.from({ length: minutes - 1 }, () => ({ seconds: 60, counts: { sealed: 100 } }));
    const verdict = (minutes: number) =>
      judgeQuality(
        Array.from({ length: units }, (_, i) => work(slices(minutes), slices(minutes), `${i}`)),
        bars({ minutes, sealed: 0.8 }),
      ).verdict;
    t.deepEqual([verdict(least - 1), verdict(least)], ['not-judged', 'held'], `${units} units`);
  }
});

test('half is a drop, as before is none, and what is above the bar is borne', (t) => {
  const half = judgeQuality([work(even(10), even(5))], bars({ sealed: 0.8 }));
  t.is(half.verdict, 'dropped');
  t.like(half.measures[0], { before: 300, after: 150, ratio: 0.5, bar: 0.8 });
  t.true((half.measures[0]?.chance ?? 1) < 0.01);
  t.is(judgeQuality([work(even(10), even(10))], bars({ sealed: 0.8 })).verdict, 'held');
  t.is(judgeQuality([work(even(10), even(9))], bars({ sealed: 0.8 })).verdict, 'held');
  t.is(judgeQuality([work(even(10), even(30))], bars({ sealed: 0.8 })).verdict, 'held', 'more is none');
});

test('a time of another length counts for what it is', (t) => {
  const shorter = judgeQuality([work(even(10), even(10, 16))], bars({ sealed: 0.9 }));
  t.is(shorter.verdict, 'held');
  t.is(shorter.measures[0]?.ratio, 1);
});

test('units are judged together: what one alone does not tell, ten do', (t) => {
  const drop = (i: number) => work(even(3, 30), even(2, 30), `unit-${i}`);
  const bar = bars({ sealed: 0.9 });
  t.is(judgeQuality([drop(1)], bar).verdict, 'held');
  t.is(
    judgeQuality(
      Array.from({ length: 10 }, (_, i) => drop(i)),
      bar,
    ).verdict,
    'dropped',
  );
});

test('too little is not judged, and said: few events, few messages, no figures, another measure', (t) => {
  const words = (one: ReturnType<typeof judgeQuality>) => one.measures.map((measure) => measure.words).join();
  const few = judgeQuality([work(even(1, 30), even(0, 30))], bars({ sealed: 0.9 }));
  t.is(few.verdict, 'not-judged');
  t.regex(words(few), /sealed: too few to tell, 0 against 30 expected/);
  const long = (count: number): Slice[] => [{ seconds: 3600, counts: { sealed: count } }];
  t.is(
    judgeQuality([work(long(900), long(300))], bars({ sealed: 0.9 })).verdict,
    'not-judged',
    'how much it varies is not known',
  );
  const fresh = judgeQuality([work([], even(10))], bars({ sealed: 0.9 }));
  t.is(fresh.units, 0);
  t.regex(words(fresh), /no unit has figures of both times/);
  t.is(judgeQuality([work(even(10), even(10))], bars({ plateReads: 0.9 })).verdict, 'not-judged');
  t.is(judgeQuality([work(even(10), even(1))], bars({ plateReads: 0.9, sealed: 0.9 })).verdict, 'dropped');
});

test('a measure that more than a tenth of the units tell no more has dropped, whether they are silent or count it no longer', (t) => {
  const blind = even(10).map(({ seconds }) => ({ seconds, counts: { frames: 1800 } }));
  const judged = (units: number, lost: number, after: Slice[]) =>
    judgeQuality(
      Array.from({ length: units }, (_, i) => work(even(10), i < lost ? after : even(10), `${i}`)),
      bars({ sealed: 0.8 }),
    );
  for (const [what, after] of [
    ['silent', []],
    ['blind', blind],
    ['half of the time', even(10, 14)],
  ] as const) {
    t.is(judged(10, 1, [...after]).verdict, 'held', `one of ten: ${what}`);
    const many = judged(10, 2, [...after]);
    t.is(many.verdict, 'dropped', what);
    t.is(many.measures[0]?.words, 'sealed: 2 of 10 units that told it before tell it no more');
    t.is(judged(1, 1, [...after]).verdict, 'dropped', `one alone: ${what}`);
  }
  t.is(judgeQuality([work(blind, blind)], bars({ sealed: 0.8 })).verdict, 'not-judged', 'what never told it');
  // It tells frames all the time, and what it sealed for a part of it: such a unit counts once.
  const part = [...even(10, 14), ...blind];
  t.is(judged(29, 3, part).verdict, 'dropped');
  t.is(judged(10, 2, part).measures[0]?.words, 'sealed: 2 of 10 units that told it before tell it no more');
  t.is(judged(10, 1, part).measures[0]?.after, 9 * 300, 'one of ten is left out');
});

test('chance fails hardly any group: of Poisson traffic one in a hundred, of platoons none more', (t) => {
  const random = seededRandom(7);
  const poisson = (mean: number): number => {
    const least = Math.exp(-mean);
    let [k, product] = [0, random()];
    while (product > least) {
      k += 1;
      product *= random();
    }
    return k;
  };
  const traffic = (rate: number, platoon: number): Slice[] =>
    Array.from({ length: 60 }, () => ({ seconds: 60, counts: { sealed: platoon * poisson(rate / platoon) } }));
  for (const platoon of [1, 8]) {
    let dropped = 0;
    let missed = 0;
    for (let i = 0; i < 400; i += 1) {
      const units = (share: number) =>
        [1, 2].map((unit) => work(traffic(8, platoon), traffic(8 * share, platoon), `${unit}`));
      if (judgeQuality(units(1), bars({ sealed: 1 })).verdict === 'dropped') dropped += 1;
      if (judgeQuality(units(0.5), bars({ sealed: 1 })).verdict !== 'dropped') missed += 1;
    }
    t.log(`platoons of ${platoon}: ${dropped} of 400 failed by chance, ${missed} halvings not seen`);
    t.true(dropped <= 10, `${dropped} of 400 by chance, platoons of ${platoon}`);
    t.true(missed <= 20, `${missed} halvings of 400 not seen, platoons of ${platoon}`);
  }
});
