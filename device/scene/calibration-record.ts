import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import type { Point } from './geometry.ts';
import type { GroundPlane, MovedLens } from './ground-plane.ts';
import type { Lens } from './lens.ts';
import type { Lane, Scene, SpeedLimits, StopLine, Zone } from './scene.ts';
import { type WeeklyWindow, weekDays } from './schema-parts.ts';

/**
 * What a unit knew of the road when it accused, as plain data for the evidence: the survey and the map that was fitted to it, and
 * everything that a rule holds a position against. With the raw points it gives every figure again (`sceneOfRecord`). Every number goes
 * through JSON unchanged, bit for bit. Points are pixels of the full picture, or metres where the name says `road`.
 */

const number = z.number();
const text = z.string().min(1);
const point = z.strictObject({ x: number, y: number });
const outline = z.array(point).min(3);
const line = z.array(point).min(2);
const classes = z.array(z.enum(objectClasses));
/** Row-major; known up to a factor. */
const homography = z.tuple([number, number, number, number, number, number, number, number, number]);

const certificate = z.strictObject({ number: text, issuer: text, issued: z.iso.date(), expires: z.iso.date() });

/** A lens that bends, and what its error does to the map from the straight picture to the road. */
const lens = z.strictObject({
  /** Brown-Conrady, radii in units of `radius` about `centre`: see `lens.ts`. */
  k1: number,
  k2: number,
  centre: point,
  radius: number,
  deviations: z.array(z.strictObject({ k1: number, k2: number, toRoad: homography })).max(2),
});

/** What every record of a ground has. */
const straightGround = {
  /** The survey: each mark in the picture and on the road, and how far the fit misses it. */
  points: z.array(z.strictObject({ image: point, road: point, missPx: number, missM: number })).min(4),
  /** Standard errors of the marks, by which the fit weighs them. */
  pixelError: number,
  roadErrorM: number,
  /** Picture from road, and road from picture. */
  toImage: homography,
  toRoad: homography,
  /** The covariance of `toRoad`: itself moved by one standard deviation along each of the eight independent directions of its error. */
  deviations: z.array(homography).length(8),
  /** Observations beyond the eight unknowns, and the mean squared miss over its expected value; null without freedom. */
  freedom: z.int(),
  misfit: number.nullable(),
  /** Sign of the map's third homogeneous number where the road is seen. */
  side: z.union([z.literal(1), z.literal(-1)]),
  /** Where the camera stands on the road, and its height; null where the map does not tell. */
  viewpoint: z.strictObject({ x: number, y: number, above: number }).nullable(),
  surveyed: z.iso.date().nullable(),
  certificate: certificate.nullable(),
};

/** What records have since lenses and errors of scale are known; absent where there is neither. */
const ground = z.strictObject({
  ...straightGround,
  /** The maps are then those of the straight picture, and the points' `image` where they were drawn. Null: taken as straight. */
  lens: lens.nullable().exactOptional(),
  /** Standard error that all road lengths share, as a share of them; it is in `deviations`. */
  scaleError: number.exactOptional(),
});

const speed = z.strictObject({
  limitKmh: number,
  limitSource: text.nullable(),
  classes: z.partialRecord(z.enum(objectClasses), number),
  /** `kmh` is deducted up to 100 km/h, `percent` of the measured speed above. */
  tolerance: z.strictObject({ name: text, kmh: number, percent: number }),
  /** Standard uncertainties that must lie between the charged speed and the limit. */
  coverage: number,
  area: outline.nullable(),
});

const windows = z
  .array(z.strictObject({ days: z.array(z.enum(weekDays)).exactOptional(), from: z.string(), to: z.string() }))
  .nullable();

const lane = z.strictObject({
  name: text,
  polygon: outline,
  direction: line.nullable(),
  limitKmh: number.nullable(),
  limitSource: text.nullable(),
  restriction: z.strictObject({ only: classes, when: windows, graceS: number }).nullable(),
});

const stopLine = z.strictObject({
  name: text,
  points: line,
  direction: point,
  signal: text,
  lanes: z.array(text),
  graceS: number,
  standS: number,
});

const zone = z.strictObject({ name: text, polygon: outline, allowedS: number, when: windows, classes });

export const calibrationRecord = z.strictObject({
  scene: text,
  picture: z.strictObject({ width: z.int().positive(), height: z.int().positive() }),
  timeZone: text,
  /** How far the detector's boxes reach below the wheels on average, as a share of their height. */
  boxOvershoot: number,
  /** Null without calibration: then nothing was measured in metres. */
  ground: ground.nullable(),
  speed: speed.nullable(),
  lanes: z.array(lane),
  stopLines: z.array(stopLine),
  noStopping: z.array(zone),
  boxJunctions: z.array(zone),
  ignore: z.array(outline),
});

/** The same as it was before lenses and errors of scale were known. */
export const straightCalibrationRecord = calibrationRecord.extend({
  ground: z.strictObject(straightGround).nullable(),
});

/** The same where a lens or an error of scale bears on the figures: both are stated. */
export const lensCalibrationRecord = calibrationRecord.extend({
  ground: z.strictObject({ ...straightGround, lens: lens.nullable(), scaleError: number }),
});

