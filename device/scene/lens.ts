import type { Point } from './geometry.ts';

/**
 * How far a lens bends straight lines: the radial part of the Brown-Conrady model (D. C. Brown, Decentering Distortion of Lenses,
 * Photogrammetric Engineering 32 (3), 1966), r' = r (1 + k1 r^2 + k2 r^4), from the straight picture to the one that the camera delivers.
 * Radii are counted from `centre` in halves of the picture's diagonal, so that the corners stand at 1 and no focal length is needed. The
 * tangential part is taken as zero.
 */
export interface LensModel {
  readonly k1: number;
  readonly k2: number;
}

/** A lens before one size of picture. */
export interface Lens extends LensModel {
  /** Where the optical axis meets the picture, pixels. */
  readonly centre: Point;
  /** Half of the picture's diagonal, pixels. */
  readonly radius: number;
  /** Straight radius, in halves of the diagonal, up to which the model is used as it is: where it flattens out, at most 1.6. */
  readonly reach: number;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The lens before a picture of this size; its centre is the picture's unless one is given. */
export function lensBefore({ k1, k2 }: LensModel, picture: PictureSize, centre?: Point): Lens {
  const { width, height } = picture;
  const middle = { x: width / 2, y: height / 2 };
  return lensAt({ k1, k2 }, centre ?? middle, Math.hypot(width, height) / 2);
}

/** The same from its centre and radius. */
export function lensAt({ k1, k2 }: LensModel, centre: Point, radius: number): Lens {
  return { k1, k2, centre, radius, reach: reachOf({ k1, k2 }) };
}

/**
 * The figures of a lens as OpenCV and most data sheets give them, for radii in focal lengths, turned into ours. `focal` in pixels of the
 * picture that `picture` has the size of.
 */
export function perHalfDiagonal({ k1, k2 }: LensModel, focal: number, { width, height }: PictureSize): LensModel {
  const share = Math.hypot(width, height) / 2 / focal;
  return { k1: k1 * share ** 2, k2: k2 * share ** 4 };
}

/** Beyond this straight radius no picture is delivered; the model is prolonged by its tangent there, so that it never folds back. */
const outermost = 1.6;
/** Least slope of r' over r: below it the model folds the picture, or nearly. */
const leastSlope = 0.15;

const bent = ({ k1, k2 }: LensModel, r: number): number => r * (1 + r * r * (k1 + r * r * k2));
const slope = ({ k1, k2 }: LensModel, r: number): number => 1 + r * r * (3 * k1 + 5 * r * r * k2);

function reachOf(lens: LensModel): number {
  const steps = 320;
  for (let i = 1; i <= steps; i++) {
    const r = (outermost * i) / steps;
    if (slope(lens, r) < leastSlope) return (outermost * (i - 1)) / steps;
  }
  return outermost;
}

/** Why no camera has such a lens: it would show two places of the road at one point of the picture. `undefined` where all is well. */
export function lensFault(lens: LensModel): string | undefined {
  if (bent(lens, reachOf(lens)) >= 1) return undefined;
  return `k1 ${lens.k1} and k2 ${lens.k2} fold the picture before its corners: no lens does that`;
}

/** Where a point of the straight picture is in the delivered one; pixels. */
export function bend(lens: Lens, { x, y }: Point): Point {
  const [dx, dy] = [x - lens.centre.x, y - lens.centre.y];
  const r = Math.hypot(dx, dy) / lens.radius;
  if (r === 0) return { x, y };
  const end = lens.reach;
  const share = (r <= end ? bent(lens, r) : bent(lens, end) + slope(lens, end) * (r - end)) / r;
  return { x: lens.centre.x + dx * share, y: lens.centre.y + dy * share };
}

/** Where a point of the delivered picture is in the straight one; pixels. The inverse of `bend` to 1e-12 of the radius, by Newton's method. */
export function straighten(lens: Lens, { x, y }: Point): Point {
  const [dx, dy] = [x - lens.centre.x, y - lens.centre.y];
  const target = Math.hypot(dx, dy) / lens.radius;
  if (target === 0) return { x, y };
  const share = straightRadius(lens, target) / target;
  return { x: lens.centre.x + dx * share, y: lens.centre.y + dy * share };
}

function straightRadius(lens: Lens, target: number): number {
  const end = lens.reach;
  const edge = bent(lens, end);
  if (target >= edge) return end + (target - edge) / slope(lens, end);
  let [low, high] = [0, end];
  let r = Math.min(target, end);
  for (let round = 0; round < 60; round++) {
    const off = bent(lens, r) - target;
    if (Math.abs(off) < 1e-14) break;
    if (off > 0) high = r;
    else low = r;
    const next = r - off / slope(lens, r);
    // The model is monotone up to `end`, so halving always works where a step of Newton's leaves the bracket.
    r = next > low && next < high ? next : (low + high) / 2;
  }
  return r;
}

/** Partial derivatives of `straighten` at a point of the delivered picture: rows x and y of the result, columns x and y of the argument. */
export function straightenJacobian(
  lens: Lens,
  point: Point,
): readonly [readonly [number, number], readonly [number, number]] {
  const [dx, dy] = [point.x - lens.centre.x, point.y - lens.centre.y];
  const length = Math.hypot(dx, dy);
  if (length === 0)
    return [
      [1, 0],
      [0, 1],
    ];
  const target = length / lens.radius;
  const r = straightRadius(lens, target);
  const across = r / target;
  const along = 1 / slope(lens, Math.min(r, lens.reach));
  const [ux, uy] = [dx / length, dy / length];
  const cross = (along - across) * ux * uy;
  return [
    [across + (along - across) * ux * ux, cross],
    [cross, across + (along - across) * uy * uy],
  ];
}
