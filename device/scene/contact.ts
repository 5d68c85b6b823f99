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

/**
 * The axles in the picture for a vehicle that moves along `heading` (length 1, in the picture), without metres.
 *
 * Up or down the picture, one axle stands at the box's lower edge and the other about a quarter of the box's height above it; across
 * the picture both stand at the lower edge, about a third of the width to each side of the middle; in between, the shares follow the
 * square of the heading's components. Read from the pictures of two roadside red-light cameras, 15 to 25 degrees above the road, and
 * good to about a tenth of the box; a camera that looks down steeply needs a calibrated scene.
 */
export function wheelsInPicture(box: Box, heading: Point): Wheels {
  const bottom = box.y + box.height;
  const middle = box.x + box.width / 2;
  const aside = 0.33 * box.width * heading.x * Math.abs(heading.x);
  const up = 0.25 * box.height * heading.y * Math.abs(heading.y);
  return {
    front: { x: middle + aside, y: Math.min(bottom, bottom + up) },
    rear: { x: middle - aside, y: Math.min(bottom, bottom - up) },
  };
}

/** Wheelbase and track in metres; middle figures of the vehicles that COCO calls by these names. */
const chassis: Readonly<Record<ObjectClass, { readonly base: number; readonly track: number }>> = {
  person: { base: 0.3, track: 0.4 },
  bicycle: { base: 1.1, track: 0.2 },
  motorcycle: { base: 1.4, track: 0.3 },
  car: { base: 2.7, track: 1.6 },
  truck: { base: 3.8, track: 1.9 },
  bus: { base: 6, track: 2.2 },
};

/**
 * Middle of the chassis on the road in metres, for a vehicle that moves along `heading` (length 1, on the road): the rectangle of the
 * four wheels is moved until its lowest wheel stands at the box's lower edge and its middle column at the box's. Unlike the bottom
 * centre this is the same place of the vehicle whether its back, its side or its front is seen, so that a speed does not carry
 * the change of aspect. `undefined` where the box stands on or beyond the horizon.
 */
export function chassisOnRoad(box: Box, heading: Point, kind: ObjectClass, ground: GroundPlane): Point | undefined {
  const { base, track } = chassis[kind];
  const target = bottomCentre(box);
  let image = target;
  let centre = ground.toRoad(image);
  for (let round = 0; round < 6 && centre !== undefined; round++) {
    const corners: Point[] = [];
    for (const ahead of [-base / 2, base / 2]) {
      for (const left of [-track / 2, track / 2]) {
        corners.push(
          ground.toImage({
            x: centre.x + ahead * heading.x - left * heading.y,
            y: centre.y + ahead * heading.y + left * heading.x,
          }),
        );
      }
    }
    const xs = corners.map((corner) => corner.x);
    const middle = (Math.min(...xs) + Math.max(...xs)) / 2;
    const lowest = Math.max(...corners.map((corner) => corner.y));
    image = { x: image.x + target.x - middle, y: image.y + target.y - lowest };
    centre = ground.toRoad(image);
  }
  return centre !== undefined && Number.isFinite(centre.x + centre.y) ? centre : undefined;
}

/** The axles in the picture of a calibrated scene; falls back to `wheelsInPicture` where the road cannot be found under the box. */
export function wheelsOnRoad(box: Box, heading: Point, kind: ObjectClass, ground: GroundPlane): Wheels {
  const bottom = bottomCentre(box);
  const here = ground.toRoad(bottom);
  const ahead = ground.toRoad({ x: bottom.x + heading.x, y: bottom.y + heading.y });
  if (here === undefined || ahead === undefined) return wheelsInPicture(box, heading);
  const length = Math.hypot(ahead.x - here.x, ahead.y - here.y);
  const way = { x: (ahead.x - here.x) / length, y: (ahead.y - here.y) / length };
  const centre = chassisOnRoad(box, way, kind, ground);
  if (centre === undefined) return wheelsInPicture(box, heading);
  const half = chassis[kind].base / 2;
  const front = ground.toImage({ x: centre.x + half * way.x, y: centre.y + half * way.y });
  const rear = ground.toImage({ x: centre.x - half * way.x, y: centre.y - half * way.y });
  const sane = dot({ x: front.x - rear.x, y: front.y - rear.y }, heading) > 0;
  return sane ? { front, rear } : wheelsInPicture(box, heading);
}

/** True where the box ends at the picture's border, so that the body goes on outside and the box says nothing of the wheels. */
export function isCut(box: Box, picture: { readonly width: number; readonly height: number }): boolean {
  const margin = Math.max(2, 0.004 * picture.width);
  return (
    box.x <= margin ||
    box.y <= margin ||
    box.x + box.width >= picture.width - margin ||
    box.y + box.height >= picture.height - margin
  );
}
