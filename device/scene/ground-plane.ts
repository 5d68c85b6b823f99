import type { Point } from './geometry.ts';
import {
  apply,
  fitHomography,
  type Homography,
  type HomographyFit,
  invert,
  jacobian,
  type PairError,
  type PointPair,
} from './homography.ts';
import { symmetricEigen } from './linear.ts';
import { type Viewpoint, viewpointOf } from './viewpoint.ts';

/** Covariance of a position on the road, in square metres. */
export interface Covariance {
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/** Why a set of calibration points gives no ground plane. */
export type GroundPlaneFault = { readonly ok: false; readonly reason: string };
export type GroundPlaneResult = { readonly ok: true; readonly plane: GroundPlane } | GroundPlaneFault;

/** The road as a plane in metres, seen through one fixed camera. */
export class GroundPlane {
  readonly fit: HomographyFit;
  /** Where the camera stands, so that a height above the road can be seen; `undefined` where the plane does not tell. */
  readonly viewpoint: Viewpoint | undefined;
  /** Sign of the third homogeneous number of `fit.toRoad` on the near side of the horizon: 1 or -1. */
  readonly side: number;

  constructor(fit: HomographyFit, side: number, viewpoint: Viewpoint | undefined) {
    this.fit = fit;
    this.viewpoint = viewpoint;
    this.side = side;
  }

  /** Metres on the road under a picture point; `undefined` on and beyond the horizon, where no road is seen. */
  toRoad(image: Point): Point | undefined {
    const { x, y, w } = apply(this.fit.toRoad, image);
    return w * this.side > 0 ? { x, y } : undefined;
  }

  /** Pixels of a road point. */
  toImage(road: Point): Point {
    const { x, y } = apply(this.fit.toImage, road);
    return { x, y };
  }

  /** The same camera with another map from the picture to the road, such as one of `fit.perturbed`. */
  withRoadMap(toRoad: Homography): GroundPlane {
    return new GroundPlane(
      { ...this.fit, toRoad, toImage: invert(toRoad) ?? this.fit.toImage },
      this.side,
      this.viewpoint,
    );
  }

  /** Pixels of a point above the road, metres; without a viewpoint those of the road under it. */
  toImageAbove(road: Point, above: number): Point {
    const from = this.viewpoint;
    if (from === undefined || above >= from.above) return this.toImage(road);
    // The line of sight through the point meets the road beyond it.
    const beyond = above / (from.above - above);
    return this.toImage({ x: road.x + (road.x - from.x) * beyond, y: road.y + (road.y - from.y) * beyond });
  }

  /** Road covariance that a picture point's own errors (1 sigma, pixels, sideways and up) cause: J S J^T. */
  pixelCovariance(image: Point, sideways: number, up: number): Covariance {
    const [[a, b], [c, d]] = jacobian(this.fit.toRoad, image);
    const [s, u] = [sideways * sideways, up * up];
    return { xx: s * a * a + u * b * b, xy: s * a * c + u * b * d, yy: s * c * c + u * d * d };
  }

  /** Road covariance that the calibration's error causes; the same for every point measured through this plane, so it does not average out. */
  calibrationCovariance(image: Point): Covariance {
    const here = apply(this.fit.toRoad, image);
    let [xx, xy, yy] = [0, 0, 0];
    for (const moved of this.fit.perturbed) {
      const there = apply(moved, image);
      const dx = there.x - here.x;
      const dy = there.y - here.y;
      xx += dx * dx;
      xy += dx * dy;
      yy += dy * dy;
    }
    return { xx, xy, yy };
  }

