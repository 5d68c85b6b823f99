import type { CaptureTime } from '../capture/frame.ts';
import type { ObjectClass } from '../detect/detection.ts';
import { milliseconds } from '../kernel/units.ts';
import { areWheelsCut, bottomCentre } from '../scene/contact.ts';
import { contains } from '../scene/geometry.ts';
import { laneAt, type Scene } from '../scene/scene.ts';
import { type SpeedEstimate, speedNeeds } from '../scene/speed.ts';
import type { Infraction } from './infraction.ts';
import { chargedPoint, chargeSpeed, estimateSpeed } from './speeding-charge.ts';
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

/**
 * Speeding. Each road user is measured once, when its measurement closes: it reaches the border of the picture, leaves the measuring
 * area, is lost or ends. It is accused when the measured speed, less the legal tolerance, less `coverage` standard uncertainties, is
 * still above the limit; where its class is in doubt, above the highest limit of those that it may be. The charged figure is the measured speed less the tolerance, the charged moment the middle of the measurement.
 */
export class Speeding {
  readonly #scene: Scene;
  readonly #overshoot: number;
  readonly #doubt: () => string | undefined;
  readonly #closed = new WeakSet<Subject>();

  /** `overshoot`: how far boxes reach below the wheels; `doubt`: why no speed is to be stated now. See `SpeedView`. */
  constructor(scene: Scene, overshoot: number, doubt: () => string | undefined = () => undefined) {
    this.#scene = scene;
    this.#overshoot = overshoot;
    this.#doubt = doubt;
  }

  /** The report when the measurement closes with this frame. */
  measure({ subject, over, now }: Sight): SpeedReport | undefined {
    if (this.#scene.ground === undefined || subject.class === 'person' || this.#closed.has(subject)) return undefined;
    if (!over && !this.#closes(subject, now)) return undefined;
    this.#closed.add(subject);
    const { seen } = subject.trail;
    const estimate = estimateSpeed(this.#scene, this.#overshoot, seen, subject.class, this.#doubt());
    const point = chargedPoint(seen, estimate);
    const lane = point && laneAt(this.#scene, bottomCentre(point.box));
    return { track: subject.track.id, class: subject.class, lane: lane?.name, estimate };
  }

  judge({ subject }: Sight, { estimate }: SpeedReport): Infraction | undefined {
    if (subject.accused.has('speeding')) return undefined;
    const { track, trail } = subject;
    const driver = { track: track.id, class: subject.class, votes: track.votes };
    const infraction = chargeSpeed(this.#scene, driver, trail.seen, estimate);
    if (infraction !== undefined) subject.accused.add('speeding');
    return infraction;
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
}
