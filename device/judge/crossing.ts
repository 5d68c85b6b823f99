import type { CaptureTime } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import { between, offsetFrom, type Point } from '../scene/geometry.ts';
import type { CountingLine } from '../scene/scene.ts';
import type { Crossing } from './infraction.ts';
import { instant } from './instant.ts';
import type { Sight, Subject } from './subject.ts';
import type { Moment } from './trail.ts';
import { isTwin } from './twin.ts';

type Side = -1 | 1;

/** A change of sides, before it is known whether it lasts. */
interface Passage {
  readonly to: Side;
  readonly frame: number;
  readonly time: CaptureTime;
  readonly foot: Point;
  readonly box: Box;
}

interface State {
  last: { readonly moment: Moment; readonly across: number } | undefined;
  passage: Passage | undefined;
  /** Greatest distance from the line on the side that it comes from, in units of the band. */
  depth: number;
  readonly counted: Set<Side>;
}

interface Counted extends Passage {
  readonly subject: Subject;
}

/**
 * A road user has passed when its foot is this share of its height behind the line. Small boxes jitter and leap by a good part of
 * themselves, large ones by little: from 10 px on the lesser share is enough.
 */
const bandShare = { small: 0.25, large: 0.08 } as const;
/** The passage must fall on the line, or this share of the width past its end. */
const endShare = 0.15;

/**
 * Counts who passes a counting line with the bottom centre of the smoothed box. The frame is where that point meets the line, between two
 * frames rounded to the nearer; it is reported when the point has gone on far enough that jitter cannot take it back. Each road user
 * counts once per line and way.
 */
export class CrossingCounter {
  readonly #line: CountingLine;
  readonly #states = new WeakMap<Subject, State>();
  #recent: Counted[] = [];

  constructor(line: CountingLine) {
    this.#line = line;
  }

  observe({ subject, moments, over, now }: Sight): readonly Crossing[] {
    const state = this.#stateOf(subject);
    const crossings: Crossing[] = [];
    for (const moment of moments) {
      this.#step(state, moment);
      const { passage, last } = state;
      if (passage === undefined || last === undefined) continue;
      if (last.across * passage.to >= band(moment.box)) crossings.push(...this.#count(subject, state, passage));
    }
    const { passage, last } = state;
    // It was seen last just behind the line: it has passed if it came from afar, and was still going or well behind.
    if (over && passage !== undefined && last !== undefined && state.depth >= 1) {
      const behind = last.across * passage.to >= 0.4 * band(last.moment.box);
      if (last.moment.moving || behind) crossings.push(...this.#count(subject, state, passage));
    }
    this.#recent = this.#recent.filter((one) => now.elapsed - one.time.elapsed < 4000);
    return crossings;
  }

  #step(state: State, moment: Moment): void {
    const { across } = offsetFrom(this.#line.points, moment.foot);
    // Exactly on the line is on neither side: the next moment decides.
    if (across === 0) return;
    const before = state.last;
    state.last = { moment, across };
    if (before === undefined) return;
    const side: Side = across > 0 ? 1 : -1;
    if (before.across * side >= 0) {
      if (state.passage === undefined) state.depth = Math.max(state.depth, Math.abs(across) / band(moment.box));
      return;
    }
    if (state.passage !== undefined) {
      state.passage = undefined;
      return;
    }
    const share = before.across / (before.across - across);
    const foot = between(before.moment.foot, moment.foot, share);
    const end = endShare * moment.box.width;
    if (offsetFrom(this.#line.points, foot).past > end) return;
    state.passage = { to: side, foot, box: moment.box, ...instant(before.moment, moment, share) };
  }

  #count(subject: Subject, state: State, passage: Passage): readonly Crossing[] {
    state.passage = undefined;
    state.depth = 0;
    if (!this.#line.classes.includes(subject.class) || state.counted.has(passage.to)) return [];
    state.counted.add(passage.to);
    const twin = this.#recent.some((other) => other.to === passage.to && isTwin(other, { ...passage, subject }));
    if (twin) return [];
    this.#recent.push({ ...passage, subject });
    return [
      {
        frame: passage.frame,
        time: passage.time,
        track: subject.track.id,
        class: subject.class,
        line: this.#line.name,
        direction: passage.to === 1 ? this.#line.right : this.#line.left,
      },
    ];
  }

  #stateOf(subject: Subject): State {
    const known = this.#states.get(subject);
    if (known !== undefined) return known;
    const state: State = { last: undefined, passage: undefined, depth: 0, counted: new Set() };
    this.#states.set(subject, state);
    return state;
  }
}

const band = ({ height }: Box): number =>
  Math.max(3, Math.min(bandShare.small * height, Math.max(10, bandShare.large * height)));
