import type { CaptureTime } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import { distance, dot, offsetFrom, type Point } from '../scene/geometry.ts';
import type { Scene, StopLine } from '../scene/scene.ts';
import type { Finding, Infraction } from './infraction.ts';
import { instant } from './instant.ts';
import { laneOf } from './lane.ts';
import { isSeamless, movedWhole } from './passage.ts';
import type { PhaseSource } from './phase.ts';
import type { Rule } from './rule.ts';
import type { Sight, Subject } from './subject.ts';
import type { Moment } from './trail.ts';

/** An axle over the line. */
interface Pass {
  readonly frame: number;
  readonly time: CaptureTime;
  readonly foot: Point;
  readonly box: Box;
  /** The times of the moments that it lies between. */
  readonly between: readonly [CaptureTime, CaptureTime];
}

interface State {
  last: Moment | undefined;
  /** The last moments with the leading and with the trailing axle before the line. */
  frontBefore: Moment | undefined;
  rearBefore: Moment | undefined;
  /** Moments with the leading axle clearly before the line, on the way to it. */
  before: number;
  front: Pass | undefined;
  rear: Pass | undefined;
  lane: string | undefined;
}

/** The leading axle was seen before the line at this many frames. */
const neededBefore = 3;
/** The trailing axle must be this share of the box's height behind the line. */
const beyondShare = 0.2;
/** The vehicle must have gone on so far since its leading axle passed, as a share of the box's size. */
const onwardShare = 0.6;
/** Cosine of the greatest angle between the way over the line and the line's direction: 75 degrees. */
const alongLine = 0.26;

/**
 * Red light: both axles pass the stop line while its signal is red, after the vehicle was seen before the line, and it goes on. A vehicle
 * whose picture overlaps the line, or that stops with its nose over it, is not accused here; nor is one that was hidden while an axle
 * passed. Charged is the moment half way between the
 * passing of the leading and of the trailing axle; the accusation follows when the vehicle has gone on.
 */
export class RedLight implements Rule {
  readonly #scene: Scene;
  readonly #line: StopLine;
  readonly #phases: PhaseSource;
  readonly #states = new WeakMap<Subject, State>();

  constructor(scene: Scene, line: StopLine, phases: PhaseSource) {
    this.#scene = scene;
    this.#line = line;
    this.#phases = phases;
  }

  observe({ subject, moments }: Sight): Infraction | undefined {
    if (subject.class === 'person' || subject.accused.has('red-light')) return undefined;
    let state = this.#states.get(subject);
    if (state === undefined) {
      state = blank();
      this.#states.set(subject, state);
    }
    for (const moment of moments) {
      this.#step(state, moment);
      const done = this.#judge(subject, state, moment);
      if (done !== undefined) return done;
    }
    return undefined;
  }

