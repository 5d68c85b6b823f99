import { kilometresPerHour, seconds } from '../kernel/units.ts';
import type { CalibrationRecord, GroundRecord } from './calibration-record.ts';
import { GroundPlane, straightened } from './ground-plane.ts';
import { fitHomography } from './homography.ts';
import { lensAt } from './lens.ts';
import type { Lane, Scene, SpeedLimits, StopLine, Zone } from './scene.ts';

/**
 * The scene that a record was made of, number by number: nothing is fitted anew. What bears on no judgement (signal heads, whose phases
 * the record of the points has; counting lines; regions of the detector; plate formats) is not in the record and is empty here.
 */
export function sceneOfRecord(record: CalibrationRecord): Scene {
  const lanes = record.lanes.map(laneOf);
  return {
    name: record.scene,
    picture: record.picture,
    timeZone: record.timeZone,
    ground: record.ground === null ? undefined : groundOf(record.ground),
    surveyed: record.ground?.surveyed ?? undefined,
    certificate: record.ground?.certificate ?? undefined,
    speed: record.speed === null ? undefined : limitsOf(record.speed),
    lanes,
    signals: [],
    stopLines: record.stopLines.map((line) => stopLineOf(line, lanes)),
    countingLines: [],
    noStopping: record.noStopping.map(zoneOf),
    boxJunctions: record.boxJunctions.map(zoneOf),
    regions: 'auto',
    plates: undefined,
    ignore: record.ignore,
  };
}

function groundOf(ground: GroundRecord): GroundPlane {
  const fit = {
    toImage: ground.toImage,
    toRoad: ground.toRoad,
    perturbed: ground.deviations,
    pairs: ground.points.map(({ image, road }) => ({ image, road })),
    error: { image: ground.pixelError, road: ground.roadErrorM, ...scaleOf(ground) },
    residuals: ground.points.map(({ missPx, missM }) => ({ px: missPx, m: missM })),
    freedom: ground.freedom,
    misfit: ground.misfit ?? undefined,
  };
  const { lens } = ground;
  if (lens === undefined || lens === null) return new GroundPlane(fit, ground.side, ground.viewpoint ?? undefined);
  return new GroundPlane(
    fit,
    ground.side,
    ground.viewpoint ?? undefined,
    lensAt(lens, lens.centre, lens.radius),
    lens.deviations.map(({ k1, k2, toRoad }) => ({ lens: lensAt({ k1, k2 }, lens.centre, lens.radius), toRoad })),
  );
}

/** Absent and 0 are the same error and not the same record. */
const scaleOf = ({ scaleError }: GroundRecord): { readonly scale?: number } =>
  scaleError === undefined || scaleError === 0 ? {} : { scale: scaleError };

/**
 * Fits the map to the surveyed marks once more and returns the greatest distance on the road, in metres, between the two at any mark;
 * `undefined` where the marks determine no map. 0, or a rounding of it, says that the map follows from the survey.
 */
export function refitDifference(ground: GroundRecord): number | undefined {
  const now = groundOf(ground);
  const { lens } = now;
  const fit = fitHomography(lens === undefined ? now.fit.pairs : straightened(now.fit.pairs, lens), now.fit.error);
  if (fit === undefined) return undefined;
  const again = new GroundPlane(fit, now.side, now.viewpoint, lens);
  return Math.max(
    ...ground.points.map(({ image }) => {
      const [a, b] = [now.toRoad(image), again.toRoad(image)];
      return a === undefined || b === undefined ? Number.POSITIVE_INFINITY : Math.hypot(a.x - b.x, a.y - b.y);
    }),
  );
}

function limitsOf(speed: NonNullable<CalibrationRecord['speed']>): SpeedLimits {
  const byClass = Object.entries(speed.classes) as [keyof typeof speed.classes, number][];
  return {
    limit: kilometresPerHour(speed.limitKmh),
    limitSource: speed.limitSource ?? undefined,
    byClass: new Map(byClass.map(([name, limit]) => [name, kilometresPerHour(limit)])),
    tolerance: speed.tolerance,
    coverage: speed.coverage,
    area: speed.area ?? undefined,
  };
}

const laneOf = (lane: CalibrationRecord['lanes'][number]): Lane => ({
  name: lane.name,
  polygon: lane.polygon,
  direction: lane.direction ?? undefined,
  limit: lane.limitKmh === null ? undefined : kilometresPerHour(lane.limitKmh),
  limitSource: lane.limitSource ?? undefined,
  restriction:
    lane.restriction === null
      ? undefined
      : {
          only: lane.restriction.only,
          when: lane.restriction.when ?? undefined,
          grace: seconds(lane.restriction.graceS),
        },
});

const stopLineOf = (line: CalibrationRecord['stopLines'][number], lanes: readonly Lane[]): StopLine => ({
  name: line.name,
  points: line.points,
  direction: line.direction,
  signal: line.signal,
  lanes: lanes.filter(({ name }) => line.lanes.includes(name)),
  grace: seconds(line.graceS),
  stand: seconds(line.standS),
});

const zoneOf = (zone: CalibrationRecord['noStopping'][number]): Zone => ({
  name: zone.name,
  polygon: zone.polygon,
  allowed: seconds(zone.allowedS),
  when: zone.when ?? undefined,
  classes: zone.classes,
});
