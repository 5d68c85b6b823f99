import type { PairError, PointPair } from '../../device/scene/homography.ts';
import type { Lens } from '../../device/scene/lens.ts';
import { type MarkingStandard, markingStandard, markingStandards } from './marking-standards.ts';
import { placeVehicle } from './place-vehicle.ts';
import type { MarkingsFile, PointsFile } from './points-schema.ts';

/** A mark with its name for a person. */
export interface NamedPair extends PointPair {
  readonly name: string;
}

/** What a source of metres gives: marks, how well they are known, and what to say of that. */
export interface RoadPoints {
  readonly pairs: readonly NamedPair[];
  readonly error: PairError;
  /** What the metres are from, for the certificate. */
  readonly source: string;
  /** What a person should know of it. */
  readonly remarks: readonly string[];
}

export type RoadPointsOutcome =
  | { readonly ok: true; readonly points: RoadPoints }
  | { readonly ok: false; readonly says: string };

/** Standard deviation of something that lies anywhere within its tolerance (JCGM 100:2008, 4.3.7). */
const ofTolerance = (tolerance: number): number => tolerance / Math.sqrt(3);
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** The marks of a file in metres, with their errors. `lens` is before the picture of the points; `undefined` for a straight one. */
export function roadPoints(
  file: PointsFile,
  picture: { readonly width: number; readonly height: number },
  lens: Lens | undefined,
): RoadPointsOutcome {
  const image = file.pixelError ?? 1;
  if (file.markings !== undefined) return fromMarkings(file.markings, image);
  if (file.vehicle !== undefined) return placeVehicle(file.vehicle, image, picture, lens);
  const scale = file.scaleError ?? 0.001;
  const pairs = (file.plan ?? []).map((point, i) => ({ ...point, name: point.name ?? `${i + 1}` }));
  return {
    ok: true,
    points: {
      pairs,
      error: { image, road: file.roadError ?? 0.02, scale },
      source: 'points surveyed or read from a plan',
      remarks: [`Lengths of the plan are taken as known to ${percent(scale)}.`],
    },
  };
}

function fromMarkings(markings: MarkingsFile, image: number): RoadPointsOutcome {
  const standard = markingStandard(markings.standard);
  if (standard === undefined) {
    const known = markingStandards.map(({ id }) => id).join(', ');
    return { ok: false, says: `there is no standard ${markings.standard} here; known are ${known}` };
  }
  const { period, laneWidth, laneWidthError = 0.05, starts = [] } = markings;
  const metres = period?.metres ?? standard.mark + standard.gap;
  const stretched = metres / (standard.mark + standard.gap);
  if (stretched < 0.75 || stretched > 1.33) {
    return {
      ok: false,
      says: `a period of ${metres} m was measured, and ${standard.id} has ${standard.mark + standard.gap} m: this is another marking, choose its standard`,
    };
  }
  const alongScale = period === undefined ? ofTolerance(standard.tolerance) : period.error / period.metres;
  const scale = Math.max(alongScale, laneWidthError / laneWidth / 2);
  // Beside what all dashes share, each begins and ends where the machine opened and closed.
  const road = Math.max(0.03, ofTolerance(standard.tolerance) * standard.mark);
  const pairs = markings.points.map((point, i) => ({
    name: point.name ?? `${i + 1}`,
    image: point.image,
    road: {
      x: point.line * laneWidth,
      y: (starts[point.line] ?? 0) + point.dash * metres + (point.end === 'far' ? standard.mark * stretched : 0),
    },
  }));
  return {
    ok: true,
    points: {
      pairs,
      error: { image, road, scale },
      source: `broken lines by ${cited(standard)}${period === undefined ? '' : `; period measured: ${period.metres} m`}`,
      remarks: [
        period === undefined
          ? `All lengths hang on the standard and are taken as known to ${percent(scale)}: ${standard.toleranceSource}. Measure one period with a tape, and every speed becomes more certain.`
          : `All lengths hang on the measured period and are known to ${percent(scale)}.`,
        ...(markings.starts === undefined ? ['Dashes of neighbouring lines are taken to lie side by side.'] : []),
      ],
    },
  };
}

export const cited = ({ document, clause, mark, gap }: MarkingStandard): string =>
  `${document}, ${clause} (${mark} m mark, ${gap} m gap)`;
