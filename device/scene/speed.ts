import type { CaptureTime } from '../capture/frame.ts';
import type { Box, ObjectClass } from '../detect/detection.ts';
import { type Metres, type MetresPerSecond, metres, metresPerSecond, type Seconds, seconds } from '../kernel/units.ts';
import { areWheelsCut, bottomCentre, chassisOnRoad } from './contact.ts';
import { contains, type Point, type Polygon } from './geometry.ts';
import type { GroundPlane } from './ground-plane.ts';
import { leapsOf } from './leap.ts';
import { type Fix, fitMotion, type Motion } from './motion-fit.ts';

/** A box at a frame, as a track has it. */
export interface SpeedPoint {
  readonly frame: number;
  readonly time: CaptureTime;
  readonly box: Box;
  /** Only boxes that were seen are used, never predicted ones. */
  readonly measured: boolean;
}

/** Standard uncertainties (1 sigma) of a speed, by cause; their root sum of squares is the whole. */
export interface SpeedBudget {
  /** Scatter of the box from frame to frame. */
  readonly pixel: MetresPerSecond;
  /** A constant bias of the box's lower edge by a share of its height. */
  readonly contact: MetresPerSecond;
  /** Error of the calibration. */
  readonly calibration: MetresPerSecond;
  /** Error of the time between the first and the last frame. */
  readonly clock: MetresPerSecond;
}

export type SpeedRefusal =
  | 'no-calibration'
  | 'camera-moved'
  | 'clock-nominal'
  | 'too-few-points'
  | 'too-short-time'
  | 'too-short-path'
  | 'ground-too-coarse'
  | 'motion-not-described'
  | 'motion-not-steady'
  | 'too-uncertain';

export type SpeedEstimate =
  | {
      readonly stated: true;
      /** Mean speed on the way from `from` to `to`. */
      readonly speed: MetresPerSecond;
      /** 1 sigma. */
      readonly uncertainty: MetresPerSecond;
      readonly budget: SpeedBudget;
      readonly from: { readonly frame: number; readonly time: CaptureTime };
      readonly to: { readonly frame: number; readonly time: CaptureTime };
      /** Boxes that were used. */
      readonly points: number;
      readonly path: Metres;
      readonly duration: Seconds;
      /** Root mean square of the positions against the fitted motion, along the way. */
      readonly residual: Metres;
    }
  | { readonly stated: false; readonly reason: SpeedRefusal; readonly says: string };

export interface SpeedView {
  readonly ground: GroundPlane | undefined;
  readonly picture: { readonly width: number; readonly height: number };
  /** Only boxes whose bottom centre stands here are used. */
  readonly area?: Polygon | undefined;
  /** How far the boxes reach below the wheels on average, as a share of their height; 0 for boxes that end at the wheels. */
  readonly overshoot?: number | undefined;
  /** Why the calibration does not hold any more, such as that the camera was moved: then no speed is stated. */
  readonly doubt?: string | undefined;
}

/** What a measurement must have; every figure in the unit its name ends in. */
export const speedNeeds = {
  points: 8,
  durationS: 0.4,
  pathM: 4,
  /** A box whose own error on the road is greater is left out. */
  fixErrorM: 2.5,
  /** Residual, as a share of the way, and at least in metres. */
  residualShare: 0.04,
  residualM: 0.4,
  /** Change of the speed from the first to the last box, as a share of the mean: a stop has no speed. */
  changeShare: 0.5,
  /** Uncertainty, as a share of the speed, and at least in metres per second. */
  uncertainShare: 0.1,
  uncertainMps: 0.6,
} as const;

/** Standard error of a detector's box edge: a constant part in pixels, and a share of the box. */
const edgePx = 0.7;
const edgeShare = 0.015;
/**
 * Standard uncertainty of the lower edge against the wheels, as a share of the box's height, once the detector's usual overshoot is
 * taken off: it changes with light and vehicle, and moves all boxes of a track the same way.
 */
const biasShare = 0.045;

/**
 * Measures the speed of one road user from its boxes: ground positions (see `chassisOnRoad`), a robust fit over the frames' own
 * times, and the standard uncertainty by cause. States no speed, with the reason, where the data does not carry one.
 */
