import type { Box, ObjectClass } from '../detect/detection.ts';
import { dot, type Point } from './geometry.ts';
import type { GroundPlane } from './ground-plane.ts';

/**
 * Where a road user stands on the road, from its box. Every rule asks here, so that all of them mean the same place.
 *
 * A box is the outline of a body; only its lower edge is near the road, at the wheels that are nearest to the camera. Which wheels
 * these are depends on the way the vehicle goes.
 */
export interface Wheels {
  /** Middle of the leading axle on the road, pixels. */
  readonly front: Point;
  /** Middle of the trailing axle on the road, pixels. */
  readonly rear: Point;
}

/** The point that counting goes by, and the best single guess without a direction of travel. */
export const bottomCentre = (box: Box): Point => ({ x: box.x + box.width / 2, y: box.y + box.height });

/** Metres: body, wheelbase and track; middle figures of the vehicles that COCO calls by these names. */
interface Build {
  readonly length: number;
  readonly width: number;
  readonly height: number;
  readonly base: number;
  readonly track: number;
  /** Height of the body's lower edge. */
  readonly clearance: number;
}

const builds: Readonly<Record<ObjectClass, Build>> = {
  person: { length: 0.4, width: 0.5, height: 1.7, base: 0.2, track: 0.3, clearance: 0 },
  bicycle: { length: 1.8, width: 0.5, height: 1.7, base: 1.1, track: 0.1, clearance: 0 },
  motorcycle: { length: 2, width: 0.7, height: 1.6, base: 1.4, track: 0.1, clearance: 0 },
  car: { length: 4.4, width: 1.8, height: 1.5, base: 2.7, track: 1.6, clearance: 0.25 },
  truck: { length: 6.5, width: 2.2, height: 2.4, base: 3.8, track: 1.9, clearance: 0.4 },
  bus: { length: 11, width: 2.5, height: 3.1, base: 5.8, track: 2.2, clearance: 0.35 },
};

/** How steeply a roadside camera looks down on a vehicle, as a prior: degrees and their spread. */
const usualElevation = { mean: 20, sigma: 10 } as const;
/** Spread of a vehicle's width over height in the picture against its class's build, as a natural logarithm. */
const aspectSpread = 0.15;

/**
 * The axles in the picture for a vehicle that moves along `heading` (length 1, in the picture), without metres.
 *
 * The vehicle is taken as a cuboid of its class under weak perspective. With the camera's elevation e, a body turned so that s of its length
 * lies across the view and c along it has the box `L|s| + W|c|` by `H cos e + (L|c| + W|s|) sin e`, and moves in the picture along
 * `(s, c sin e)`. The elevation that fits the box's shape best, under a prior, gives s, c and the scale; the lowest of the four wheels
 * stands at the box's lower edge. On the pictures of two roadside cameras the axles were met to 0.1 of the box.
 */
export function wheelsInPicture(box: Box, heading: Point, kind: ObjectClass): Wheels {
  const build = builds[kind];
  const aspect = Math.log(box.width / box.height);
  let best: (View & { readonly cost: number }) | undefined;
  for (let degrees = 4; degrees <= 70; degrees += 2) {
    const view = viewAt(degrees, heading, build);
    const cost =
      ((aspect - Math.log(view.width / view.height)) / aspectSpread) ** 2 +
      ((degrees - usualElevation.mean) / usualElevation.sigma) ** 2;
    if (best === undefined || cost < best.cost) best = { ...view, cost };
  }
  const { across, along, sine, width, height } = best ?? viewAt(usualElevation.mean, heading, build);
  const scale = Math.sqrt((box.width / width) * (box.height / height));
  const lowest = ((build.base * Math.abs(along) + build.track * Math.abs(across)) / 2) * sine * scale;
  const centre = { x: box.x + box.width / 2, y: box.y + box.height - lowest };
  const half = { x: (build.base / 2) * across * scale, y: (build.base / 2) * along * sine * scale };
  // `along` points away from the camera, which is up in the picture.
  return {
    front: { x: centre.x + half.x, y: centre.y - half.y },
    rear: { x: centre.x - half.x, y: centre.y + half.y },
  };
}

/** A body of known build under a camera elevation: its turn (`across` and `along` the view, length 1) and its box in metres. */
interface View {
  readonly across: number;
  readonly along: number;
  readonly sine: number;
  readonly width: number;
  readonly height: number;
}