  /** Metres on the road that one picture line (a step of one pixel downwards) spans here: how coarse a measurement is. */
  resolution(image: Point): number {
    const [[, b], [, d]] = jacobian(this.fit.toRoad, image);
    return Math.hypot(b, d);
  }
}

/**
 * Builds the ground plane from point pairs and refuses, with the reason in words, what cannot be measured with: fewer than four
 * points, doubled or collinear points, crossed or mirrored order, residuals above `allowedPx`. With the picture's size the camera's place is
 * worked out too.
 */
export function buildGroundPlane(
  pairs: readonly PointPair[],
  error: PairError,
  allowedPx: number,
  picture?: { readonly width: number; readonly height: number },
): GroundPlaneResult {
  const fault = degenerate(pairs);
  if (fault !== undefined) return { ok: false, reason: fault };
  const fit = fitHomography(pairs, error);
  if (fit === undefined) return { ok: false, reason: 'the points do not determine the road plane' };
  const turns = pairs.map((pair) => {
    const [[a, b], [c, d]] = jacobian(fit.toImage, pair.road);
    return a * d - b * c;
  });
  if (turns.some((turn) => turn > 0) && turns.some((turn) => turn < 0)) {
    const order = pairs.map((_, i) => i);
    return {
      ok: false,
      reason: `points ${list(order)} stand in crossed order: followed in the picture they turn another way than on the road, so two of them are exchanged`,
    };
  }
  if (turns.every((turn) => turn > 0)) {
    return {
      ok: false,
      reason:
        'the road axes are mirrored against the picture: seen from above, y must stand 90 degrees anticlockwise of x (x to the right and y away from the camera, say)',
    };
  }
  const worst = Math.max(...fit.residuals.map((residual) => residual.px));
  if (worst > allowedPx) {
    const each = fit.residuals.map(({ px, m }, i) => `point ${i + 1}: ${px.toFixed(1)} px, ${m.toFixed(2)} m`);
    return {
      ok: false,
      reason: `residuals are too large (at most ${allowedPx} px allowed): ${each.join('; ')}`,
    };
  }
  const first = pairs[0];
  const side = first === undefined ? 1 : Math.sign(apply(fit.toRoad, first.image).w);
  return { ok: true, plane: new GroundPlane(fit, side, picture && viewpointOf(fit.toImage, picture)) };
}

function degenerate(pairs: readonly PointPair[]): string | undefined {
  if (pairs.length < 4) return `four points are needed, ${pairs.length} given`;
  for (const side of ['image', 'road'] as const) {
    const where = side === 'image' ? 'in the picture' : 'on the road';
    for (const [i, a] of pairs.entries()) {
      for (const [j, b] of pairs.entries()) {
        if (j > i && a[side].x === b[side].x && a[side].y === b[side].y) {
          return `points ${list([i, j])} are the same point ${where}`;
        }
      }
    }
    const all = pairs.map((pair) => pair[side]);
    if (collinear(all, thinnest[side])) return `all points lie on one line ${where}`;
    for (const i of all.keys()) {
      const rest = all.filter((_, j) => j !== i);
      if (collinear(rest, thinnest[side])) {
        const names = list([...all.keys()].filter((j) => j !== i));
        return `points ${names} lie on one line ${where}: two points beside that line are needed, one is given`;
      }
    }
  }
  return undefined;
}

/** Least spread across a line over the spread along it. Road figures are exact, so a long narrow lane may be used; drawn pixels are not. */
const thinnest = { image: 0.01, road: 0.002 } as const;

/** True where the points' spread across their best line is below the given share of the spread along it. */
function collinear(points: readonly Point[], share: number): boolean {
  const x = points.reduce((sum, point) => sum + point.x, 0) / points.length;
  const y = points.reduce((sum, point) => sum + point.y, 0) / points.length;
  let [xx, xy, yy] = [0, 0, 0];
  for (const point of points) {
    xx += (point.x - x) ** 2;
    xy += (point.x - x) * (point.y - y);
    yy += (point.y - y) ** 2;
  }
  const [most = 0, least = 0] = symmetricEigen([
    [xx, xy],
    [xy, yy],
  ]).values;
  return Math.sqrt(Math.max(0, least)) < share * Math.sqrt(most);
}

const list = (indices: readonly number[]): string => indices.map((i) => i + 1).join(', ');
