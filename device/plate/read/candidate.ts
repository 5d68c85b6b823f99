import { boundingQuad, directionOf, uprightOf } from '../find/box-quad.ts';
import { stackedLines } from '../find/stacked-lines.ts';
import type { TextRegion } from '../find/text-regions.ts';
import { characterHeightOf, misplaced } from '../find/where-it-lies.ts';
import type { PlateFormat } from '../formats/plate-format.ts';
import type { Quad, RejectReason, VehicleCrop } from '../plate-reader.ts';
import { framedOf } from './framed.ts';
import type { Lines } from './views.ts';

/** One text that may be the plate: a line, or two lines. */
export interface Candidate {
  readonly lines: Lines;
  /** Around all of its lines, pixels of the crop. */
  readonly quad: Quad;
  readonly characterHeight: number;
  /** The finder's probability, of the weaker line. */
  readonly score: number;
  /** How far its ground ends at an edge all around, 0 to 1. */
  readonly framed: number;
  /** Why it is not the plate, by place and shape. */
  readonly ruledOut: RejectReason | undefined;
}

/** What the regions of a crop can be under the formats; two lines are put together only where a format has two. */
export function candidatesOf(
  regions: readonly TextRegion[],
  crop: VehicleCrop,
  formats: readonly PlateFormat[],
  leastCharacterHeight: number,
): readonly Candidate[] {
  const one = regions.map((region): Candidate => {
    const { quad, score } = region;
    return {
      lines: [region],
      quad,
      score,
      characterHeight: characterHeightOf(quad),
      ...framedUnless(misplaced(quad, crop, formats, 1, leastCharacterHeight), crop, quad),
    };
  });
  if (!formats.some(({ lines }) => lines === 2)) return one;
  const two = stackedLines(regions).map(([upper, lower]): Candidate => {
    const quad = boundingQuad([...upper.quad, ...lower.quad], directionOf(upper.quad), uprightOf(upper.quad));
    return {
      lines: [upper, lower],
      quad,
      score: Math.min(upper.score, lower.score),
      characterHeight: Math.min(characterHeightOf(upper.quad), characterHeightOf(lower.quad)),
      ...framedUnless(misplaced(quad, crop, formats, 2, leastCharacterHeight), crop, quad),
    };
  });
  // A pair that cannot be a plate says nothing that its lines do not say.
  return [...one, ...two.filter(({ ruledOut }) => ruledOut === undefined)];
}

/** What is ruled out is not looked at any more. */
function framedUnless(
  ruledOut: RejectReason | undefined,
  { pixels }: VehicleCrop,
  quad: Quad,
): Pick<Candidate, 'framed' | 'ruledOut'> {
  return { ruledOut, framed: ruledOut === undefined ? framedOf(pixels, quad) : 0 };
}
