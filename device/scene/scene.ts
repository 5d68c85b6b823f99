import type { ObjectClass } from '../detect/detection.ts';
import type { KilometresPerHour, Seconds } from '../kernel/units.ts';
import type { Certificate } from './certificate.ts';
import { contains, type Point, type Polygon, type Polyline, type Rectangle } from './geometry.ts';
import type { GroundPlane } from './ground-plane.ts';
import type { WeeklyWindow } from './schema-parts.ts';

/**
 * What the unit knows of the road before its camera, in pixels of the pictures that arrive, checked: names are unique, references
 * resolve, every point is in the picture, every outline is simple.
 */
export interface Scene {
  readonly name: string;
  readonly picture: { readonly width: number; readonly height: number };
  readonly timeZone: string;
  /** `undefined` without calibration: no metres and no speed. */
  readonly ground: GroundPlane | undefined;
  /** Day of the survey as the scene states it, YYYY-MM-DD. */
  readonly surveyed: string | undefined;
  readonly certificate: Certificate | undefined;
  readonly speed: SpeedLimits | undefined;
  readonly lanes: readonly Lane[];
  readonly signals: readonly SignalHead[];
  readonly stopLines: readonly StopLine[];
  readonly countingLines: readonly CountingLine[];
  readonly noStopping: readonly Zone[];
  readonly boxJunctions: readonly Zone[];
  /** Where the detector looks, at least one; `auto` leaves it to the detector. */
  readonly regions: readonly Rectangle[] | 'auto';
  /** `undefined`: nothing says which plates to expect, so none is read. */
  readonly plates: { readonly formats: readonly string[] } | undefined;
  readonly ignore: readonly Polygon[];
}

export interface SpeedLimits {
  readonly limit: KilometresPerHour;
  /** What set the limit, in the scene's words. */
  readonly limitSource: string | undefined;
  readonly byClass: ReadonlyMap<ObjectClass, KilometresPerHour>;
  readonly tolerance: Tolerance;
  /** Standard uncertainties that must lie between the charged speed and the limit. */
  readonly coverage: number;
  readonly area: Polygon | undefined;
}

/** `kmh` is deducted up to 100 km/h, `percent` of the measured speed above. */
export interface Tolerance {
  readonly name: string;
  readonly kmh: number;
  readonly percent: number;
}

export interface Lane {
  readonly name: string;
  readonly polygon: Polygon;
  readonly direction: Polyline | undefined;
  readonly limit: KilometresPerHour | undefined;
  readonly limitSource: string | undefined;
  readonly restriction:
    | {
        readonly only: readonly ObjectClass[];
        readonly when: readonly WeeklyWindow[] | undefined;
        readonly grace: Seconds;
      }
    | undefined;
}

export interface StopLine {
  readonly name: string;
  /** In the order in which travel goes over it from the line's left to its right (as `offsetFrom` signs it: before is negative). */
  readonly points: Polyline;
  /** Length 1, the sense of travel. */
  readonly direction: Point;
  readonly signal: string;
  /** Empty: every lane. */
  readonly lanes: readonly Lane[];
  readonly grace: Seconds;
  readonly stand: Seconds;
}

export interface CountingLine {
  readonly name: string;
  readonly points: Polyline;
  readonly left: string;
  readonly right: string;
  readonly classes: readonly ObjectClass[];
}

export interface Zone {
  readonly name: string;
  readonly polygon: Polygon;
  readonly allowed: Seconds;
  readonly when: readonly WeeklyWindow[] | undefined;
  readonly classes: readonly ObjectClass[];
}

export interface SignalHead {
  readonly name: string;
  readonly lamp: Point | undefined;
  readonly phases: PhasePlan;
}

export type PhaseName = 'red' | 'amber' | 'green' | 'off';

/** Where a head's phase is known from; times in seconds since the source began. */
export type PhasePlan =
  | { readonly kind: 'schedule'; readonly spans: readonly { from: number; to: number; phase: PhaseName }[] }
  | {
      readonly kind: 'cycle';
      readonly offset: number;
      readonly steps: readonly { seconds: number; phase: PhaseName }[];
    }
  | { readonly kind: 'input'; readonly red?: string; readonly amber?: string; readonly green?: string };

/** True where nothing is drawn that anybody could be accused or counted by. */
export const judgesNothing = ({ lanes, stopLines, countingLines, noStopping, boxJunctions }: Scene): boolean =>
  [lanes, stopLines, countingLines, noStopping, boxJunctions].every((drawn) => drawn.length === 0);

/** The first lane that holds the point. */
export const laneAt = (scene: Scene, point: Point): Lane | undefined =>
  scene.lanes.find((lane) => contains(lane.polygon, point));

/** True where the scene says that nobody at this point is of interest. */
export const isIgnored = (scene: Scene, point: Point): boolean => scene.ignore.some((area) => contains(area, point));
