import type { CaptureTime } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import { dot, offsetFrom } from '../scene/geometry.ts';
import type { Scene, StopLine } from '../scene/scene.ts';
import type { Infraction } from './infraction.ts';
import { laneOf } from './lane.ts';
import { hiddenBelow, isSeamless, movedWhole } from './passage.ts';
import type { PhaseSource } from './phase.ts';
import type { Rule } from './rule.ts';
import { standingTime } from './standing.ts';
import type { Sight, Subject } from './subject.ts';
import type { Moment } from './trail.ts';

interface State {
  last: Moment | undefined;
  before: number;
  /** The box from before the leading axle passed the line, where it was red then. */
  passedAtRed: Box | undefined;
  /** The least hidden of the last boxes before the line: the highest for its width. */
  whole: Moment | undefined;
  lane: string | undefined;
}

/** The leading axle must be so far behind the line, as a share of the box's height: the axle is known to about a tenth. */
const beyondShare = 0.15;
/** The leading axle was seen before the line at this many frames. */
const neededBefore = 3;
/** A box says for so long how high the vehicle is for its width, milliseconds: then it is seen from elsewhere. */
const wholeFor = 3000;

/**
 * Stop line: at red the leading axle passes the line and the vehicle comes to stand behind it, for at least the line's `stand` seconds.
 * Standing is read from the box's place over seconds, not from its speed. Who passed the line before red and was held up is not accused;
 * nor is whose passage was hidden, or where a part of the box disappeared rather than the vehicle moved.
 */
export class StopLineRule implements Rule {
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
    if (subject.class === 'person' || subject.accused.has('stop-line')) return undefined;
    let state = this.#states.get(subject);
    if (state === undefined) {
      state = { last: undefined, before: 0, passedAtRed: undefined, whole: undefined, lane: undefined };
      this.#states.set(subject, state);
    }
    for (const moment of moments) {
      this.#step(state, moment);
      const infraction = this.#judge(subject, state, moment);
      if (infraction !== undefined) return infraction;
    }
    return undefined;
  }

  #isRed(time: CaptureTime): boolean {
    const reading = this.#phases.phaseAt(this.#line.signal, time.utc, time.elapsed);
    return reading.known && reading.phase === 'red' && (time.utc - reading.since) / 1000 >= this.#line.grace;
  }

  #step(state: State, moment: Moment): void {
    const before = state.last;
    state.last = moment;
    if (moment.wheels === undefined || moment.heading === undefined) return;
    const front = offsetFrom(this.#line.points, moment.wheels.front);
    const onTheWay = dot(moment.heading, this.#line.direction) > 0.26;
    if (front.across < 0) {
      state.passedAtRed = undefined;
      state.whole = wholer(state.whole, moment);
      if (front.across < -1 && onTheWay) state.before += 1;
      if (front.past === 0) state.lane = laneOf(this.#scene, moment.wheels.front) ?? state.lane;
      return;
    }
    if (state.passedAtRed !== undefined || before?.wheels === undefined || moment.leapt || !onTheWay) return;
    const was = offsetFrom(this.#line.points, before.wheels.front);
    if (was.across >= 0 || front.past > 0.1 * moment.box.width || state.before < neededBefore) return;
    // It passed somewhere between the two moments: only what was red all the way from one to the other was red then.
    if (!isSeamless(before, moment) || !this.#isRed(before.time) || !this.#isRed(moment.time)) return;
    if (movedWhole(moment, this.#line.direction)) state.passedAtRed = state.whole?.box;
  }

  #judge(subject: Subject, state: State, moment: Moment): Infraction | undefined {
    if (state.passedAtRed === undefined || moment.wheels === undefined || !this.#isRed(moment.time)) return undefined;
    const hidden = hiddenBelow(state.passedAtRed, moment.box);
    const { x, y } = moment.wheels.front;
    // The wheels stand where the lower edge would be, if a part of it is hidden; never further on for that.
    const beyond = Math.min(...[0, hidden].map((lag) => offsetFrom(this.#line.points, { x, y: y + lag }).across));
    const rear = offsetFrom(this.#line.points, moment.wheels.rear).across;
    const size = moment.box.height;
    // A vehicle that stands far behind the line has driven through: that is red light, or a jam in the junction.
    if (beyond < beyondShare * size || rear > 0.5 * size) return undefined;
    const standing = standingTime(moment);
    if (standing === undefined || standing < this.#line.stand) return undefined;
    const guarded = this.#line.lanes.length === 0 || this.#line.lanes.some((lane) => lane.name === state.lane);
    if (!guarded) return undefined;
    subject.accused.add('stop-line');
    const metres = this.#metresBeyond(moment);
    return {
      rule: 'stop-line',
      frame: moment.frame,
      time: moment.time,
      track: subject.track.id,
      class: subject.class,
      lane: state.lane,
      box: moment.box,
      measured: {
        rule: 'stop-line',
        head: this.#line.signal,
        line: this.#line.name,
        beyondPx: beyond,
        ...(metres !== undefined && { beyondM: metres }),
        standingS: standing,
      },
      findings: [
        {
          name: 'passed-at-red',
          value: true,
          says: `The leading wheels passed stop line ${this.#line.name} while ${this.#line.signal} was red.`,
        },
        {
          name: 'beyond-line',
          value: beyond,
          unit: 'px',
          limit: beyondShare * size,
          says: `They stand ${beyond.toFixed(0)} px behind it; ${(beyondShare * size).toFixed(0)} px are needed.`,
        },
        {
          name: 'standing',
          value: standing,
          unit: 's',
          limit: this.#line.stand,
          says: `The vehicle has stood there for ${standing.toFixed(1)} s; ${this.#line.stand} s are needed.`,
        },
        { name: 'phase-now', value: 'red', says: 'The signal is still red.' },
      ],
    };
  }

  #metresBeyond(moment: Moment): number | undefined {
    const ground = this.#scene.ground;
    const front = moment.wheels?.front;
    if (ground === undefined || front === undefined) return undefined;
    const road = ground.toRoad(front);
    const line = this.#line.points.map((point) => ground.toRoad(point)).filter((point) => point !== undefined);
    return road === undefined || line.length < 2 ? undefined : Math.abs(offsetFrom(line, road).across);
  }
}

function wholer(old: Moment | undefined, now: Moment): Moment {
  if (old === undefined || now.time.elapsed - old.time.elapsed > wholeFor || now.leapt) return now;
  return old.box.height * now.box.width > now.box.height * old.box.width ? old : now;
}