  #step(state: State, moment: Moment): void {
    const { wheels, heading } = moment;
    // A broken box says nothing; whether the same vehicle goes on after it shows at the next moment.
    if (wheels === undefined || heading === undefined || moment.leapt) return;
    if (state.last !== undefined && !goesOn(state.last, moment)) Object.assign(state, blank());
    state.last = moment;
    const front = offsetFrom(this.#line.points, wheels.front);
    const onTheWay = dot(heading, this.#line.direction) > alongLine;
    if (front.across < 0) {
      // Back before the line: what passed was jitter or has reversed.
      state.front = undefined;
      state.rear = undefined;
      state.rearBefore = moment;
      if (!onTheWay) return;
      state.frontBefore = moment;
      if (front.past === 0) state.lane = laneOf(this.#scene, wheels.front) ?? state.lane;
      if (front.across < -1) state.before += 1;
      return;
    }
    if (!onTheWay) return;
    if (state.front === undefined && state.before >= neededBefore && state.frontBefore?.wheels !== undefined) {
      state.front = pass(this.#line, state.frontBefore, moment, state.frontBefore.wheels.front, wheels.front);
      state.frontBefore = undefined;
    }
    if (offsetFrom(this.#line.points, wheels.rear).across < 0) {
      state.rear = undefined;
      state.rearBefore = moment;
    } else if (state.front !== undefined && state.rear === undefined && state.rearBefore?.wheels !== undefined) {
      state.rear = pass(this.#line, state.rearBefore, moment, state.rearBefore.wheels.rear, wheels.rear);
      state.rearBefore = undefined;
    }
  }

  #judge(subject: Subject, state: State, moment: Moment): Infraction | undefined {
    const { front, rear } = state;
    if (front === undefined || rear === undefined || moment.wheels === undefined) return undefined;
    const beyond = offsetFrom(this.#line.points, moment.wheels.rear).across;
    const onward = distance(front.foot, moment.foot);
    const size = Math.sqrt(moment.box.width * moment.box.height);
    if (beyond < beyondShare * moment.box.height || onward < onwardShare * size) return undefined;
    Object.assign(state, blank(), { lane: state.lane });
    const guarded = this.#line.lanes.length === 0 || this.#line.lanes.some((lane) => lane.name === state.lane);
    if (!guarded) return undefined;
    const read = (time: CaptureTime) => this.#phases.phaseAt(this.#line.signal, time.utc, time.elapsed);
    const atFront = read(front.time);
    const atRear = read(rear.time);
    if (!atFront.known || !atRear.known) return undefined;
    // Both moments around each passing: the instant between them is computed, not seen.
    const readings = [atFront, atRear, ...[...front.between, ...rear.between].map(read)];
    if (readings.some((reading) => !reading.known || reading.phase !== 'red')) return undefined;
    const redFor = (front.time.utc - atFront.since) / 1000;
    if (redFor < this.#line.grace) return undefined;
    subject.accused.add('red-light');
    const middle = instant(front, rear, 0.5);
    const findings: Finding[] = [
      {
        name: 'signal',
        value: this.#line.signal,
        says: `Stop line ${this.#line.name} obeys signal ${this.#line.signal}, whose phase is known from: ${atFront.source}.`,
      },
      { name: 'seen-before-line', value: true, says: 'The vehicle was followed from before the stop line.' },
      {
        name: 'front-axle-frame',
        value: front.frame,
        says: `The leading wheels passed the line at frame ${front.frame}.`,
      },
      {
        name: 'phase-at-front-axle',
        value: atFront.phase,
        limit: 'red',
        says: `The signal showed ${atFront.phase} then.`,
      },
      {
        name: 'red-for',
        value: redFor,
        unit: 's',
        limit: this.#line.grace,
        says: `It had been red for ${redFor.toFixed(2)} s; ${this.#line.grace} s are forgiven.`,
      },
      {
        name: 'rear-axle-frame',
        value: rear.frame,
        says: `The trailing wheels passed the line at frame ${rear.frame}.`,
      },
      {
        name: 'phase-at-rear-axle',
        value: atRear.phase,
        limit: 'red',
        says: `The signal showed ${atRear.phase} then.`,
      },
      {
        name: 'went-on',
        value: onward,
        unit: 'px',
        limit: onwardShare * size,
        says: `It went on ${onward.toFixed(0)} px by frame ${moment.frame}, ${(onwardShare * size).toFixed(0)} px are needed.`,
      },
    ];
    return {
      rule: 'red-light',
      frame: middle.frame,
      time: middle.time,
      track: subject.track.id,
      class: subject.class,
      lane: state.lane,
      box: Math.abs(middle.frame - front.frame) < Math.abs(middle.frame - rear.frame) ? front.box : rear.box,
      measured: { rule: 'red-light', head: this.#line.signal, line: this.#line.name, redForS: redFor },
      findings,
    };
  }
}

const blank = (): State => ({
  last: undefined,
  frontBefore: undefined,
  rearBefore: undefined,
  before: 0,
  front: undefined,
  rear: undefined,
  lane: undefined,
});

/** True where the later moment can be the same vehicle, going on as it went. */
function goesOn(from: Moment, to: Moment): boolean {
  const seconds = (to.time.elapsed - from.time.elapsed) / 1000;
  const expected = { x: from.foot.x + from.velocity.x * seconds, y: from.foot.y + from.velocity.y * seconds };
  const size = Math.sqrt(to.box.width * to.box.height);
  return distance(expected, to.foot) <= (0.6 + 0.6 * seconds) * size;
}

/**
 * Where an axle went from before the line to behind it between two moments, on the line itself. `undefined` where it was not seen to: the
 * moments are too far apart, or only an edge of the box moved.
 */
function pass(line: StopLine, before: Moment, now: Moment, from: Point, to: Point): Pass | undefined {
  const a = offsetFrom(line.points, from);
  const b = offsetFrom(line.points, to);
  if (!(a.across < 0 && b.across >= 0)) return undefined;
  if (!isSeamless(before, now) || !movedWhole(now, line.direction)) return undefined;
  const share = a.across / (a.across - b.across);
  const past = a.past + (b.past - a.past) * share;
  if (past > 0.1 * now.box.width) return undefined;
  const between = [before.time, now.time] as const;
  return { ...instant(before, now, share), foot: now.foot, box: share < 0.5 ? before.box : now.box, between };
}
