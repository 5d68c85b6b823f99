import type { Fraction } from '../../kernel/units.ts';
import { overlap } from '../../scene/geometry.ts';
import { centreOf, heightOf, widthOf } from '../find/box-quad.ts';
import type { Quad, RejectReason, VehicleCrop } from '../plate-reader.ts';
import type { Candidate } from './candidate.ts';
import type { Reading } from './reading.ts';

/** A candidate with what it says. */
export interface Judged {
  readonly candidate: Candidate;
  readonly reading: Reading | undefined;
  readonly confidence: Fraction;
  /** Set where it is out before the choice. */
  readonly reason: RejectReason | undefined;
}

/** The plate among the candidates, if one is sure enough, and all the others with why they are not, surest first. */
export function choose(
  judged: readonly Judged[],
  crop: VehicleCrop,
  leastConfidence: Fraction,
): { readonly chosen: (Judged & { readonly reading: Reading }) | undefined; readonly rejected: readonly Judged[] } {
  const standing = judged.flatMap((one) => {
    const { reading, reason } = one;
    return reason === undefined && reading?.best !== undefined ? [{ ...one, reading, rank: rankOf(one, crop) }] : [];
  });
  standing.sort((a, b) => b.rank - a.rank);
  const sure = standing.filter(({ confidence }) => confidence >= leastConfidence);
  const first = sure[0];
  // Another text that is nearly as likely to be the plate: neither is stated.
  const rival = sure.find((one) => one.reading.best?.text !== first?.reading.best?.text);
  const chosen = first !== undefined && (rival === undefined || first.rank - rival.rank >= clear) ? first : undefined;
  const rejected = judged
    .filter(({ candidate }) => candidate !== chosen?.candidate)
    .map((one): Judged => {
      if (one.reason !== undefined) return one;
      if (one.reading?.best === undefined) return { ...one, reason: 'no-format-fits' };
      return { ...one, reason: chosen !== undefined && one.confidence >= leastConfidence ? 'second-best' : 'unclear' };
    })
    .sort((a, b) => b.confidence - a.confidence);
  return { chosen, rejected };
}

/** By how much the log odds of the plate are above those of any other text that could be stated. */
const clear = 1;

/** True where two quads cover mostly the same pixels. */
export function samePlace(a: Quad, b: Quad): boolean {
  return overlap(boxAround(a), boxAround(b)) > 0.4;
}

function boxAround(quad: Quad): {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
} {
  const xs = quad.map(({ x }) => x);
  const ys = quad.map(({ y }) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Log odds of being this vehicle's plate: how sure the text is, how large it is, and how low it stands on the vehicle. */
function rankOf({ candidate, confidence }: Judged, { vehicle, origin }: VehicleCrop): number {
  const centre = centreOf(candidate.quad);
  const down = (centre.y + origin.y - vehicle.y) / Math.max(1, vehicle.height);
  const size = Math.log(Math.max(1, widthOf(candidate.quad) * heightOf(candidate.quad)));
  return Math.log(confidence / (1 - Math.min(confidence, 0.9999))) + 0.5 * size + (down < 0.25 ? -2 : 0);
}
