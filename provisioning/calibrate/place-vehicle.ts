import type { Point } from '../../device/scene/geometry.ts';
import {
  apply,
  compose,
  fitHomography,
  type Homography,
  invert,
  type PointPair,
} from '../../device/scene/homography.ts';
import { type Lens, straighten } from '../../device/scene/lens.ts';
import type { Vector } from '../../device/scene/linear.ts';
import { type LeastSquares, leastSquares } from './least-squares.ts';
import type { VehicleFile } from './points-schema.ts';
import type { NamedPair, RoadPointsOutcome } from './road-points.ts';

/**
 * A vehicle of known wheelbase and track that stood at several places of the lane. Where it stood is not known, only that its wheels kept
 * their distances: so the map and the places are sought together, by least squares over all wheels in the picture. The first place
 * with all four wheels sets the origin (middle of the rear axle) and the axes (y forward, x to the right).
 */
export function placeVehicle(
  vehicle: VehicleFile,
  pixelError: number,
  picture: { readonly width: number; readonly height: number },
  lens: Lens | undefined,
): RoadPointsOutcome {
  const refused = (says: string): RoadPointsOutcome => ({ ok: false, says });
  const seen = vehicle.positions.map((position) => wheelsSeen(position, vehicle, lens));
  const anchor = seen.findIndex((wheels) => wheels.length === 4);
  if (anchor < 0) {
    return refused(
      'at no position all four wheels are given: mark hidden ones with chalk, drive off, and point at the chalk',
    );
  }
  const poor = seen.findIndex((wheels) => wheels.length < 2);
  if (poor >= 0) return refused(`position ${poor + 1} has ${seen[poor]?.length ?? 0} wheels, two are needed`);
  const order = [anchor, ...seen.keys().filter((i) => i !== anchor)];
  const sights = order.map((i) => seen[i] ?? []);
  const frame = framesOf(picture);
  const start = startOf(sights, frame);
  if (start === undefined) {
    return refused(
      `the wheels of position ${anchor + 1} do not form a vehicle on a road: are left and right, front and rear as the driver has them?`,
    );
  }
  const fit = leastSquares(start, (parameters) => missesOf(parameters, sights, frame, pixelError));
  if (fit === undefined) return refused('the positions do not determine the road: let the vehicle stand further apart');
  const freedom = sights.reduce((sum, wheels) => sum + 2 * wheels.length, 0) - start.length;
  const misfit = freedom > 0 ? fit.squares / freedom : 1;
  if (misfit > 16) {
    return refused(
      `the wheels miss a vehicle of wheelbase ${vehicle.wheelbase} m and track ${vehicle.track} m by ${(Math.sqrt(misfit) * pixelError).toFixed(1)} px: check both lengths, and which wheel is which`,
    );
  }
  return { ok: true, points: placed(vehicle, order, sights, fit, { misfit, pixelError }) };
}

interface Wheel {
  readonly name: string;
  /** In the straight picture, and as drawn. */
  readonly straight: Point;
  readonly image: Point;
  /** On the vehicle: metres right of its middle and ahead of its rear axle. */
  readonly at: Point;
}

function wheelsSeen(
  position: VehicleFile['positions'][number],
  { wheelbase, track }: VehicleFile,
  lens: Lens | undefined,
): readonly Wheel[] {
  const places = [
    ['front left', position.frontLeft, { x: -track / 2, y: wheelbase }],
    ['front right', position.frontRight, { x: track / 2, y: wheelbase }],
    ['rear left', position.rearLeft, { x: -track / 2, y: 0 }],
    ['rear right', position.rearRight, { x: track / 2, y: 0 }],
  ] as const;
  return places.flatMap(([name, image, at]) =>
    image === undefined ? [] : [{ name, image, at, straight: lens === undefined ? image : straighten(lens, image) }],
  );
}

/** Road lengths in tens of metres, and pixels in halves of the diagonal from the picture's middle: all parameters are then around 1. */
const roadUnit = 10;

interface Frames {
  readonly fromPixels: Homography;
  readonly toPixels: Homography;
  readonly half: number;
}

function framesOf({ width, height }: { readonly width: number; readonly height: number }): Frames {
  const half = Math.hypot(width, height) / 2;
  return {
    half,
    fromPixels: [1 / half, 0, -width / 2 / half, 0, 1 / half, -height / 2 / half, 0, 0, 1],
    toPixels: [half, 0, width / 2, 0, half, height / 2, 0, 0, 1],
  };
}

