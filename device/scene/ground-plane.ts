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
import { bend, type Lens, straighten, straightenJacobian } from './lens.ts';
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

/** A lens moved by one standard deviation along one direction of its error, with the map that then fits the marks. */
export interface MovedLens {
  readonly lens: Lens;
  readonly toRoad: Homography;
}

/**
 * The road as a plane in metres, seen through one fixed camera. Picture points are those of the delivered picture: what a lens bends is
 * straightened here and nowhere else.
 */
export class GroundPlane {
  /** The maps are those of the straight picture; the pairs are in the delivered one, as they were drawn. */
  readonly fit: HomographyFit;
  /** Where the camera stands, so that a height above the road can be seen; `undefined` where the plane does not tell. */
  readonly viewpoint: Viewpoint | undefined;
  /** Sign of the third homogeneous number of `fit.toRoad` on the near side of the horizon: 1 or -1. */
  readonly side: number;
  /** `undefined`: the lens bends nothing that matters. */
  readonly lens: Lens | undefined;
  /** What the error of the lens may do; empty for a lens that is taken as exact. */
  readonly movedLenses: readonly MovedLens[];

  constructor(
    fit: HomographyFit,
    side: number,
    viewpoint: Viewpoint | undefined,
    lens?: Lens,
    movedLenses: readonly MovedLens[] = [],
  ) {
    this.fit = fit;
    this.viewpoint = viewpoint;
    this.side = side;
    this.lens = lens;
    this.movedLenses = movedLenses;
  }

  /** Metres on the road under a picture point; `undefined` on and beyond the horizon, where no road is seen. */
  toRoad(image: Point): Point | undefined {
    const { x, y, w } = apply(this.fit.toRoad, this.#straight(image));
    return w * this.side > 0 ? { x, y } : undefined;
  }

  /** Pixels of a road point. */
  toImage(road: Point): Point {
    const { x, y } = apply(this.fit.toImage, road);
    return this.lens === undefined ? { x, y } : bend(this.lens, { x, y });
  }

  /** The same camera with another map from the picture to the road, such as one of `fit.perturbed`. */
  withRoadMap(toRoad: Homography): GroundPlane {
    return new GroundPlane(
      { ...this.fit, toRoad, toImage: invert(toRoad) ?? this.fit.toImage },
      this.side,
      this.viewpoint,
      this.lens,
      this.movedLenses,
    );
  }

  /** This plane moved by one standard deviation along each independent direction of its error, those of the lens after the others. */
  variations(): readonly GroundPlane[] {
    const { fit, side, viewpoint } = this;
    return [
      ...fit.perturbed.map((toRoad) => this.withRoadMap(toRoad)),
      ...this.movedLenses.map(
        ({ lens, toRoad }) =>
          new GroundPlane({ ...fit, toRoad, toImage: invert(toRoad) ?? fit.toImage }, side, viewpoint, lens),
      ),
    ];
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
    const [[a, b], [c, d]] = this.#jacobian(image);
    const [s, u] = [sideways * sideways, up * up];
    return { xx: s * a * a + u * b * b, xy: s * a * c + u * b * d, yy: s * c * c + u * d * d };
  }

  /** Road covariance that the calibration's error causes; the same for every point measured through this plane, so it does not average out. */
  calibrationCovariance(image: Point): Covariance {
    const straight = this.#straight(image);
    const here = apply(this.fit.toRoad, straight);
    let [xx, xy, yy] = [0, 0, 0];
    const moves = [
      ...this.fit.perturbed.map((toRoad) => apply(toRoad, straight)),
      ...this.movedLenses.map(({ lens, toRoad }) => apply(toRoad, straighten(lens, image))),
    ];
    for (const there of moves) {
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
    const [[, b], [, d]] = this.#jacobian(image);
    return Math.hypot(b, d);
  }

  #straight(image: Point): Point {
    return this.lens === undefined ? image : straighten(this.lens, image);
  }

  /** Partial derivatives of the road point by the delivered picture's. */
  #jacobian(image: Point): readonly [readonly [number, number], readonly [number, number]] {
    if (this.lens === undefined) return jacobian(this.fit.toRoad, image);
    const [[a, b], [c, d]] = jacobian(this.fit.toRoad, straighten(this.lens, image));
    const [[e, f], [g, h]] = straightenJacobian(this.lens, image);
    return [
      [a * e + b * g, a * f + b * h],
      [c * e + d * g, c * f + d * h],
    ];
  }
}

/**
 * Builds the ground plane from point pairs and refuses, with the reason in words, what cannot be measured with: fewer than four
 * points, doubled or collinear points, crossed or mirrored order, residuals above `allowedPx`. With the picture's size the camera's place is
 * worked out too. With a lens the marks, which are drawn in the delivered picture, are straightened before the fit; residuals and
 * errors then count in the straight picture.
 */
export function buildGroundPlane(
  drawn: readonly PointPair[],
  error: PairError,
  allowedPx: number,
  picture?: { readonly width: number; readonly height: number },
  lens?: LensOfMarks,
): GroundPlaneResult {
  const pairs = lens === undefined ? drawn : straightened(drawn, lens.lens);
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
  const viewpoint = picture && viewpointOf(fit.toImage, picture);
  if (lens === undefined) return { ok: true, plane: new GroundPlane(fit, side, viewpoint) };
  const moved = lens.moved.flatMap((other) => {
    const again = fitHomography(straightened(drawn, other), error);
    if (again === undefined || first === undefined) return [];
    // Maps are known up to a factor: the one that keeps the side.
    const turn = Math.sign(apply(again.toRoad, straighten(other, drawn[0]?.image ?? first.image)).w) * side;
    return [{ lens: other, toRoad: turned(again.toRoad, turn) }];
  });
  return { ok: true, plane: new GroundPlane({ ...fit, pairs: drawn }, side, viewpoint, lens.lens, moved) };
}

/** The lens before the marks, and the same moved by one standard deviation along each independent direction of its error. */
export interface LensOfMarks {
  readonly lens: Lens;
  readonly moved: readonly Lens[];
}

/** The pairs as they are in the straight picture. */
export const straightened = (pairs: readonly PointPair[], lens: Lens): readonly PointPair[] =>
  pairs.map(({ road, image }) => ({ road, image: straighten(lens, image) }));

const turned = (h: Homography, sign: number): Homography => {
  const [a, b, c, d, e, f, g, i, j] = h;
  return sign < 0 ? [-a, -b, -c, -d, -e, -f, -g, -i, -j] : h;
};

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
