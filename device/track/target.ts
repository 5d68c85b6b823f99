import type { CaptureTime } from '../capture/frame.ts';
import type { Box, Detection, ObjectClass } from '../detect/detection.ts';
import { type Milliseconds, toSeconds } from '../kernel/units.ts';
import type { Expectation } from './associate.ts';
import { centreDistance, sizeOf } from './boxes.ts';
import { addVotes, shares, type Votes, winner } from './classes.ts';
import type { TrackerConfig } from './config.ts';
import type { Candidate } from './duplicates.ts';
import { recentSpeed, thinOut, withoutTail } from './history.ts';
import {
  type BoxState,
  boxOf,
  correctBox,
  fadeSizeRates,
  holdStill,
  measurementError,
  predictBox,
  startBox,
} from './kalman.ts';
import type { Track, TrackPoint } from './track.ts';

/** The frame that the tracker is at. */
export interface Moment {
  readonly sequence: number;
  readonly time: CaptureTime;
}

/** One road user as the tracker follows them: filter, votes and history. `Track` is the picture of it that leaves the tracker. */
export class Target {
  readonly born: Milliseconds;
  /** 0 until confirmed. */
  id = 0;
  /** Strong detections so far. */
  hits = 1;
  /** Time of the newest detection. */
  seen: Milliseconds;
  /** Detection of the present frame, if any. */
  measured: Detection | undefined;
  /** The older track whose box this one has shared, and since when. */
  double: { readonly of: Target; readonly since: Milliseconds } | undefined;

  readonly #config: TrackerConfig;
  /** Time of the newest strong detection. */
  #strongSeen: Milliseconds;
  #state: BoxState;
  #votes: Votes;
  #points: readonly TrackPoint[];
  /** Where the target stood when it was lost standing; undefined for one that moves. */
  #held: Box | undefined;

  constructor(config: TrackerConfig, moment: Moment, candidate: Candidate) {
    const { detection, votes } = candidate;
    this.#config = config;
    this.born = moment.time.elapsed;
    this.seen = moment.time.elapsed;
    this.#strongSeen = moment.time.elapsed;
    this.measured = detection;
    this.#state = startBox(detection.box, config.motion);
    this.#votes = votes;
    this.#points = [measuredPoint(moment, candidate)];
  }

  get class(): ObjectClass {
    return winner(this.#votes);
  }

  /** Box of the newest point. */
  get box(): Box {
    return this.#points.at(-1)?.box ?? boxOf(this.#state);
  }

  get #lostStanding(): boolean {
    return this.#held !== undefined && this.measured === undefined;
  }

  /** How long this target may be missed. */
  get patience(): Milliseconds {
    return this.#lostStanding ? this.#config.coastStanding : this.#config.coastMoving;
  }

  /** Moves the filter on by `dt` ms, to the present frame. */
  predict(dt: Milliseconds): void {
    const { motion, sizeFade } = this.#config;
    const model = this.#lostStanding ? { ...motion, velocityDrift: motion.standingDrift } : motion;
    this.#state = predictBox(this.#state, toSeconds(dt), model);
    if (this.measured === undefined) this.#state = fadeSizeRates(this.#state, Math.exp(-dt / sizeFade));
  }

  /** What association may expect at the time `now`, after `predict`. */
  expectation(now: Milliseconds): Expectation {
    const box = boxOf(this.#state);
    const variance = measurementError(box, this.#config.motion) ** 2;
    return {
      box,
      varX: this.#state.x.varValue + variance,
      varY: this.#state.y.varValue + variance,
      class: this.class,
      staleness: this.measured === undefined ? Math.min(1, (now - this.seen) / this.patience) : 0,
    };
  }

  /** The detection of this frame, strong or weak. */
  observe(moment: Moment, candidate: Candidate, strong: boolean): void {
    const { detection, votes } = candidate;
    const sigma = measurementError(detection.box, this.#config.motion, strong ? 1 : this.#config.weakDoubt);
    this.#state = correctBox(this.#state, detection.box, sigma);
    this.#votes = addVotes(this.#votes, votes);
    if (strong) {
      this.hits++;
      this.#strongSeen = moment.time.elapsed;
    }
    this.seen = moment.time.elapsed;
    this.measured = detection;
    this.#append(measuredPoint(moment, candidate));
  }

  /** No detection in this frame. */
  miss(moment: Moment): void {
    if (this.measured !== undefined) this.#lose();
    this.measured = undefined;
    this.#append({
      frame: moment.sequence,
      time: moment.time,
      box: boxOf(this.#state),
      score: 0,
      measured: false,
    });
  }

  /** False when the target has been missed, or seen doubtfully, for too long at the time `now`. */
  lasts(now: Milliseconds): boolean {
    if (now - this.seen > this.patience) return false;
    const doubtful = now - this.#strongSeen;
    const { weakPatience, coastStanding } = this.#config;
    if (this.measured === undefined || doubtful <= weakPatience) return true;
    return doubtful <= coastStanding && this.#stands;
  }

  /** When the target is first missed: if it stands, it is expected where it was, and for long. */
  #lose(): void {
    if (!this.#stands) {
      this.#held = undefined;
      return;
    }
    const sigma = this.#config.motion.standingDrift * sizeOf(this.box);
    this.#held = this.box;
    this.#state = holdStill(this.#state, sigma);
  }

  get #stands(): boolean {
    const { standingSpeed, standingWindow } = this.#config;
    const size = sizeOf(this.box);
    const speed = recentSpeed(this.#points, standingWindow);
    if (speed !== undefined) return speed < standingSpeed * size;
    // Seen too briefly since it was last lost: whoever stood before and is still there has not moved.
    return this.#held !== undefined && centreDistance(this.#held, this.box) < size * standingSpeed * 2;
  }

  #append(point: TrackPoint): void {
    this.#points = thinOut([...this.#points, point], this.#config.historyPoints);
  }

  /** An unchanging picture of this target. */
  snapshot(status: Track['status']): Track {
    const points = status === 'ended' ? withoutTail(this.#points) : this.#points;
    return { id: this.id, class: this.class, votes: shares(this.#votes), status, points };
  }
}

function measuredPoint({ sequence, time }: Moment, { detection: { box, score }, votes }: Candidate): TrackPoint {
  return { frame: sequence, time, box, score, measured: true, votes };
}