/** True for a record whose figures cannot be understood without its lens or its error of scale. */
export const needsLens = ({ ground: of }: CalibrationRecord): boolean => of !== null && 'lens' in of;

export type CalibrationRecord = z.infer<typeof calibrationRecord>;
export type GroundRecord = NonNullable<CalibrationRecord['ground']>;

/** The record of a scene and of the detector's overshoot that its judge was given. */
export function calibrationRecordOf(scene: Scene, boxOvershoot: number): CalibrationRecord {
  return {
    scene: scene.name,
    picture: { width: scene.picture.width, height: scene.picture.height },
    timeZone: scene.timeZone,
    boxOvershoot,
    ground: scene.ground === undefined ? null : groundOf(scene.ground, scene),
    speed: scene.speed === undefined ? null : speedOf(scene.speed),
    lanes: scene.lanes.map(laneOf),
    stopLines: scene.stopLines.map(stopLineOf),
    noStopping: scene.noStopping.map(zoneOf),
    boxJunctions: scene.boxJunctions.map(zoneOf),
    ignore: scene.ignore.map(pointsOf),
  };
}

function groundOf(
  { fit, side, viewpoint, lens, movedLenses }: GroundPlane,
  { surveyed, certificate }: Scene,
): GroundRecord {
  return {
    points: fit.pairs.map(({ image, road }, i) => ({
      image: pointOf(image),
      road: pointOf(road),
      missPx: fit.residuals[i]?.px ?? 0,
      missM: fit.residuals[i]?.m ?? 0,
    })),
    pixelError: fit.error.image,
    roadErrorM: fit.error.road,
    toImage: mapOf(fit.toImage),
    toRoad: mapOf(fit.toRoad),
    deviations: fit.perturbed.map(mapOf),
    freedom: fit.freedom,
    misfit: fit.misfit ?? null,
    side: side < 0 ? -1 : 1,
    viewpoint: viewpoint === undefined ? null : { ...pointOf(viewpoint), above: viewpoint.above },
    surveyed: surveyed ?? null,
    certificate: certificate === undefined ? null : { ...certificate },
    ...((lens !== undefined || (fit.error.scale ?? 0) > 0) && {
      lens: lens === undefined ? null : lensOf(lens, movedLenses),
      scaleError: fit.error.scale ?? 0,
    }),
  };
}

const lensOf = (lens: Lens, moved: readonly MovedLens[]): NonNullable<GroundRecord['lens']> => ({
  k1: plain(lens.k1),
  k2: plain(lens.k2),
  centre: pointOf(lens.centre),
  radius: lens.radius,
  deviations: moved.map(({ lens: { k1, k2 }, toRoad }) => ({ k1: plain(k1), k2: plain(k2), toRoad: mapOf(toRoad) })),
});

function speedOf({ limit, limitSource, byClass, tolerance, coverage, area }: SpeedLimits): CalibrationRecord['speed'] {
  return {
    limitKmh: limit,
    limitSource: limitSource ?? null,
    classes: Object.fromEntries(byClass),
    tolerance: { name: tolerance.name, kmh: tolerance.kmh, percent: tolerance.percent },
    coverage,
    area: area === undefined ? null : pointsOf(area),
  };
}

function laneOf({
  name,
  polygon,
  direction,
  limit,
  limitSource,
  restriction,
}: Lane): CalibrationRecord['lanes'][number] {
  return {
    name,
    polygon: pointsOf(polygon),
    direction: direction === undefined ? null : pointsOf(direction),
    limitKmh: limit ?? null,
    limitSource: limitSource ?? null,
    restriction:
      restriction === undefined
        ? null
        : { only: [...restriction.only], when: windowsOf(restriction.when), graceS: restriction.grace },
  };
}

const stopLineOf = (stop: StopLine): CalibrationRecord['stopLines'][number] => ({
  name: stop.name,
  points: pointsOf(stop.points),
  direction: pointOf(stop.direction),
  signal: stop.signal,
  lanes: stop.lanes.map(({ name }) => name),
  graceS: stop.grace,
  standS: stop.stand,
});

const zoneOf = ({ name, polygon, allowed, when, classes }: Zone): CalibrationRecord['noStopping'][number] => ({
  name,
  polygon: pointsOf(polygon),
  allowedS: allowed,
  when: windowsOf(when),
  classes: [...classes],
});

const windowsOf = (when: readonly WeeklyWindow[] | undefined): z.infer<typeof windows> =>
  when?.map(({ days, from, to }) => ({ ...(days !== undefined && { days: [...days] }), from, to })) ?? null;

const pointsOf = (points: readonly Point[]): Point[] => points.map(pointOf);
const pointOf = ({ x, y }: Point): Point => ({ x: plain(x), y: plain(y) });

const mapOf = (map: readonly number[]): z.infer<typeof homography> => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = map.map(plain);
  return [a, b, c, d, e, f, g, h, i];
};

/** JSON has no negative zero. */
const plain = (value: number): number => (value === 0 ? 0 : value);
