import type { CaptureTime } from '../capture/frame.ts';
import type { Box, Detection } from '../detect/detection.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { Pair } from './assign.ts';
import { associateStrong, associateWeak } from './associate.ts';
import { intersection } from './boxes.ts';
import { kindOf } from './classes.ts';
import type { TrackerConfig } from './config.ts';
import { type Candidate, foldDoubles, isDouble, mayBePart } from './duplicates.ts';
import { Target } from './target.ts';
import type { Track, TrackUpdate } from './track.ts';

/** What the tracker must know of a frame; a `Frame` has it all. */
export interface TrackedFrame {
  readonly sequence: number;
  readonly time: CaptureTime;
  /** Size in pixels; with it a lost track ends when it has left the picture. */
  readonly picture?: { readonly width: number; readonly height: number };
}

/**
 * Follows road users from frame to frame.
 *
 * Association in two stages, in the manner of ByteTrack (Zhang et al., ECCV 2022): strong detections go to the tracks first, then weak
 * ones to the tracks that are left. Time is the frames' own, so skipped frames only make the predictions less sure.
 *
 * Guarantees: ids count up from 1 in order of confirmation and are never used twice; the outcome does not depend on the order of the
 * detections in a frame; a detection feeds at most one track; every `Track` handed out stays as it is; memory is bounded by the road
 * users in view, not by the time of running.
 */
export class Tracker {
  readonly #config: TrackerConfig;
  #targets: readonly Target[] = [];
  #lastId = 0;
  #lastElapsed: Milliseconds | undefined;

  constructor(config: TrackerConfig) {
    this.#config = config;
  }