/** Parameters: eight of the map, then x, y and turn of each further position. */
function startOf(sights: readonly (readonly Wheel[])[], { fromPixels }: Frames): Vector | undefined {
  const [first = [], ...others] = sights;
  const pairs = first.map(
    ({ at, straight }): PointPair => ({
      road: { x: at.x / roadUnit, y: at.y / roadUnit },
      image: planar(apply(fromPixels, straight)),
    }),
  );
  const map = fitHomography(pairs, { image: 0.001, road: 0.001 })?.toImage;
  const back = map && invert(map);
  if (map === undefined || back === undefined) return undefined;
  const places = others.map((wheels) => {
    const road = wheels.map(({ straight }) => planar(apply(back, apply(fromPixels, straight))));
    return rigid(
      wheels.map(({ at }) => ({ x: at.x / roadUnit, y: at.y / roadUnit })),
      road,
    );
  });
  return [...map.slice(0, 8).map((value) => value / map[8]), ...places.flat()];
}

const planar = ({ x, y }: Point): Point => ({ x, y });

/** Shift and turn that lay the first points best onto the second. */
function rigid(from: readonly Point[], to: readonly Point[]): readonly [number, number, number] {
  const mean = (points: readonly Point[]): Point => ({
    x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
    y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
  });
  const [a, b] = [mean(from), mean(to)];
  let [dots, crosses] = [0, 0];
  for (const [i, point] of from.entries()) {
    const [p, q] = [
      { x: point.x - a.x, y: point.y - a.y },
      { x: (to[i]?.x ?? 0) - b.x, y: (to[i]?.y ?? 0) - b.y },
    ];
    dots += p.x * q.x + p.y * q.y;
    crosses += p.x * q.y - p.y * q.x;
  }
  const turn = Math.atan2(crosses, dots);
  return [b.x - a.x * Math.cos(turn) + a.y * Math.sin(turn), b.y - a.x * Math.sin(turn) - a.y * Math.cos(turn), turn];
}

/** Where a wheel of a position stands, in units of the fit. */
function standsAt(parameters: Vector, index: number, at: Point): Point {
  const [x, y] = [at.x / roadUnit, at.y / roadUnit];
  if (index === 0) return { x, y };
  const [dx = 0, dy = 0, turn = 0] = parameters.slice(8 + 3 * (index - 1));
  return { x: dx + x * Math.cos(turn) - y * Math.sin(turn), y: dy + x * Math.sin(turn) + y * Math.cos(turn) };
}

function missesOf(
  parameters: Vector,
  sights: readonly (readonly Wheel[])[],
  { toPixels }: Frames,
  pixelError: number,
): Vector {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = parameters;
  const map = compose(toPixels, [a, b, c, d, e, f, g, h, 1]);
  return sights.flatMap((wheels, index) =>
    wheels.flatMap(({ at, straight }) => {
      const { x, y } = apply(map, standsAt(parameters, index, at));
      return [(x - straight.x) / pixelError, (y - straight.y) / pixelError];
    }),
  );
}

interface Worth {
  readonly misfit: number;
  readonly pixelError: number;
}

function placed(
  vehicle: VehicleFile,
  order: readonly number[],
  sights: readonly (readonly Wheel[])[],
  { parameters, covariance }: LeastSquares,
  { misfit, pixelError }: Worth,
) {
  const pairs = sights.flatMap((wheels, index) =>
    wheels.map(({ name, image, at }): NamedPair => {
      const { x, y } = standsAt(parameters, index, at);
      return {
        name: `position ${(order[index] ?? 0) + 1}, ${name}`,
        image,
        road: { x: x * roadUnit, y: y * roadUnit },
      };
    }),
  );
  const enlarged = Math.max(1, misfit);
  // How far each position is from the first, and the standard error of that way.
  const ways = sights.slice(1).map((_, i) => {
    const at = 8 + 3 * i;
    const [x = 0, y = 0] = parameters.slice(at);
    const length = Math.hypot(x, y);
    const [ux, uy] = [x / length, y / length];
    const variance =
      ux * ux * (covariance[at]?.[at] ?? 0) +
      2 * ux * uy * (covariance[at]?.[at + 1] ?? 0) +
      uy * uy * (covariance[at + 1]?.[at + 1] ?? 0);
    return { length: length * roadUnit, error: Math.sqrt(Math.max(0, variance) * enlarged) * roadUnit };
  });
  const worst = ways.reduce((most, way) => Math.max(most, way.error / way.length), 0);
  const { error = 0.01, wheelbase, track, what } = vehicle;
  const own = Math.max(error / wheelbase, error / track / 2);
  const scale = Math.hypot(own, worst);
  const road = Math.max(error, ...ways.map((way) => way.error / 2));
  const reach = ways.map(({ length, error: by }) => `${length.toFixed(2)} m (±${by.toFixed(2)} m)`).join(', ');
  return {
    pairs,
    error: { image: pixelError, road, scale },
    source: `a measured vehicle${what === undefined ? '' : ` (${what})`}, wheelbase ${wheelbase} m and track ${track} m, at ${sights.length} positions`,
    remarks: [
      `The other positions are ${reach} from the first.`,
      `All lengths are carried on from one vehicle and known to ${(scale * 100).toFixed(1)} % only: speeds are less certain than from a survey. Positions further apart and wheels drawn more exactly make it better.`,
    ],
  };
}