export function measureSpeed(points: readonly SpeedPoint[], kind: ObjectClass, view: SpeedView): SpeedEstimate {
  const { ground, picture, area, overshoot = 0, doubt } = view;
  if (ground === undefined) return refuse('no-calibration', 'the scene has no calibration');
  if (doubt !== undefined) return refuse('camera-moved', doubt);
  const usable = (point: SpeedPoint): boolean =>
    !areWheelsCut(point.box, picture) && (area === undefined || contains(area, bottomCentre(point.box)));
  const seen = longestRun(
    points.filter((point) => point.measured),
    usable,
  );
  if (seen.some((point) => point.time.clock.source === 'nominal')) {
    return refuse('clock-nominal', 'the times of the frames are counted, not measured');
  }
  if (seen.length < speedNeeds.points) {
    return refuse('too-few-points', `${seen.length} whole boxes were seen, ${speedNeeds.points} are needed`);
  }
  const clear = seen.filter((point) => fixError(point.box, ground) <= speedNeeds.fixErrorM);
  if (clear.length < speedNeeds.points) {
    return refuse(
      'ground-too-coarse',
      `a pixel spans too much road at ${seen.length - clear.length} of ${seen.length} boxes`,
    );
  }
  const fine = longestWithoutLeap(clear, ground);
  if (fine.length < speedNeeds.points) {
    return refuse(
      'too-few-points',
      `the box leaps: ${fine.length} boxes on end go steadily, ${speedNeeds.points} are needed`,
    );
  }
  const first = fine[0];
  const last = fine.at(-1);
  if (first === undefined || last === undefined) return refuse('too-few-points', 'no box was seen');
  const duration = (last.time.elapsed - first.time.elapsed) / 1000;
  if (duration < speedNeeds.durationS) {
    return refuse('too-short-time', `${duration.toFixed(2)} s were seen, ${speedNeeds.durationS} s are needed`);
  }
  const measured = measure(fine, kind, ground, duration, -overshoot);
  if (measured === undefined) return refuse('motion-not-described', 'the positions determine no motion');
  const { path, motion, headings } = measured;
  if (path < speedNeeds.pathM) {
    return refuse('too-short-path', `${path.toFixed(1)} m were driven, ${speedNeeds.pathM} m are needed`);
  }
  const allowed = Math.max(speedNeeds.residualM, speedNeeds.residualShare * path);
  if (motion.residual > allowed) {
    return refuse(
      'motion-not-described',
      `the positions miss a steady motion by ${motion.residual.toFixed(2)} m, ${allowed.toFixed(2)} m are allowed`,
    );
  }
  const speed = path / duration;
  const change = Math.hypot(motion.acceleration.x, motion.acceleration.y) * duration;
  if (change > speedNeeds.changeShare * speed) {
    return refuse('motion-not-steady', `the speed changed by ${(change * 3.6).toFixed(0)} km/h on the way`);
  }
  const again = (plane: GroundPlane, bias: number): number =>
    (pathOf(fixesOf(fine, kind, plane, headings, bias), motion.degree, duration) ?? path) / duration - speed;
  const biases = [again(ground, biasShare - overshoot), again(ground, -biasShare - overshoot)].map(Math.abs);
  const moved = ground.variations().map((plane) => again(plane, -overshoot));
  const clock = Math.max(first.time.clock.intervalError, last.time.clock.intervalError) / 1000;
  const budget: SpeedBudget = {
    pixel: metresPerSecond(Math.sqrt(motion.alongVariance)),
    contact: metresPerSecond(Math.max(...biases)),
    calibration: metresPerSecond(Math.hypot(...moved)),
    clock: metresPerSecond((speed * clock) / duration),
  };
  const uncertainty = Math.hypot(budget.pixel, budget.contact, budget.calibration, budget.clock);
  if (uncertainty > Math.max(speedNeeds.uncertainMps, speedNeeds.uncertainShare * speed)) {
    return refuse(
      'too-uncertain',
      `${(speed * 3.6).toFixed(0)} km/h are uncertain by ${(uncertainty * 3.6).toFixed(1)} km/h`,
    );
  }
  return {
    stated: true,
    speed: metresPerSecond(speed),
    uncertainty: metresPerSecond(uncertainty),
    budget,
    from: { frame: first.frame, time: first.time },
    to: { frame: last.frame, time: last.time },
    points: fine.length,
    path: metres(path),
    duration: seconds(duration),
    residual: metres(motion.residual),
  };
}

