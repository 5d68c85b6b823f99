import type { GroundPlane } from '../ground-plane.ts';
import { type DriftEstimate, movedTo, type Similarity } from './estimate-drift.ts';

/** What is known of the camera's place. Times in milliseconds of a clock that never steps back. */
export type DriftState =
  /** Nothing could be judged yet, or not for long. */
  | { readonly kind: 'unknown'; readonly since: number }
  | { readonly kind: 'still'; readonly shiftPx: number }
  /** Further from its place than allowed, not for long enough to be sure. */
  | { readonly kind: 'suspected'; readonly since: number; readonly shiftPx: number }
  | { readonly kind: 'moved'; readonly since: number; readonly shiftPx: number; readonly moved: Similarity };

export interface DriftLimits {
  /** Pixels from which the camera is taken as moved. */
  readonly movedPx: number;
  /** How long every look that can be judged must say so, ms. */
  readonly patience: number;
  /** Looks that must say so, however far apart. */
  readonly looks: number;
  /** Without a look that can be judged for so long, nothing is known any more, ms. A camera that was found moved stays so. */
  readonly forgets: number;
}

/**
 * Two pixels of a picture of 1920: half of what a mark may miss. Ten minutes are longer than a gust, a lorry at the kerb or a cloud; an hour and a
 * half of night or rain is no reason to doubt.
 */
export const defaultDriftLimits = (width: number): DriftLimits => ({
  movedPx: Math.max(1.5, (2 * width) / 1920),
  patience: 10 * 60_000,
  looks: 5,
  forgets: 90 * 60_000,
});

/**
 * Judges by many looks whether the camera was moved. Looks that cannot be judged count neither way; one that finds the camera in its place
 * ends a suspicion, so that a mast that sways in the wind raises nothing. The same patience holds for the way back.
 */
export class DriftWatch {
  readonly #limits: DriftLimits;
  #state: DriftState;
  /** Looks on end that contradict the state, and when they began. */
  #against: { readonly since: number; readonly looks: number } | undefined;
  #lastJudged: number;

  constructor(limits: DriftLimits, now: number) {
    this.#limits = limits;
    this.#state = { kind: 'unknown', since: now };
    this.#lastJudged = now;
  }

  get state(): DriftState {
    return this.#state;
  }

  observe(estimate: DriftEstimate, now: number): DriftState {
    if (estimate.kind === 'not-judged') {
      if (this.#state.kind !== 'moved' && now - this.#lastJudged >= this.#limits.forgets) {
        this.#state = { kind: 'unknown', since: this.#lastJudged };
        this.#against = undefined;
      }
      return this.#state;
    }
    this.#lastJudged = now;
    const isAway = estimate.shiftPx > this.#limits.movedPx;
    this.#state =
      this.#state.kind === 'moved' ? this.#whileMoved(estimate, isAway, now) : this.#whileStill(estimate, isAway, now);
    return this.#state;
  }

  #whileStill(estimate: Judged, isAway: boolean, now: number): DriftState {
    const { shiftPx, moved } = estimate;
    if (!isAway) {
      this.#against = undefined;
      return { kind: 'still', shiftPx };
    }
    const { since } = this.#count(now);
    if (!this.#isSure(now)) return { kind: 'suspected', since, shiftPx };
    this.#against = undefined;
    return { kind: 'moved', since, shiftPx, moved };
  }

  #whileMoved(estimate: Judged, isAway: boolean, now: number): DriftState {
    const { shiftPx, moved } = estimate;
    const since = this.#state.kind === 'moved' ? this.#state.since : now;
    if (isAway) {
      this.#against = undefined;
      return { kind: 'moved', since, shiftPx, moved };
    }
    this.#count(now);
    if (!this.#isSure(now)) return { kind: 'moved', since, shiftPx, moved };
    this.#against = undefined;
    return { kind: 'still', shiftPx };
  }

  #count(now: number): { readonly since: number; readonly looks: number } {
    const before = this.#against ?? { since: now, looks: 0 };
    this.#against = { since: before.since, looks: before.looks + 1 };
    return this.#against;
  }

  #isSure(now: number): boolean {
    const { patience, looks } = this.#limits;
    return this.#against !== undefined && now - this.#against.since >= patience && this.#against.looks >= looks;
  }
}

type Judged = Extract<DriftEstimate, { readonly kind: 'judged' }>;

/**
 * What a moved camera does to a speed that is measured in the middle of the marks: the change of a length there, as a share of it. `undefined`
 * where the moved picture shows no road.
 */
export function speedChange(plane: GroundPlane, moved: Similarity): number | undefined {
  const roads = plane.fit.pairs.map(({ road }) => road);
  const x = (Math.min(...roads.map((one) => one.x)) + Math.max(...roads.map((one) => one.x))) / 2;
  const [near, far] = [Math.min(...roads.map((one) => one.y)), Math.max(...roads.map((one) => one.y))];
  const ends = [0.25, 0.75].map((share) => {
    const at = plane.toImage({ x, y: near + share * (far - near) });
    return { was: plane.toRoad(at), is: plane.toRoad(movedTo(moved, at)) };
  });
  const length = (which: 'was' | 'is'): number | undefined => {
    const [a, b] = ends.map((end) => end[which]);
    return a === undefined || b === undefined ? undefined : Math.hypot(a.x - b.x, a.y - b.y);
  };
  const [was, is] = [length('was'), length('is')];
  return was === undefined || is === undefined || !(was > 0) ? undefined : is / was - 1;
}
