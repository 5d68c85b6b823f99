import type { Box } from '../../detect/detection.ts';
import { overlap, type Point } from '../../scene/geometry.ts';
import type { PlateFormat } from '../formats/plate-format.ts';
import type { Quad, RejectReason, VehicleCrop } from '../plate-reader.ts';
import { centreOf, directionOf, heightOf, widthOf } from './box-quad.ts';

/** Share of a region's height that its characters take, measured on drawn plates: the rest is what the finder leaves around them. */
const CHARACTER_SHARE = 0.64;

/** How far the proportions of a region may be off those of a format's line of text, and how steep a line may stand. */
const shape = { narrower: 0.55, wider: 1.7, steepest: 0.64 } as const;
/** Boxes that overlap more than this show one vehicle twice. */
const SAME_VEHICLE = 0.6;

export const characterHeightOf = (quad: Quad): number => heightOf(quad) * CHARACTER_SHARE;

/** Width over height of one line of what is written. */
const proportionOf = (quad: Quad, lines: 1 | 2): number => (widthOf(quad) * lines) / Math.max(heightOf(quad), 1e-9);

/** Why a region cannot be this vehicle's plate, by its place and shape alone; `undefined` where it may be. `quad`: pixels of the crop. */
export function misplaced(
  quad: Quad,
  crop: VehicleCrop,
  formats: readonly PlateFormat[],
  lines: 1 | 2,
  leastCharacterHeight: number,
): RejectReason | undefined {
  if (!hasPlateShape(quad, formats, lines)) return 'not-plate-shaped';
  if (isOthers(centreOf(quad), crop)) return 'another-vehicle';
  if (characterHeightOf(quad) / lines < leastCharacterHeight) return 'too-small';
  return isCut(quad, crop) ? 'cut-off' : undefined;
}

function hasPlateShape(quad: Quad, formats: readonly PlateFormat[], lines: 1 | 2): boolean {
  const { x, y } = directionOf(quad);
  if (x <= 0 || Math.abs(y) > shape.steepest) return false;
  const ratio = proportionOf(quad, lines);
  return formats.some(
    ({ proportions: { text }, lines: own }) =>
      own === lines && ratio >= text.least * shape.narrower && ratio <= text.most * shape.wider,
  );
}

/** True where the text touches the crop's edge: characters may be missing. */
function isCut(quad: Quad, { pixels: { width, height } }: VehicleCrop): boolean {
  // A kernel that ends at the edge is moved out beyond it.
  return quad.some(({ x, y }) => x < 0 || y < -heightOf(quad) / 4 || x > width || y > height + heightOf(quad) / 4);
}

/** Share of a vehicle's height from its top above which no plate stands. */
const onRoof = 0.2;

/** True where a point of the crop lies on another vehicle: beside this one, in front of it, or behind its roof. */
function isOthers(point: Point, { origin, vehicle, others }: VehicleCrop): boolean {
  const at = { x: point.x + origin.x, y: point.y + origin.y };
  const own = inside(vehicle, at);
  return others.some((other) => {
    if (!inside(other, at) || overlap(other, vehicle) > SAME_VEHICLE) return false;
    if (!own) return true;
    // A box around this vehicle and more is a second opinion on it, not another vehicle.
    if (other.width * other.height > vehicle.width * vehicle.height && isWithin(vehicle, other)) return false;
    // What stands nearer reaches lower in the picture.
    if (other.y + other.height > vehicle.y + vehicle.height) return true;
    // What shows above the roof stands behind.
    return at.y < vehicle.y + onRoof * vehicle.height;
  });
}

const inside = (box: Box, { x, y }: Point): boolean =>
  x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;

/** True where most of `a` lies in `b`. */
function isWithin(a: Box, b: Box): boolean {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 && width * height > 0.85 * a.width * a.height;
}
