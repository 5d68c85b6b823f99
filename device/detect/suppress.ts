import type { Fraction } from '../kernel/units.ts';
import { intersectionOverUnion, type UnitBox } from './unit-box.ts';

interface Scored {
  readonly classIndex: number;
  readonly score: number;
  readonly box: UnitBox;
}

/**
 * Non-maximum suppression, greedy and per class: the best box stays, and boxes of its class that overlap it by more than `overlap` go.
 *
 * The result is ordered by falling score; equal scores keep their order. It is a subset of the input, no two of one class overlap by more
 * than `overlap`, and each box that went overlaps a better one of its class that stayed. Boxes of different classes do not touch each
 * other.
 */
export function suppress<T extends Scored>(candidates: readonly T[], overlap: Fraction): T[] {
  const sorted = candidates.toSorted((a, b) => b.score - a.score);
  const kept: T[] = [];
  for (const candidate of sorted) {
    const covered = kept.some(
      (better) =>
        better.classIndex === candidate.classIndex && intersectionOverUnion(better.box, candidate.box) > overlap,
    );
    if (!covered) kept.push(candidate);
  }
  return kept;
}