function viewAt(degrees: number, heading: Point, { length, width, height }: Build): View {
  const elevation = (degrees * Math.PI) / 180;
  const sine = Math.sin(elevation);
  const depth = -heading.y / sine;
  const norm = Math.hypot(heading.x, depth);
  const across = heading.x / norm;
  const along = depth / norm;
  const [s, c] = [Math.abs(across), Math.abs(along)];
  return {
    across,
    along,
    sine,
    width: length * s + width * c,
    height: height * Math.cos(elevation) + (length * c + width * s) * sine,
  };
}

/**
 * Middle of the chassis on the road in metres, for a vehicle that moves along `heading` (length 1, on the road): a body of the class's
 * build on its four wheels is moved until its lowest visible point stands at the box's lower edge and its middle column at the box's.
 * Unlike the bottom centre this is the same place of the vehicle whether its back, its side or its front is seen, near or far, so that a
 * speed does not carry the change of aspect. `undefined` where the box stands on or beyond the horizon.
 */
export function chassisOnRoad(box: Box, heading: Point, kind: ObjectClass, ground: GroundPlane): Point | undefined {
  const target = bottomCentre(box);
  let image = target;
  let centre = ground.toRoad(image);
  for (let round = 0; round < 6 && centre !== undefined; round++) {
    const { left, right, lowest } = silhouette(centre, heading, builds[kind], ground);
    const step = { x: target.x - (left + right) / 2, y: target.y - lowest };
    image = { x: image.x + step.x, y: image.y + step.y };
    centre = ground.toRoad(image);
    if (Math.abs(step.x) + Math.abs(step.y) < 0.01) break;
  }
  return centre !== undefined && Number.isFinite(centre.x + centre.y) ? centre : undefined;
}

/** Extent in the picture of a body that stands on the road; without a viewpoint that of its wheels. */
function silhouette(
  centre: Point,
  heading: Point,
  { length, width, height, base, track, clearance }: Build,
  ground: GroundPlane,
): { readonly left: number; readonly right: number; readonly lowest: number } {
  let [left, right, lowest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const take = (ahead: number, aside: number, above: number): void => {
    const road = {
      x: centre.x + ahead * heading.x - aside * heading.y,
      y: centre.y + ahead * heading.y + aside * heading.x,
    };
    const { x, y } = ground.toImageAbove(road, above);
    left = Math.min(left, x);
    right = Math.max(right, x);
    lowest = Math.max(lowest, y);
  };
  for (const end of [-0.5, 0.5]) {
    for (const side of [-0.5, 0.5]) {
      take(end * base, side * track, 0);
      if (ground.viewpoint === undefined) continue;
      take(end * length, side * width, clearance);
      take(end * length, side * width, Math.min(height, 0.8 * ground.viewpoint.above));
    }
  }
  return { left, right, lowest };
}

/** The axles in the picture of a calibrated scene; falls back to `wheelsInPicture` where the road cannot be found under the box. */
export function wheelsOnRoad(box: Box, heading: Point, kind: ObjectClass, ground: GroundPlane): Wheels {
  const bottom = bottomCentre(box);
  const here = ground.toRoad(bottom);
  const ahead = ground.toRoad({ x: bottom.x + heading.x, y: bottom.y + heading.y });
  if (here === undefined || ahead === undefined) return wheelsInPicture(box, heading, kind);
  const length = Math.hypot(ahead.x - here.x, ahead.y - here.y);
  const way = { x: (ahead.x - here.x) / length, y: (ahead.y - here.y) / length };
  const centre = chassisOnRoad(box, way, kind, ground);
  if (centre === undefined) return wheelsInPicture(box, heading, kind);
  const half = builds[kind].base / 2;
  const front = ground.toImage({ x: centre.x + half * way.x, y: centre.y + half * way.y });
  const rear = ground.toImage({ x: centre.x - half * way.x, y: centre.y - half * way.y });
  const sane = dot({ x: front.x - rear.x, y: front.y - rear.y }, heading) > 0;
  return sane ? { front, rear } : wheelsInPicture(box, heading, kind);
}

/** A box ends at the border where it comes this near to it: a share of the picture's width, and of the box, whose edges jitter. */
const borderShare = 0.004;
const edgeJitter = 0.02;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** True where the box ends at the lower or a side border, so that the wheels may stand outside the picture. */
export function areWheelsCut(box: Box, picture: Size): boolean {
  const least = Math.max(2, borderShare * picture.width);
  const aside = Math.max(least, edgeJitter * box.width);
  return (
    box.x <= aside ||
    box.x + box.width >= picture.width - aside ||
    box.y + box.height >= picture.height - Math.max(least, edgeJitter * box.height)
  );
}

/** True where the box ends at any border: the body goes on outside, and is entering or leaving the picture. */
export const isCut = (box: Box, picture: Size): boolean =>
  areWheelsCut(box, picture) || box.y <= Math.max(2, borderShare * picture.width);
