import { type Fraction, fraction } from '../../kernel/units.ts';
import { overlap } from '../../scene/geometry.ts';
import type { Quad, RejectReason } from '../plate-reader.ts';
import type { Candidate } from './candidate.ts';
import type { Reading } from './reading.ts';

/** A candidate with what it says. */
export interface Judged {
  readonly candidate: Candidate;
  readonly reading: Reading | undefined;
  /** That it is a plate and this its text, the other candidates left aside. */
  readonly confidence: Fraction;
  /** Set where it is out before the choice. */
  readonly reason: RejectReason | undefined;
}

/** The plate among the candidates, if one is sure enough, and all the others with why they are not, surest first. */
export function choose(
  judged: readonly Judged[],
  leastConfidence: Fraction,
): { readonly chosen: (Judged & { readonly reading: Reading }) | undefined; readonly rejected: readonly Judged[] } {
  const weighed = amongEachOther(judged).sort((a, b) => b.confidence - a.confidence);
  const [first] = weighed.flatMap((one) => {
    const { reading, reason } = one;
    return reason === undefined && reading?.best !== undefined ? [{ ...one, reading }] : [];
  });
  const chosen = first !== undefined && first.confidence >= leastConfidence ? first : undefined;
  const rejected = weighed
    .filter(({ candidate }) => candidate !== chosen?.candidate)
    .map((one): Judged => {
      if (one.reason !== undefined) return one;
      if (one.reading?.best === undefined) return { ...one, reason: 'no-format-fits' };
      const alone = judged.find(({ candidate }) => candidate === one.candidate)?.confidence ?? 0;
      return { ...one, reason: chosen !== undefined && alone >= leastConfidence ? 'second-best' : 'unclear' };
    });
  return { chosen, rejected };
}

/**
 * A vehicle shows one plate at most: each confidence, reckoned for its text alone, becomes that of the text being the plate and no other
 * one: its odds over 1 and the sum of all odds.
 */
function amongEachOther(judged: readonly Judged[]): Judged[] {
  const odds = judged.map(({ confidence, reason }) =>
    reason === undefined ? confidence / (1 - Math.min(confidence, 0.9999)) : 0,
  );
  const all = 1 + odds.reduce((sum, one) => sum + one, 0);
  return judged.map((one, i) => ({ ...one, confidence: fraction((odds[i] ?? 0) / all) }));
}

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