  /**
   * Takes the detections of the next frame. Detections without a positive, finite box and score are ignored.
   *
   * @throws AtalayaError `frame-damaged` for a frame timed before the one before it; the tracks stay as they were
   */
  update(frame: TrackedFrame, detections: readonly Detection[]): TrackUpdate {
    const now = frame.time.elapsed;
    const before = this.#lastElapsed ?? now;
    if (!(now >= before)) {
      throw new AtalayaError(
        'frame-damaged',
        `frame ${frame.sequence} is timed ${before - now} ms before its forerunner`,
      );
    }
    this.#lastElapsed = now;

    const candidates = foldDoubles(detections, this.#config.duplicates);
    const strong = candidates.filter((c) => c.detection.score >= this.#config.strongScore);
    const weak = candidates.filter(
      (c) => c.detection.score < this.#config.strongScore && c.detection.score >= this.#config.weakScore,
    );

    for (const target of this.#targets) target.predict(milliseconds(now - before));
    const [living, stale] = partition(this.#targets, (t) => t.lasts(now));
    const confirmed = living.filter((t) => t.id > 0);
    const tentative = living.filter((t) => t.id === 0);
    const matches = new Matches(frame, strong, weak, this.#config);
    matches.run(confirmed);
    matches.run(tentative);
    const born = this.#births(frame, matches.strongLeft, living);

    const [staying, gone] = partition(living, (t) => this.#stays(t, frame));
    this.#confirm([...staying, ...born], now);
    const merged = this.#merged(staying, now);
    this.#targets = [...staying.filter((t) => !merged.has(t)), ...born];
    return {
      live: this.#live(),
      ended: ended([...stale, ...gone, ...merged]),
    };
  }

  /** Ends every track: the source has ended. The tracker may be used on; ids go on counting. */
  finish(): readonly Track[] {
    const last = ended(this.#targets);
    this.#targets = [];
    return last;
  }

  #live(): readonly Track[] {
    return this.#targets
      .filter((t) => t.id > 0)
      .map((t) => t.snapshot(t.measured === undefined ? 'lost' : 'confirmed'))
      .sort((a, b) => a.id - b.id);
  }

  #births(frame: TrackedFrame, left: readonly Candidate[], living: readonly Target[]): readonly Target[] {
    const { birthScore, duplicates } = this.#config;
    const tracked = living.flatMap((t) => t.measured ?? []);
    return left
      .filter(({ detection }) => detection.score >= birthScore)
      .filter(({ detection }) => !tracked.some((other) => isDouble(other, detection, duplicates.mergeIou)))
      .map((candidate) => new Target(this.#config, frame, candidate));
  }

  /** False for a target that this frame was the last chance for. */
  #stays(target: Target, frame: TrackedFrame): boolean {
    if (target.measured !== undefined) return true;
    const missed = frame.time.elapsed - target.seen;
    if (target.id === 0) return missed <= this.#config.tentativePatience;
    return shareInside(target.box, frame) >= this.#config.leavingShare;
  }

  #confirm(targets: readonly Target[], now: Milliseconds): void {
    const { confirmHits, duplicates } = this.#config;
    for (const target of targets) {
      if (target.id > 0 || target.measured === undefined || target.hits < confirmHits) continue;
      const wholes = targets
        .filter((t) => t !== target && t.measured !== undefined && alike(t, target))
        .map((t) => t.box);
      if (mayBePart(target.box, wholes, duplicates) && now - target.born < duplicates.partPatience) continue;
      target.id = ++this.#lastId;
    }
  }

  /** Tracks that have shared the box of an older one for too long to be another road user. */
  #merged(targets: readonly Target[], now: Milliseconds): ReadonlySet<Target> {
    const { mergeIou, mergeAfter } = this.#config.duplicates;
    const seen = targets.filter((t) => t.measured !== undefined);
    const merged = new Set<Target>();
    seen.forEach((younger, index) => {
      const older = seen.slice(0, index).find((t) => !merged.has(t) && doubles(t, younger, mergeIou));
      if (older === undefined) {
        younger.double = undefined;
      } else if (younger.double?.of !== older) {
        younger.double = { of: older, since: now };
      }
      if (younger.double !== undefined && now - younger.double.since >= mergeAfter) merged.add(younger);
    });
    return merged;
  }
}

/** The detections of one frame on their way to the tracks. */
class Matches {
  strongLeft: readonly Candidate[];
  #weakLeft: readonly Candidate[];
  /** Detections that have gone to a track. */
  #taken: readonly Detection[] = [];
  readonly #frame: TrackedFrame;
  readonly #config: TrackerConfig;

  constructor(frame: TrackedFrame, strong: readonly Candidate[], weak: readonly Candidate[], config: TrackerConfig) {
    this.#frame = frame;
    this.#config = config;
    this.strongLeft = strong;
    this.#weakLeft = weak;
  }

  /** Both stages for one group of targets; those that get nothing have missed this frame. */
  run(targets: readonly Target[]): void {
    const { association } = this.#config;
    const expect = (group: readonly Target[]) => group.map((t) => t.expectation(this.#frame.time.elapsed));
    const boxes = (group: readonly Candidate[]) => group.map((c) => c.detection);
    const first = associateStrong(expect(targets), boxes(this.strongLeft), association);
    const [left, strongLeft] = this.#take(first, targets, this.strongLeft, true);
    this.strongLeft = strongLeft;
    const second = associateWeak(expect(left), boxes(this.#weakLeft), association);
    const [missed, weakLeft] = this.#take(second, left, this.#weakLeft, false);
    this.#weakLeft = weakLeft;
    for (const target of missed) target.miss(this.#frame);
  }

  /** Feeds the pairs to their targets; returns the targets and candidates that are left. */
  #take(
    pairs: readonly Pair[],
    targets: readonly Target[],
    candidates: readonly Candidate[],
    strong: boolean,
  ): readonly [readonly Target[], readonly Candidate[]] {
    const matches = pairs.flatMap(({ row, column }) => {
      const target = targets[row];
      const candidate = candidates[column];
      return target === undefined || candidate === undefined ? [] : [{ target, candidate }];
    });
    const [sure, revivals] = partition(matches, ({ target }) => target.measured !== undefined);
    const { mergeIou } = this.#config.duplicates;
    this.#taken = [...this.#taken, ...sure.map(({ candidate }) => candidate.detection)];
    // The second box on a vehicle in view is no return of another one that was lost near it.
    const [real] = partition(
      revivals,
      ({ candidate }) => !this.#taken.some((other) => isDouble(other, candidate.detection, mergeIou)),
    );
    this.#taken = [...this.#taken, ...real.map(({ candidate }) => candidate.detection)];
    const made = [...sure, ...real];
    for (const { target, candidate } of made) target.observe(this.#frame, candidate, strong);
    const fed = new Set(made.map(({ target }) => target));
    const used = new Set(made.map(({ candidate }) => candidate));
    return [targets.filter((t) => !fed.has(t)), candidates.filter((c) => !used.has(c))];
  }
}

function partition<T>(items: readonly T[], holds: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (holds(item) ? yes : no).push(item);
  return [yes, no];
}

function ended(targets: readonly Target[]): readonly Track[] {
  const confirmed = targets.filter((t) => t.id > 0).sort((a, b) => a.id - b.id);
  return confirmed.map((t) => t.snapshot('ended'));
}

function alike(a: Target, b: Target): boolean {
  return kindOf(a.class) === kindOf(b.class);
}

function doubles(a: Target, b: Target, least: number): boolean {
  return a.measured !== undefined && b.measured !== undefined && isDouble(a.measured, b.measured, least);
}

/** How much of a box lies in the picture; 1 where the picture's size is unknown. */
function shareInside(box: Box, { picture }: TrackedFrame): number {
  if (picture === undefined) return 1;
  const { width, height } = picture;
  return intersection(box, { x: 0, y: 0, width, height }) / (box.width * box.height);
}
