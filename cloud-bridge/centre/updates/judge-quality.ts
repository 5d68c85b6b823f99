import type { Measure, QualityBars } from '../../contract/quality.ts';
import { measures } from '../../contract/quality.ts';
import type { QualityVerdict } from '../../contract/rollout.ts';
import { atMost } from './binomial.ts';

/** What a unit counted over a stretch of time, between two of its telemetry messages. A measure that it does not count is absent. */
export interface Slice {
  readonly seconds: number;
  readonly counts: Readonly<Partial<Record<Measure, number>>>;
}

/** A unit's work before the update and after it. */
export interface WatchedWork {
  readonly unit: string;
  readonly before: readonly Slice[];
  readonly after: readonly Slice[];
}

/** A drop is called one where it comes by chance this seldom, of all measures together. */
const significance = 0.01;
/** With as many to be expected, half of what the bar asks for is told from chance nearly always. */
const leastExpected = 50;
/** A share of the time that a unit's figures have to cover. */
const leastCovered = 0.5;

/** Slices beyond one a stretch that it takes to tell how much the counts vary by themselves. */
const leastFreedom = 10;

/**
 * Minutes below which so many units with figures every `interval` seconds tell too few slices for any verdict: each of their two stretches
 * holds a slice fewer than it has messages, and one of those goes into its rate.
 */
export const leastMinutes = (units: number, interval: number): number =>
  (interval / 60) * (2 + leastFreedom / (2 * units));

type MeasureVerdict = QualityVerdict['measures'][number];

/**
 * Whether units work as well as before.
 *
 * Counts before (x1) and after (x2) are taken as Poisson numbers. Where the true ratio of rates is the bar r, and rho is what the second
 * time is worth of the first (expected after at equal rates, by count before), x2 given n = x1 + x2 is binomial with n and
 * p = r*rho / (1 + r*rho) (Przyborowski and Wilenski, Homogeneity of results in testing samples from Poisson series, Biometrika 31, 1940,
 * 313-323). A measure has dropped where the probability of x2 or fewer is below 0.01, shared out evenly over the measures (Bonferroni).
 * Vehicles come in platoons, so counts vary more than Poisson's: both are first divided by the dispersion, Pearson's chi-squared of the
 * slices by its degrees of freedom where that is above 1 (McCullagh and Nelder, Generalized Linear Models, 1989, 4.5 and 6.2).
 */
export function judgeQuality(work: readonly WatchedWork[], bars: QualityBars): Omit<QualityVerdict, 'at'> {
  const asked = measures.filter((measure) => bars[measure] !== undefined);
  const judged = asked.map((measure) => measureOf(work, measure, bars, significance / asked.length));
  const verdict = judged.some((one) => one.verdict === 'dropped')
    ? 'dropped'
    : judged.some((one) => one.verdict === 'held')
      ? 'held'
      : 'not-judged';
  return { verdict, units: work.filter((one) => covered(one, bars)).length, measures: judged };
}

function measureOf(work: readonly WatchedWork[], measure: Measure, bars: QualityBars, least: number): MeasureVerdict {
  const bar = bars[measure] ?? 1;
  const lost = work.filter((one) => lostOf(one, measure, bars)).length;
  const counting = work
    .filter((one) => covered(one, bars) && !lostOf(one, measure, bars))
    .map(({ before, after }) => ({ before: having(before, measure), after: having(after, measure) }))
    .filter(({ before, after }) => before.seconds > 0 && after.seconds > 0);
  const before = sum(counting.map((one) => one.before.count));
  const after = sum(counting.map((one) => one.after.count));
  const expected = sum(counting.map((one) => (one.before.count * one.after.seconds) / one.before.seconds));
  const base = { measure, before, after, bar };
  if (lost > mostLost * (lost + counting.length) && lost + counting.length > 0) {
    const words = `${measure}: ${lost} of ${lost + counting.length} units that told it before tell it no more`;
    return { ...base, verdict: 'dropped', words };
  }
  if (counting.length === 0)
    return { ...base, verdict: 'not-judged', words: `${measure}: no unit has figures of both times` };
  const dispersion = dispersionOf(counting.flatMap((one) => [one.before, one.after]));
  const ratio = expected > 0 ? rounded(after / expected) : undefined;
  const figures = `${rounded(after)} against ${rounded(expected)} expected`;
  if (
    dispersion === undefined ||
    before / dispersion < leastExpected ||
    (bar * expected) / dispersion < leastExpected
  ) {
    const words = `${measure}: too few to tell, ${figures}`;
    return { ...base, ...(ratio === undefined ? {} : { ratio }), verdict: 'not-judged', words };
  }
  const [x1, x2] = [Math.floor(before / dispersion), Math.ceil(after / dispersion)];
  const odds = (bar * expected) / before;
  const chance = atMost(x2, x1 + x2, odds / (1 + odds));
  const dropped = after < bar * expected && chance < least;
  const words = `${measure}: ${figures}, a ratio of ${ratio}; at least ${bar} is asked for`;
  return { ...base, ...(ratio === undefined ? {} : { ratio }), chance, verdict: dropped ? 'dropped' : 'held', words };
}

interface Counted {
  readonly seconds: number;
  readonly count: number;
  readonly slices: readonly { readonly seconds: number; readonly count: number }[];
}

function having(slices: readonly Slice[], measure: Measure): Counted {
  const counted = slices.flatMap(({ seconds, counts }) => {
    const count = counts[measure];
    return count === undefined || seconds <= 0 ? [] : [{ seconds, count }];
  });
  return {
    seconds: sum(counted.map((one) => one.seconds)),
    count: sum(counted.map((one) => one.count)),
    slices: counted,
  };
}

/** Of all stretches, each against its own rate; undefined where there are too few slices to tell. */
function dispersionOf(stretches: readonly Counted[]): number | undefined {
  let chiSquared = 0;
  let freedom = 0;
  for (const { seconds, count, slices } of stretches) {
    if (count === 0) continue;
    const rate = count / seconds;
    for (const slice of slices) chiSquared += (slice.count - rate * slice.seconds) ** 2 / (rate * slice.seconds);
    freedom += slices.length - 1;
  }
  return freedom < leastFreedom ? undefined : Math.max(1, chiSquared / freedom);
}

/** Of units that told a measure before, so many may tell it no more and be left out. */
const mostLost = 0.1;

function lostOf({ before, after }: WatchedWork, measure: Measure, { minutes }: QualityBars): boolean {
  const least = leastCovered * minutes * 60;
  return having(before, measure).seconds >= least && having(after, measure).seconds < least;
}

function covered({ before, after }: WatchedWork, { minutes }: QualityBars): boolean {
  const enough = (slices: readonly Slice[]) => sum(slices.map(({ seconds }) => seconds)) >= leastCovered * minutes * 60;
  return enough(before) && enough(after);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const rounded = (value: number): number => Number(value.toPrecision(4));
