import type { CaptureTime } from '../capture/frame.ts';
import type { ObjectClass } from '../detect/detection.ts';
import { type KilometresPerHour, kilometresPerHour, toKilometresPerHour } from '../kernel/units.ts';
import { type CertificateState, certificateState } from '../scene/certificate.ts';
import { bottomCentre } from '../scene/contact.ts';
import { laneAt, type Scene, type SpeedLimits, type Tolerance } from '../scene/scene.ts';
import { measureSpeed, type SpeedEstimate } from '../scene/speed.ts';
import type { TrackPoint } from '../track/track.ts';
import { mildest } from './class-doubt.ts';
import type { Finding, Infraction } from './infraction.ts';

/** Who is measured: the track's number, its class and the shares of its vote. */
export interface Driver {
  readonly track: number;
  readonly class: ObjectClass;
  readonly votes: ReadonlyMap<ObjectClass, number>;
}

/** What is deducted from a measured speed: `kmh` up to 100 km/h, `percent` of it above. */
export function toleranceAt(speed: number, tolerance: Tolerance): KilometresPerHour {
  return kilometresPerHour(speed <= 100 ? tolerance.kmh : (speed * tolerance.percent) / 100);
}

/** The limit for a class in a lane: the lane's own or the road's, and the class's where that is lower. */
export function limitFor(
  limits: SpeedLimits,
  lane: KilometresPerHour | undefined,
  kind: ObjectClass,
): KilometresPerHour {
  return kilometresPerHour(Math.min(lane ?? limits.limit, limits.byClass.get(kind) ?? Number.POSITIVE_INFINITY));
}

/** The speed by the boxes that were seen. `overshoot`: how far boxes reach below the wheels, `doubt`: why none is to be stated; see `SpeedView`. */
export const estimateSpeed = (
  { ground, picture, speed }: Scene,
  overshoot: number,
  seen: readonly TrackPoint[],
  kind: ObjectClass,
  doubt?: string,
): SpeedEstimate => measureSpeed(seen, kind, { ground, picture, area: speed?.area, overshoot, doubt });

/**
 * The accusation that an estimate is good for; `undefined` where it is good for none. It is made of its arguments alone, so that a record
 * of them gives it again.
 */
export function chargeSpeed(
  scene: Scene,
  driver: Driver,
  seen: readonly TrackPoint[],
  estimate: SpeedEstimate,
): Infraction | undefined {
  const limits = scene.speed;
  if (limits === undefined || !estimate.stated) return undefined;
  const measured = toKilometresPerHour(estimate.speed);
  const uncertainty = toKilometresPerHour(estimate.uncertainty);
  const point = chargedPoint(seen, estimate);
  const lane = point && laneAt(scene, bottomCentre(point.box));
  const limit = kilometresPerHour(mildest(driver, (kind) => limitFor(limits, lane?.limit, kind)));
  const tolerance = toleranceAt(measured, limits.tolerance);
  const charged = measured - tolerance;
  if (charged - limits.coverage * uncertainty <= limit || point === undefined) return undefined;
  const kmh = (value: number): string => `${value.toFixed(1)} km/h`;
  const part = (value: number): string => (value * 3.6).toFixed(2);
  const { pixel, contact, calibration, clock } = estimate.budget;
  return {
    rule: 'speeding',
    frame: point.frame,
    time: point.time,
    track: driver.track,
    class: driver.class,
    lane: lane?.name,
    box: point.box,
    measured: {
      rule: 'speeding',
      speedKmh: measured,
      uncertaintyKmh: uncertainty,
      limitKmh: limit,
      toleranceKmh: tolerance,
      chargedKmh: charged,
    },
    findings: [
      {
        name: 'measured-speed',
        value: measured,
        unit: 'km/h',
        says: `${estimate.points} positions over ${estimate.path.toFixed(1)} m and ${estimate.duration.toFixed(2)} s (frames ${estimate.from.frame} to ${estimate.to.frame}) give ${kmh(measured)}.`,
      },
      {
        name: 'uncertainty',
        value: uncertainty,
        unit: 'km/h',
        says: `Its standard uncertainty is ${kmh(uncertainty)}: boxes ${part(pixel)}, wheel contact ${part(contact)}, calibration ${part(calibration)}, clock ${part(clock)} km/h.`,
      },
      {
        name: 'residual',
        value: estimate.residual,
        unit: 'm',
        says: `The positions miss a steady motion by ${estimate.residual.toFixed(2)} m.`,
      },
      {
        name: 'tolerance',
        value: tolerance,
        unit: 'km/h',
        says: `${kmh(tolerance)} are deducted by tolerance ${limits.tolerance.name}.`,
      },
      {
        name: 'charged-speed',
        value: charged,
        unit: 'km/h',
        limit,
        says: `${kmh(charged)} are charged; the limit is ${limit} km/h.`,
      },
      {
        name: 'beyond-doubt',
        value: charged - limits.coverage * uncertainty,
        unit: 'km/h',
        limit,
        says: `Less ${limits.coverage} standard uncertainties it is still ${kmh(charged - limits.coverage * uncertainty)}.`,
      },
      ...certificateFinding(scene, point.time),
    ],
  };
}

/** What the calibration's certificate was on the day; nothing where the scene names none. */
function certificateFinding(
  { certificate, timeZone }: Scene,
  { utc, clock: { dated } }: CaptureTime,
): readonly Finding[] {
  if (certificate === undefined) return [];
  const { number, issuer, issued, expires } = certificate;
  const state = certificateState(certificate, { utc, dated }, timeZone);
  return [
    {
      name: 'calibration-certificate',
      value: state,
      limit: 'valid',
      says: `Certificate ${number} of the calibration, by ${issuer}, is valid from ${issued} to ${expires}: ${certificateWords[state]}.`,
    },
  ];
}

const certificateWords: Readonly<Record<CertificateState, string>> = {
  valid: 'it was valid on the day',
  expired: 'it had expired on the day',
  'not-yet-valid': 'it was not yet valid on the day',
  undated: 'nothing states the day',
};

/** The box in the middle of the measured time, which the speed is charged at; the last box where no speed is stated. */
export function chargedPoint(seen: readonly TrackPoint[], estimate: SpeedEstimate): TrackPoint | undefined {
  if (!estimate.stated) return seen.at(-1);
  const middle = (estimate.from.time.elapsed + estimate.to.time.elapsed) / 2;
  const away = (point: TrackPoint): number => Math.abs(point.time.elapsed - middle);
  return seen.reduce<TrackPoint | undefined>((best, one) => (best && away(best) <= away(one) ? best : one), undefined);
}
