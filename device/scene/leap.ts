import type { Point } from './geometry.ts';

/** A position on the road at a time in seconds, with its own error in metres (1 sigma). */
export interface Step {
  readonly t: number;
  readonly road: Point;
  readonly error: number;
}

/**
 * What is compared on either side of a leap: three positions at least, and all within `seconds`. The velocity is taken over more of them.
 */
const side = { least: 3, seconds: 0.25, velocity: 0.6 } as const;
/**
 * A leap is longer than so many metres, errors of a position, and shares of the way between the middles of the two sides. A leap of d metres in
 * the middle of T seconds moves a fitted velocity by 1.5 d / T: one of 0.75 m a second by 1.1 m/s, little more than the boxes of a long vehicle do.
 */
const leap = { metres: 1, metresASecond: 0.75, errors: 3.5, wayShare: 0.5 } as const;

/**
 * Indices at which the positions leap and stay there: the box has gone over to another part of the vehicle, or to another one. Where
 * each side of an index goes on by its own median, the two differ by more than the motion explains. A single box that is out, or a short
 * row of them, moves no median. Rising, at least `side.least` apart; empty where nothing leaps.
 */
export function leapsOf(steps: readonly Step[]): readonly number[] {
  const found: { readonly at: number; readonly excess: number }[] = [];
  const whole = (steps.at(-1)?.t ?? 0) - (steps[0]?.t ?? 0);
  const least = Math.max(leap.metres, leap.metresASecond * whole);
  for (let at = side.least; at + side.least <= steps.length; at++) {
    const excess = excessAt(steps, at, least);
    if (excess > 0) found.push({ at, excess });
  }
  // A leap shows at its neighbours too: the greatest of each row is the place.
  const leaps: { readonly at: number; readonly excess: number }[] = [];
  for (const one of found.toSorted((a, b) => b.excess - a.excess)) {
    const near = leaps.some((other) => Math.abs(other.at - one.at) < 2 * side.least);
    if (!near) leaps.push(one);
  }
  return leaps.map(({ at }) => at).sort((a, b) => a - b);
}

/** By how many metres the place before and the place after the index differ beyond what is allowed; 0 or less where they fit. */
function excessAt(steps: readonly Step[], at: number, least: number): number {
  const before = sideOf(steps, at - 1, -1, side.seconds);
  const after = sideOf(steps, at, 1, side.seconds);
  const [v, w] = [
    velocityOf(sideOf(steps, at - 1, -1, side.velocity)),
    velocityOf(sideOf(steps, at, 1, side.velocity)),
  ];
  const from = middleOf(before);
  const to = middleOf(after);
  // A vehicle that brakes or starts here goes on by one of the two velocities, or by the mean of them.
  const excesses = [v, w, { x: (v.x + w.x) / 2, y: (v.y + w.y) / 2 }].map((velocity) => {
    const way = { x: velocity.x * (to.t - from.t), y: velocity.y * (to.t - from.t) };
    const away = Math.hypot(to.road.x - from.road.x - way.x, to.road.y - from.road.y - way.y);
    return (
      away - Math.max(least, leap.errors * Math.max(from.error, to.error), leap.wayShare * Math.hypot(way.x, way.y))
    );
  });
  return Math.min(...excesses);
}

function sideOf(steps: readonly Step[], first: number, way: 1 | -1, seconds: number): readonly Step[] {
  const taken: Step[] = [];
  const begin = steps[first]?.t ?? 0;
  for (let index = first; index >= 0 && index < steps.length; index += way) {
    const step = steps[index];
    if (step === undefined) break;
    if (taken.length >= side.least && Math.abs(step.t - begin) > seconds) break;
    taken.push(step);
  }
  return taken;
}

/** Median slope between positions of one side that are at least half of it apart (after Theil and Sen): no leap goes into it. */
function velocityOf(steps: readonly Step[]): Point {
  const slopes = steps.flatMap((a, i) =>
    steps
      .slice(i + Math.ceil(steps.length / 2))
      .map((b) => ({ x: (b.road.x - a.road.x) / (b.t - a.t), y: (b.road.y - a.road.y) / (b.t - a.t) })),
  );
  return { x: median(slopes.map(({ x }) => x)), y: median(slopes.map(({ y }) => y)) };
}

const middleOf = (side: readonly Step[]): Step => ({
  t: median(side.map(({ t }) => t)),
  road: { x: median(side.map(({ road }) => road.x)), y: median(side.map(({ road }) => road.y)) },
  error: median(side.map(({ error }) => error)),
});

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
