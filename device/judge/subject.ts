import type { CaptureTime } from '../capture/frame.ts';
import type { ObjectClass } from '../detect/detection.ts';
import { milliseconds } from '../kernel/units.ts';
import { bottomCentre, isCut } from '../scene/contact.ts';
import { distance } from '../scene/geometry.ts';
import type { Scene } from '../scene/scene.ts';
import type { Track, TrackUpdate } from '../track/track.ts';
import type { RuleName } from './infraction.ts';
import { type Moment, Trail } from './trail.ts';

/**
 * One road user as the judge knows it: a track, or several that follow each other where the tracker lost it and found it again. What a
 * rule remembers hangs on the subject, so nobody is counted or accused twice because a track broke.
 */
export interface Subject {
  /** The current track. */
  track: Track;
  readonly trail: Trail;
  /** Since when the track's class is what it is. */
  classSince: CaptureTime;
  class: ObjectClass;
  readonly accused: Set<RuleName>;
}

/** A subject with what the newest frame said of it. */
export interface Sight {
  readonly subject: Subject;
  /** Moments that were settled by this frame, oldest first. */
  readonly moments: readonly Moment[];
  /** True with the track's last call. */
  readonly over: boolean;
  readonly now: CaptureTime;
}

/** A road user that moved is looked for so long after it was last seen, and one that stood so long. */
const movingGap = milliseconds(1500);
const standingGap = milliseconds(10_000);
const twoWheelers: readonly ObjectClass[] = ['person', 'bicycle', 'motorcycle'];

/** Keeps the subjects of all living tracks, and for a few seconds those of the lost ones. */
export class Subjects {
  readonly #scene: Scene;
  readonly #byTrack = new Map<number, Subject>();
  /** Ended or lost, waiting to be found again under another track; by when they were last called. */
  readonly #resting = new Map<Subject, CaptureTime>();
  /** Lost tracks whose subject another track has taken over, with the last frame of theirs that counts. */
  readonly #given = new Map<number, number>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** How many subjects are held; for tests of flat memory. */
  get size(): number {
    return new Set([...this.#byTrack.values(), ...this.#resting.keys()]).size;
  }

  /** Brings every subject up to date with the tracker's update. */
  observe(update: TrackUpdate, now: CaptureTime): readonly Sight[] {
    const sights: Sight[] = [];
    for (const track of update.live) {
      if (!this.#isGiven(track)) sights.push(this.#sight(track, now, false));
    }
    for (const track of update.ended) {
      const given = this.#isGiven(track);
      this.#given.delete(track.id);
      if (given) continue;
      const known = this.#byTrack.has(track.id);
      // A track that ends without ever having been confirmed is nobody.
      if (!known && track.points.every((point) => !point.measured)) continue;
      const sight = this.#sight(track, now, true);
      sights.push(sight);
      this.#byTrack.delete(track.id);
      this.#resting.set(sight.subject, now);
    }
    for (const [subject] of this.#resting) {
      const last = subject.trail.last;
      if (last === undefined || now.elapsed - last.time.elapsed > standingGap) this.#resting.delete(subject);
    }
    return sights;
  }

  /** Everybody still alive, called a last time. */
  finish(now: CaptureTime): readonly Sight[] {
    const sights = [...this.#byTrack.values()].map((subject) => this.#sight(subject.track, now, true));
    this.#byTrack.clear();
    this.#resting.clear();
    this.#given.clear();
    return sights;
  }

  /** True for a track that lost its subject to another one and has not been seen since. */
  #isGiven(track: Track): boolean {
    const until = this.#given.get(track.id);
    if (until === undefined || this.#byTrack.has(track.id)) return false;
    return !track.points.some((point) => point.measured && point.frame > until);
  }

  #sight(track: Track, now: CaptureTime, over: boolean): Sight {
    const subject = this.#byTrack.get(track.id) ?? this.#meet(track, now);
    subject.track = track;
    if (subject.class !== track.class) {
      subject.class = track.class;
      subject.classSince = now;
    }
    return { subject, moments: subject.trail.take(track, now, over), over, now };
  }

  #meet(track: Track, now: CaptureTime): Subject {
    const found = this.#lost(track);
    if (found !== undefined) {
      this.#resting.delete(found);
      const last = found.trail.last;
      if (this.#byTrack.delete(found.track.id) && last !== undefined) this.#given.set(found.track.id, last.frame);
    }
    const subject = found ?? {
      track,
      trail: new Trail(this.#scene, this.#given.get(track.id)),
      classSince: track.points[0]?.time ?? now,
      class: track.class,
      accused: new Set(),
    };
    this.#byTrack.set(track.id, subject);
    return subject;
  }

  /** The subject that the new track continues: lost not long ago inside the picture, and expected where the track begins. */
  #lost(track: Track): Subject | undefined {
    const begin = track.points.find((point) => point.measured);
    if (begin === undefined || isCut(begin.box, this.#scene.picture)) return undefined;
    let best: { readonly subject: Subject; readonly away: number } | undefined;
    const waiting = [...this.#byTrack.values()].filter((subject) => subject.track.status === 'lost');
    for (const subject of [...waiting, ...this.#resting.keys()]) {
      const last = subject.trail.last;
      if (last === undefined || last.frame >= begin.frame || isCut(last.box, this.#scene.picture)) continue;
      const gap = begin.time.elapsed - last.time.elapsed;
      const expected = subject.trail.outlook(begin.time);
      if (expected === undefined) continue;
      const went = distance(expected, bottomCentre(last.box));
      const size = Math.sqrt(last.box.width * last.box.height);
      if (gap > (went < 0.15 * size ? standingGap : movingGap)) continue;
      const ratio = Math.sqrt((begin.box.width * begin.box.height) / (last.box.width * last.box.height));
      if (ratio < 0.6 || ratio > 1.7) continue;
      if (twoWheelers.includes(track.class) !== twoWheelers.includes(subject.class)) continue;
      const away = distance(expected, bottomCentre(begin.box));
      if (away > Math.max(0.45 * size, 0.3 * went)) continue;
      if (best === undefined || away < best.away) best = { subject, away };
    }
    return best?.subject;
  }
}
