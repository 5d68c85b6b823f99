import type { Milliseconds } from '../kernel/units.ts';
import { depthInside } from '../scene/geometry.ts';
import type { Lane, Scene } from '../scene/scene.ts';
import { holds } from '../scene/schedule.ts';
import { doubtShare, shareOf } from './class-doubt.ts';
import type { Infraction } from './infraction.ts';
import type { Rule } from './rule.ts';
import type { Sight, Subject } from './subject.ts';
import type { Moment } from './trail.ts';

interface Stay {
  /** On the watch of the trail. */
  readonly since: Milliseconds;
  moments: number;
  due: Due | undefined;
}

/** The moment that is charged, if the class proves right. */
interface Due {
  readonly moment: Moment;
  readonly stayed: number;
}

/** The wheels must be inside the lane by this share of the box's width. */
const insideShare = 0.1;
/** Moments inside that are needed beside the time, so that a gap in which the vehicle was hidden does not accuse it. */
const neededMoments = 8;
/** The vehicle is watched for so long after the moment that is charged, milliseconds: far away a bus may be taken for a lorry. */
const secondLook = 2000;

type Restriction = NonNullable<Lane['restriction']>;

/**
 * Restricted lane: a vehicle of a class that may not use the lane is inside it for longer than the lane's grace, was of one class all that
 * time, and has next to no votes for a class that may. It is looked at again for a while before it is accused, since more is seen of it
 * then. Crossing the lane to turn takes less than the grace.
 */
export class RestrictedLane implements Rule {
  readonly #scene: Scene;
  readonly #lane: Lane;
  readonly #stays = new WeakMap<Subject, Stay>();

  constructor(scene: Scene, lane: Lane) {
    this.#scene = scene;
    this.#lane = lane;
  }

  observe({ subject, moments, over }: Sight): Infraction | undefined {
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
        const due = this.#stays.get(subject)?.due;
        this.#stays.delete(subject);
        const infraction = due && this.#accuse(subject, due, restriction);
        if (infraction !== undefined) return infraction;
        continue;
      }
      const stay = this.#stays.get(subject) ?? { since: moment.watched, moments: 0, due: undefined };
      stay.moments += 1;
      this.#stays.set(subject, stay);
      const ofClass = moment.time.elapsed - subject.classSince.elapsed;
      const stayed = Math.min(moment.watched - stay.since, ofClass) / 1000;
      if (stayed <= restriction.grace || stay.moments < neededMoments) continue;
      stay.due ??= { moment, stayed };
      if (moment.watched - stay.due.moment.watched < secondLook) continue;
      const infraction = this.#accuse(subject, stay.due, restriction);
      if (infraction !== undefined) return infraction;
      // In doubt: perhaps a later moment is clear.
      stay.due = undefined;
    }
    const due = over ? this.#stays.get(subject)?.due : undefined;
    return due && this.#accuse(subject, due, restriction);
  }

  /** The accusation for a stay that is too long, unless the vehicle may be of a class that is allowed here. */
  #accuse(subject: Subject, { moment, stayed }: Due, { only, when, grace }: Restriction): Infraction | undefined {
    const doubt = shareOf(subject.track, only);
    if (doubt >= doubtShare) return undefined;
    subject.accused.add('restricted-lane');
    const allowed = only.join(', ');
    return {
      rule: 'restricted-lane',
      frame: moment.frame,
      time: moment.time,
      track: subject.track.id,
      class: subject.class,
      lane: this.#lane.name,
      box: moment.box,
      measured: { rule: 'restricted-lane', lane: this.#lane.name, allowed: only, insideS: stayed },
      findings: [
        {
          name: 'class',
          value: subject.class,
          limit: allowed,
          says: `It is a ${subject.class}; the lane is for ${allowed} only.`,
        },
        {
          name: 'class-doubt',
          value: doubt,
          limit: doubtShare,
          says: `${Math.round(100 * doubt)} % of what was seen of it speak for a class that is allowed; less than ${Math.round(100 * doubtShare)} % are needed.`,
        },
        {
          name: 'inside',
          value: stayed,
          unit: 's',
          limit: grace,
          says: `Its wheels were inside lane ${this.#lane.name} for ${stayed.toFixed(2)} s; ${grace} s are forgiven.`,
        },
        { name: 'class-kept', value: true, says: 'The class did not change in that time.' },
        {
          name: 'rule-holds',
          value: true,
          says:
            when === undefined
              ? 'The restriction holds at all times.'
              : 'The restriction holds at this time of the week.',
        },
      ],
    };
  }
}