/** The longest part of the way in which the box does not come to stand for another place of the vehicle, or another vehicle. */
function longestWithoutLeap(points: readonly SpeedPoint[], ground: GroundPlane): readonly SpeedPoint[] {
  const steps = points.flatMap((point) => {
    const road = ground.toRoad(bottomCentre(point.box));
    return road === undefined ? [] : [{ t: point.time.elapsed / 1000, road, error: fixError(point.box, ground) }];
  });
  if (steps.length < points.length) return points;
  const bounds = [0, ...leapsOf(steps), points.length];
  const parts = bounds.slice(1).map((end, i) => points.slice(bounds[i], end));
  return parts.reduce((best, part) => (part.length > best.length ? part : best), []);
}

/** The longest run of points that are all usable: beside the border, a box that seems whole now and then is not. */
function longestRun(points: readonly SpeedPoint[], usable: (point: SpeedPoint) => boolean): readonly SpeedPoint[] {
  let best: readonly SpeedPoint[] = [];
  let run: SpeedPoint[] = [];
  for (const point of points) {
    if (usable(point)) run.push(point);
    else run = [];
    if (run.length > best.length) best = run;
  }
  return best;
}

const refuse = (reason: SpeedRefusal, says: string): SpeedEstimate => ({ stated: false, reason, says });

interface Measured {
  readonly motion: Motion;
  readonly path: number;
  /** Direction on the road at each point. */
  readonly headings: readonly Point[];
}

function measure(
  points: readonly SpeedPoint[],
  kind: ObjectClass,
  ground: GroundPlane,
  duration: number,
  bias: number,
): Measured | undefined {
  // The chassis needs a heading and the heading needs positions: the bottom centres give the first one, two rounds settle it.
  let fixes = fixesOf(points, kind, ground, undefined, bias);
  let motion = fitMotion(fixes);
  let headings: readonly Point[] = [];
  for (let round = 0; round < 2 && motion !== undefined; round++) {
    const now = motion;
    headings = points.map((point) => headingAt(now, point.time.elapsed / 1000));
    fixes = fixesOf(points, kind, ground, headings, bias);
    motion = fitMotion(fixes);
  }
  return motion === undefined ? undefined : { motion, path: pathLength(motion, duration), headings };
}

function pathOf(fixes: readonly Fix[], degree: 1 | 2, duration: number): number | undefined {
  const motion = fitMotion(fixes, degree);
  return motion === undefined ? undefined : pathLength(motion, duration);
}

function fixesOf(
  points: readonly SpeedPoint[],
  kind: ObjectClass,
  ground: GroundPlane,
  headings: readonly Point[] | undefined,
  bias: number,
): readonly Fix[] {
  return points.flatMap((point, i) => {
    const box = { ...point.box, height: point.box.height * (1 + bias) };
    const foot = bottomCentre(box);
    const heading = headings?.[i];
    const road = heading === undefined ? ground.toRoad(foot) : chassisOnRoad(box, heading, kind, ground);
    if (road === undefined) return [];
    const covariance = ground.pixelCovariance(foot, edgeError(box.width), edgeError(box.height));
    return [{ t: point.time.elapsed / 1000, road, covariance }];
  });
}

const edgeError = (size: number): number => Math.hypot(edgePx, edgeShare * size);

function fixError(box: Box, ground: GroundPlane): number {
  const foot = bottomCentre(box);
  if (ground.toRoad(foot) === undefined) return Number.POSITIVE_INFINITY;
  return edgeError(box.height) * ground.resolution(foot);
}

function headingAt({ origin, velocity, acceleration }: Motion, t: number): Point {
  const x = velocity.x + acceleration.x * (t - origin);
  const y = velocity.y + acceleration.y * (t - origin);
  const speed = Math.hypot(x, y);
  return speed > 1e-9 ? { x: x / speed, y: y / speed } : { x: 1, y: 0 };
}

/** Length of the way from half the duration before the origin to half after it, by Simpson's rule. */
function pathLength({ velocity, acceleration }: Motion, duration: number): number {
  const steps = 20;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const t = duration * (i / steps - 0.5);
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.hypot(velocity.x + acceleration.x * t, velocity.y + acceleration.y * t);
  }
  return (sum * duration) / (3 * steps);
}
