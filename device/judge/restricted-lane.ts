import type { CaptureTime } from '../capture/frame.ts';
import { depthInside } from '../scene/geometry.ts';
import type { Lane, Scene } from '../scene/scene.ts';
import { holds } from '../scene/schedule.ts';
import type { Infraction } from './infraction.ts';
import type { Rule } from './rule.ts';
import type { Sight, Subject } from './subject.ts';

interface Stay {
  readonly since: CaptureTime;
  moments: number;
}

/** The wheels must be inside the lane by this share of the box's width. */
const insideShare = 0.1;
/** Moments inside that are needed beside the time, so that a gap in which the vehicle was hidden does not accuse it. */
const neededMoments = 8;

/**
 * Restricted lane: a vehicle of a class that may not use the lane is inside it for longer than the lane's grace, and was of one class all
 * that time. Crossing the lane to turn takes less than the grace.
 */
export class RestrictedLane implements Rule {
  readonly #scene: Scene;
  readonly #lane: Lane;
  readonly #stays = new WeakMap<Subject, Stay>();

  constructor(scene: Scene, lane: Lane) {
    this.#scene = scene;
    this.#lane = lane;
  }

  observe({ subject, moments }: Sight): Infraction | undefined {
    const { restriction } = this.#lane;
    if (restriction === undefined || subject.class === 'person' || subject.accused.has('restricted-lane'))
      return undefined;
    if (restriction.only.includes(subject.class)) {
      this.#stays.delete(subject);
      return undefined;
    }
    for (const moment of moments) {
      const inside = depthInside(this.#lane.polygon, moment.foot) >= insideShare * moment.box.width;
      if (!inside || moment.leapt || !holds(restriction.when, moment.time.utc, this.#scene.timeZone)) {
        this.#stays.delete(subject);
        continue;
      }
      const stay = this.#stays.get(subject) ?? { since: moment.time, moments: 0 };
      stay.moments += 1;
      this.#stays.set(subject, stay);
      const begin = Math.max(stay.since.elapsed, subject.classSince.elapsed);
      const stayed = (moment.time.elapsed - begin) / 1000;
      if (stayed < restriction.grace || stay.moments < neededMoments) continue;
      subject.accused.add('restricted-lane');
      const allowed = restriction.only.join(', ');
      return {
        rule: 'restricted-lane',
        frame: moment.frame,
        time: moment.time,
        track: subject.track.id,
        class: subject.class,
        lane: this.#lane.name,
        box: moment.box,
        measured: { rule: 'restricted-lane', lane: this.#lane.name, allowed: restriction.only, insideS: stayed },
        findings: [
          {
            name: 'class',
            value: subject.class,
            limit: allowed,
            says: `It is a ${subject.class}; the lane is for ${allowed} only.`,
          },
          {
            name: 'inside',
            value: stayed,
            unit: 's',
            limit: restriction.grace,
            says: `Its wheels were inside lane ${this.#lane.name} for ${stayed.toFixed(1)} s; ${restriction.grace} s are forgiven.`,
          },
          {
            name: 'class-since',
            value: (moment.time.elapsed - subject.classSince.elapsed) / 1000,
            unit: 's',
            says: 'The class did not change in that time.',
          },
          {
            name: 'rule-holds',
            value: true,
            says:
              restriction.when === undefined
                ? 'The restriction holds at all times.'
                : 'The restriction holds at this time of the week.',
          },
        ],
      };
    }
    return undefined;
  }
}
