import type { Point } from '../../device/scene/geometry.ts';
import { apply, fitHomography, type HomographyFit, type PairError } from '../../device/scene/homography.ts';
import type { NamedPair } from './road-points.ts';

/** Which mark a fit disagrees with, in words; `undefined` where no single one explains it. */
export interface Culprit {
  readonly names: readonly string[];
  readonly says: string;
}

/** Above this number of marks exchanges are not tried: they grow with its square, and so many marks were not typed by hand. */
const mostForExchange = 40;

/**
 * What is wrong with marks whose residuals are too large: a mark without which all others agree, or two whose road points are exchanged.
 * The marks are in the straight picture. Of five marks each can be left out and four always agree, so nothing is said of fewer than six.
 */
export function findCulprit(pairs: readonly NamedPair[], error: PairError, allowedPx: number): Culprit | undefined {
  if (pairs.length < 6) return undefined;
  return exchanged(pairs, error, allowedPx) ?? misplaced(pairs, error, allowedPx);
}

function misplaced(pairs: readonly NamedPair[], error: PairError, allowedPx: number): Culprit | undefined {
  const suspects = pairs.flatMap((pair, i) => {
    const fit = fitHomography(pairs.toSpliced(i, 1), error);
    if (fit === undefined || !agrees(fit, allowedPx)) return [];
    const at = apply(fit.toImage, pair.road);
    const there = apply(fit.toRoad, pair.image);
    return [{ pair, misfit: fit.misfit ?? 0, at, there, px: Math.hypot(at.x - pair.image.x, at.y - pair.image.y) }];
  });
  const [best, next] = suspects.toSorted((a, b) => a.misfit - b.misfit);
  if (best === undefined) return undefined;
  // Two that explain it about as well cannot be told apart.
  const rivals = next !== undefined && next.misfit < 2 * best.misfit + 1 ? [best, next] : [best];
  const names = rivals.map(({ pair }) => pair.name);
  const moved = `it should be ${best.px.toFixed(0)} px away, near (${best.at.x.toFixed(0)}, ${best.at.y.toFixed(0)})`;
  return {
    names,
    says:
      rivals.length === 1
        ? `point ${best.pair.name} disagrees with all others, which agree without it: ${moved}; or its metres are wrong: in that place the road is at ${metres(best.there)}, and ${metres(best.pair.road)} is said`
        : `either point ${names.join(' or point ')} is wrong: without either the others agree. Check both, or add a point near them`,
  };
}

const metres = ({ x, y }: Point): string => `(${x.toFixed(2)}, ${y.toFixed(2)}) m`;

function exchanged(pairs: readonly NamedPair[], error: PairError, allowedPx: number): Culprit | undefined {
  if (pairs.length > mostForExchange) return undefined;
  let best: { readonly fit: HomographyFit; readonly a: NamedPair; readonly b: NamedPair } | undefined;
  for (const [i, a] of pairs.entries()) {
    for (const [j, b] of pairs.entries()) {
      if (j <= i) continue;
      const swapped = pairs.map((pair, k) => ({ ...pair, road: k === i ? b.road : k === j ? a.road : pair.road }));
      const fit = fitHomography(swapped, error);
      if (fit === undefined || !agrees(fit, allowedPx)) continue;
      if (best === undefined || (fit.misfit ?? 0) < (best.fit.misfit ?? 0)) best = { fit, a, b };
    }
  }
  if (best === undefined) return undefined;
  const names = [best.a.name, best.b.name];
  return {
    names,
    says: `points ${names.join(' and ')} are exchanged: with their metres the other way round all points agree`,
  };
}

/** Mean squared residual over what the errors explain, up to which marks agree. */
const agreeingMisfit = 4;

const agrees = (fit: HomographyFit, allowedPx: number): boolean =>
  isOneRoad(fit) && (fit.misfit ?? 0) <= agreeingMisfit && fit.residuals.every(({ px }) => px <= allowedPx);

/** All marks on one side of the horizon. */
function isOneRoad({ toRoad, pairs }: HomographyFit): boolean {
  const sides = pairs.map(({ image }) => Math.sign(apply(toRoad, image).w));
  return sides.every((side) => side === sides[0]);
}

/** The marks that would lie behind the horizon of a fit, by name: the fewer side. */
export function behindHorizon({ toRoad }: HomographyFit, pairs: readonly NamedPair[]): readonly string[] {
  const sides = pairs.map(({ image }) => Math.sign(apply(toRoad, image).w));
  const front = sides.filter((side) => side > 0).length >= sides.length / 2 ? 1 : -1;
  return pairs.filter((_, i) => sides[i] !== front).map(({ name }) => name);
}
