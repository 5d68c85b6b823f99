import { depthInside, directionAt, distance, dot, type Point } from '../scene/geometry.ts';
import type { Lane, Scene } from '../scene/scene.ts';
import type { Infraction } from './infraction.ts';
import type { Rule } from './rule.ts';
import type { Sight, Subject } from './subject.ts';
import type { Moment } from './trail.ts';

/** A way against the direction of a lane, without a break. */
interface Run {
  readonly lane: Lane;
  readonly begin: Moment;
  last: Moment;
  moments: number;
  /** Length of the way, and of its part against the lane, pixels. */
  way: number;
  against: number;
  angle: number;
}

interface Against {
  readonly lane: Lane;
  readonly direction: Point;
  readonly angle: number;
}

/** A movement of at least 120 degrees from the lane's direction is against it. */
const againstCosine = -0.5;
/** The wheels must be inside the lane by this share of the box's width: a box that leans over a lane's edge is not in it. */
const insideShare = 0.05;
/** What a run needs: seconds, moments, way in box sizes and pixels, metres where the scene has them. */
const needs = { seconds: 0.8, moments: 8, sizes: 1.25, pixels: 20, metres: 5, straight: 0.75 } as const;

/**
 * Wrong way: the wheels move against a lane's direction, inside the lane, over time and distance. Jitter of small boxes does not add up to
 * a way, a leap to another vehicle ends the run, and a curve is followed by the lane's polyline.
 */
export class WrongWay implements Rule {
  readonly #scene: Scene;
  readonly #runs = new WeakMap<Subject, Run>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  observe({ subject, moments }: Sight): Infraction | undefined {
    if (subject.class === 'person' || subject.accused.has('wrong-way')) return undefined;
    for (const moment of moments) {
      this.#step(subject, moment);
      const run = this.#runs.get(subject);
      const infraction = run === undefined ? undefined : this.#judge(subject, run, moment);
      if (infraction !== undefined) return infraction;
    }
    return undefined;
  }

  #step(subject: Subject, moment: Moment): void {
    const run = this.#runs.get(subject);
    if (moment.leapt) {
      this.#runs.delete(subject);
      return;
    }
    if (!moment.moving || moment.heading === undefined) return;
    const found = this.#against(moment, moment.heading);
    if (found === undefined) {
      this.#runs.delete(subject);
      return;
    }
    if (run === undefined || run.lane !== found.lane) {
      this.#runs.set(subject, {
        lane: found.lane,
        begin: moment,
        last: moment,
        moments: 1,
        way: 0,
        against: 0,
        angle: found.angle,
      });
      return;
    }
    const step = { x: moment.foot.x - run.last.foot.x, y: moment.foot.y - run.last.foot.y };
    run.way += Math.hypot(step.x, step.y);
    run.against -= dot(step, found.direction);
    run.angle += (found.angle - run.angle) / (run.moments + 1);
    run.moments += 1;
    run.last = moment;
  }

  /**
   * The first lane of the scene that the moment goes against; `undefined` where it stands in no lane, or in any that it does not go
   * against. The order of the lanes does not matter for that.
   */
  #against(moment: Moment, heading: Point): Against | undefined {
    let against: Against | undefined;
    for (const lane of this.#scene.lanes) {
      if (lane.direction === undefined) continue;
      if (depthInside(lane.polygon, moment.foot) < insideShare * moment.box.width) continue;
      const direction = directionAt(lane.direction, moment.foot);
      if (direction === undefined) continue;
      const cosine = dot(heading, direction);
      // Lanes may overlap, at a junction: following one of them is enough.
      if (cosine > againstCosine) return undefined;
      against ??= { lane, direction, angle: (Math.acos(Math.max(-1, cosine)) * 180) / Math.PI };
    }
    return against;
  }

  #judge(subject: Subject, run: Run, moment: Moment): Infraction | undefined {
    if (run.last !== moment || run.moments < needs.moments) return undefined;
    const lasted = (moment.time.elapsed - run.begin.time.elapsed) / 1000;
    const size = Math.sqrt(moment.box.width * moment.box.height);
    const needed = Math.max(needs.pixels, needs.sizes * size);
    const net = distance(run.begin.foot, moment.foot);
    const metres = this.#metres(run.begin.foot, moment.foot);
    if (lasted < needs.seconds || run.against < needed || net < needs.straight * run.way) return undefined;
    if (metres !== undefined && metres < needs.metres) return undefined;
    subject.accused.add('wrong-way');
    return {
      rule: 'wrong-way',
      frame: moment.frame,
      time: moment.time,
      track: subject.track.id,
      class: subject.class,
      lane: run.lane.name,
      box: moment.box,
      measured: {
        rule: 'wrong-way',
        lane: run.lane.name,
        againstDeg: run.angle,
        distancePx: run.against,
        ...(metres !== undefined && { distanceM: metres }),
      },
      findings: [
        { name: 'lane', value: run.lane.name, says: `The wheels were inside lane ${run.lane.name} all the way.` },
        {
          name: 'angle',
          value: run.angle,
          unit: 'deg',
          limit: 120,
          says: `It moved at ${run.angle.toFixed(0)} degrees to the lane's direction on average; 120 at every moment are needed.`,
        },
        {
          name: 'distance',
          value: run.against,
          unit: 'px',
          limit: needed,
          says: `It went ${run.against.toFixed(0)} px against the lane; ${needed.toFixed(0)} px are needed.`,
        },
        {
          name: 'time',
          value: lasted,
          unit: 's',
          limit: needs.seconds,
          says: `It did so for ${lasted.toFixed(1)} s without a break; ${needs.seconds} s are needed.`,
        },
        ...(metres === undefined
          ? []
          : [
              {
                name: 'road-distance',
                value: metres,
                unit: 'm',
                limit: needs.metres,
                says: `That is ${metres.toFixed(1)} m on the road.`,
              },
            ]),
      ],
    };
  }

  #metres(a: Point, b: Point): number | undefined {
    const from = this.#scene.ground?.toRoad(a);
    const to = this.#scene.ground?.toRoad(b);
    return from === undefined || to === undefined ? undefined : distance(from, to);
  }
}
