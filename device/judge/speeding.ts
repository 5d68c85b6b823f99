import type { CaptureTime } from '../capture/frame.ts';
import type { ObjectClass } from '../detect/detection.ts';
import { type KilometresPerHour, kilometresPerHour, milliseconds, toKilometresPerHour } from '../kernel/units.ts';
import { areWheelsCut, bottomCentre } from '../scene/contact.ts';
import { contains } from '../scene/geometry.ts';
import type { Scene, SpeedLimits, Tolerance } from '../scene/scene.ts';
import { laneAt } from '../scene/scene.ts';
import { measureSpeed, type SpeedEstimate, speedNeeds } from '../scene/speed.ts';
import type { TrackPoint } from '../track/track.ts';
import { mildest } from './class-doubt.ts';
import type { Infraction } from './infraction.ts';
import type { Sight, Subject } from './subject.ts';

/** The speed of one road user, measured once, when its measurement closes. */
export interface SpeedReport {
  readonly track: number;
  readonly class: ObjectClass;
  readonly lane: string | undefined;
  readonly estimate: SpeedEstimate;
}

/** A road user that was not seen for so long is measured with what there is. */
const closesAfter = milliseconds(500);

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

/**
 * Speeding. Each road user is measured once, when its measurement closes: it reaches the border of the picture, leaves the measuring
 * area, is lost or ends. It is accused when the measured speed, less the legal tolerance, less `coverage` standard uncertainties, is
 * still above the limit; where its class is in doubt, above the highest limit of those that it may be. The charged figure is the measured speed less the tolerance, the charged moment the middle of the measurement.
 */
export class Speeding {
  readonly #scene: Scene;
  readonly #overshoot: number;
  readonly #closed = new WeakSet<Subject>();

  /** `overshoot`: how far boxes reach below the wheels, see `SpeedView`. */
  constructor(scene: Scene, overshoot: number) {
    this.#scene = scene;
    this.#overshoot = overshoot;
  }

  /** The report when the measurement closes with this frame. */
  measure({ subject, over, now }: Sight): SpeedReport | undefined {
    if (this.#scene.ground === undefined || subject.class === 'person' || this.#closed.has(subject)) return undefined;
    if (!over && !this.#closes(subject, now)) return undefined;
    this.#closed.add(subject);
    const area = this.#scene.speed?.area;
    const { ground, picture } = this.#scene;
    const estimate = measureSpeed(subject.trail.seen, subject.class, {
      ground,
      picture,
      area,
      overshoot: this.#overshoot,
    });
    return { track: subject.track.id, class: subject.class, lane: this.#lane(subject, estimate)?.name, estimate };
  }

  judge({ subject }: Sight, { estimate }: SpeedReport): Infraction | undefined {
    const limits = this.#scene.speed;
    if (limits === undefined || !estimate.stated || subject.accused.has('speeding')) return undefined;
    const measured = toKilometresPerHour(estimate.speed);
    const uncertainty = toKilometresPerHour(estimate.uncertainty);
    const lane = this.#lane(subject, estimate);
    const limit = kilometresPerHour(mildest(subject.track, (kind) => limitFor(limits, lane?.limit, kind)));
    const tolerance = toleranceAt(measured, limits.tolerance);
    const charged = measured - tolerance;
    const point = chargedPoint(subject, estimate);
    if (charged - limits.coverage * uncertainty <= limit || point === undefined) return undefined;
    subject.accused.add('speeding');
    const kmh = (value: number): string => `${value.toFixed(1)} km/h`;
    const part = (value: number): string => (value * 3.6).toFixed(2);
    const { pixel, contact, calibration, clock } = estimate.budget;
    return {
      rule: 'speeding',
      frame: point.frame,
      time: point.time,
      track: subject.track.id,
      class: subject.class,
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
      ],
    };
  }

  #closes(subject: Subject, now: CaptureTime): boolean {
    const { seen } = subject.trail;
    const last = seen.at(-1);
    const first = seen[0];
    if (last === undefined || first === undefined) return false;
    if (now.elapsed - last.time.elapsed >= closesAfter) return true;
    const area = this.#scene.speed?.area;
    const counts = (box: typeof last.box): boolean =>
      !areWheelsCut(box, this.#scene.picture) && (area === undefined || contains(area, bottomCentre(box)));
    // Leaving, not entering: it was whole and inside for long enough, and is not any more for three boxes on end.
    if (!seen.slice(-3).every((point) => !counts(point.box))) return false;
    return seen.filter((point) => counts(point.box)).length >= speedNeeds.points;
  }

  #lane(subject: Subject, estimate: SpeedEstimate) {
    const point = chargedPoint(subject, estimate);
    return point && laneAt(this.#scene, bottomCentre(point.box));
  }
}

/** The box in the middle of the measured time, which the speed is charged at; the last box where no speed is stated. */
function chargedPoint({ trail: { seen } }: Subject, estimate: SpeedEstimate): TrackPoint | undefined {
  if (!estimate.stated) return seen.at(-1);
  const middle = (estimate.from.time.elapsed + estimate.to.time.elapsed) / 2;
  const away = (point: TrackPoint): number => Math.abs(point.time.elapsed - middle);
  return seen.reduce<TrackPoint | undefined>((best, one) => (best && away(best) <= away(one) ? best : one), undefined);
}
