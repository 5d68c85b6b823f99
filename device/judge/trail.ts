import type { CaptureTime } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import { bottomCentre, type Wheels, wheelsInPicture, wheelsOnRoad } from '../scene/contact.ts';
import { type Point, unit } from '../scene/geometry.ts';
import type { Scene } from '../scene/scene.ts';
import { isIgnored } from '../scene/scene.ts';
import { thinOut } from '../track/history.ts';
import type { Track, TrackPoint } from '../track/track.ts';
import type { RawData, RawPoint } from './raw-data.ts';

/**
 * One moment of a road user with the jitter of single boxes taken out, as the rules see it. A moment is settled a fifth of a second after
 * its frame, when the boxes on both sides of it are known.
 */
export interface Moment {
  readonly frame: number;
  readonly time: CaptureTime;
  /** The smoothed box. */
  readonly box: Box;
  /** Its bottom centre. */
  readonly foot: Point;
  /** Pixels per second. */
  readonly velocity: Point;
  /** Direction of travel in the picture, length 1: now, or when it was last clear; `undefined` while it has not moved. */
  readonly heading: Point | undefined;
  /** True where the movement stands out from the jitter. */
  readonly moving: boolean;
  /** The axles; only where the scene has stop lines and the heading is known. */
  readonly wheels: Wheels | undefined;
  /** For how long the road user has been watched, from its first box on; time in which it was hidden for over a second is left out. */
  readonly watched: Milliseconds;
  /** Standing at this place; it began with this moment while it moves. */
  readonly stand: Stand;
  /** The smoothed box up to a second earlier, to tell a movement of the body from that of one edge; `undefined` just after a leap. */
  readonly earlier: Box | undefined;
  /** True where the box leapt from the moment before: another vehicle or a broken box, not a movement. */
  readonly leapt: boolean;
}

/** A stay at one place, as far as it was watched. */
export interface Stand {
  readonly watchedBefore: Milliseconds;
  /** Moments at this place, this one included. */
  readonly moments: number;
}

/** Half the span over which boxes are smoothed, milliseconds. */
const half = 200;
/** A road user that was not seen for so long has no boxes to wait for, milliseconds. */
const patience = 400;
/** Boxes that are kept: ten seconds at 25 frames a second. */
const kept = 256;
/** Points that are kept for the evidence, seen or not, thinned out with age. */
const keptRaw = 900;
/** A road user stands while its foot stays within this share of its size (and at least 3 px) of one place. */
const stillShare = 0.15;
/** Who has stood for so long is expected where it stands, milliseconds. */
const settledStand = 800;
/** It moves where it would go this share of its height (and at least 1.5 px) within the smoothing span. */
const movingShare = 0.05;
/** Boxes further apart than this leave the time between them unwatched, milliseconds. */
const watchGap = 1000;
/** In a gap of this length one vehicle can have left its place and another one have taken it, milliseconds. */
const exchangeGap = 3000;
/** How far `earlier` looks back, milliseconds. */
const lookBack = 1000;
/** A box that stands more than this share of its size from where the one before it was going is no movement. */
const leapShare = 0.5;

interface Anchor {
  readonly foot: Point;
  readonly time: CaptureTime;
  readonly watched: Milliseconds;
  moments: number;
}

/** A box that the judge took, under the track that it came by. */
interface Taken extends TrackPoint {
  readonly track: number;
  readonly ignored: boolean;
}

/** The boxes of one road user that were really seen, and the moments made of them. Grows no further than a fixed length. */
export class Trail {
  readonly #scene: Scene;
  #seen: Taken[] = [];
  /** Everything that was taken, thinned out. */
  #history: readonly Taken[] = [];
  #count = 0;
  #settled = 0;
  #newest: number;
  #anchor: Anchor | undefined;
  #heading: Point | undefined;
  #velocity: Point = { x: 0, y: 0 };
  #watched = milliseconds(0);
  #latest: CaptureTime | undefined;
  #recent: { readonly time: CaptureTime; readonly box: Box }[] = [];

  /** With `after`, boxes up to that frame are somebody else's. */
  constructor(scene: Scene, after = -1) {
    this.#scene = scene;
    this.#newest = after;
  }

  /** The boxes that were seen, oldest first; only the newest are kept. */
  get seen(): readonly TrackPoint[] {
    return this.#seen;
  }

  get last(): TrackPoint | undefined {
    return this.#seen.at(-1);
  }

  /**
   * Takes what is new in the track, and returns the moments that are settled by it. `now` is the newest frame's time; with `over` nothing
   * is waited for.
   */
  take(track: Track, now: CaptureTime, over: boolean): readonly Moment[] {
    const { points } = track;
    let first = points.length;
    while (first > 0 && (points[first - 1]?.frame ?? -1) > this.#newest) first -= 1;
    for (const point of points.slice(first)) {
      this.#newest = point.frame;
      const taken = { ...point, track: track.id, ignored: isIgnored(this.#scene, bottomCentre(point.box)) };
      if (taken.measured && !taken.ignored) this.#seen.push(taken);
      this.#history = thinOut([...this.#history, taken], keptRaw);
      this.#count += 1;
    }
    const moments: Moment[] = [];
    const newest = this.last;
    if (newest === undefined) return moments;
    const flush = over || now.elapsed - newest.time.elapsed >= patience;
    const kind = track.class;
    while (this.#settled < this.#seen.length) {
      const point = this.#seen[this.#settled];
      if (point === undefined || (!flush && newest.time.elapsed - point.time.elapsed < half)) break;
      moments.push(this.#settle(this.#settled, point, kind));
      this.#settled += 1;
    }
    const surplus = Math.min(this.#seen.length - kept, this.#settled);
    if (surplus > 0) {
      this.#seen = this.#seen.slice(surplus);
      this.#settled -= surplus;
    }
    return moments;
  }

  /** For the evidence: what is held now, all of it, and what came beside and before it as far as there is room. */
  raw(): Pick<RawData, 'points' | 'omitted'> {
    const held = new Set(this.#seen.map(({ frame }) => frame));
    const beside = this.#history.filter(({ frame }) => !held.has(frame));
    const points = [
      ...beside.map((one) => rawPoint(one, useOf(one))),
      ...this.#seen.map((one) => rawPoint(one, 'held')),
    ];
    return { points: points.sort((a, b) => a.frame - b.frame), omitted: this.#count - points.length };
  }

  /** Position and speed at the end of what was seen, for a guess where it is at a later time. */
  outlook(time: CaptureTime): Point | undefined {
    const last = this.last;
    if (last === undefined) return undefined;
    const { foot, velocity } = smooth(this.#seen, this.#seen.length - 1);
    // A slope made of jitter would carry a standing vehicle away.
    const stood = this.#anchor === undefined ? 0 : last.time.elapsed - this.#anchor.time.elapsed;
    if (stood >= settledStand) return foot;
    const seconds = (time.elapsed - last.time.elapsed) / 1000;
    return { x: foot.x + velocity.x * seconds, y: foot.y + velocity.y * seconds };
  }

  #settle(index: number, point: TrackPoint, kind: Track['class']): Moment {
    const { box, foot, velocity } = smooth(this.#seen, index);
    const speed = Math.hypot(velocity.x, velocity.y);
    const moving = (speed * 2 * half) / 1000 > Math.max(1.5, movingShare * box.height);
    if (moving) this.#heading = unit(velocity) ?? this.#heading;
    const size = Math.sqrt(box.width * box.height);
    const gap = this.#latest === undefined ? 0 : point.time.elapsed - this.#latest.elapsed;
    this.#latest = point.time;
    if (gap <= watchGap) this.#watched = milliseconds(this.#watched + gap);
    const anchor = this.#anchorAt(foot, point.time, gap, size);
    const heading = this.#heading;
    const wheels = heading === undefined ? undefined : this.#wheels(box, heading, kind);
    const leapt = this.#leaps(index, size);
    this.#velocity = velocity;
    if (leapt || gap > watchGap) this.#recent = [];
    this.#recent = this.#recent.filter((one) => point.time.elapsed - one.time.elapsed <= lookBack);
    const earlier = this.#recent[0]?.box;
    this.#recent.push({ time: point.time, box });
    return {
      frame: point.frame,
      time: point.time,
      box,
      foot,
      velocity,
      heading,
      moving,
      wheels,
      watched: this.#watched,
      stand: { watchedBefore: anchor.watched, moments: anchor.moments },
      earlier,
      leapt,
    };
  }

  /** Where it stands, since when: anew where it has moved, or was hidden so long that it may be another vehicle. */
  #anchorAt(foot: Point, time: CaptureTime, gap: number, size: number): Anchor {
    const old = this.#anchor;
    const stays = old !== undefined && gap < exchangeGap && apart(old.foot, foot) <= Math.max(3, stillShare * size);
    const anchor = stays ? old : { foot, time, watched: this.#watched, moments: 0 };
    anchor.moments += 1;
    this.#anchor = anchor;
    return anchor;
  }

  /** Only stop lines ask for the axles. */
  #wheels(box: Box, heading: Point, kind: Track['class']): Wheels | undefined {
    const { ground, stopLines } = this.#scene;
    if (stopLines.length === 0) return undefined;
    return ground === undefined ? wheelsInPicture(box, heading, kind) : wheelsOnRoad(box, heading, kind, ground);
  }

  #leaps(index: number, size: number): boolean {
    const before = this.#seen[index - 1];
    const now = this.#seen[index];
    if (before === undefined || now === undefined) return false;
    const seconds = (now.time.elapsed - before.time.elapsed) / 1000;
    if (seconds > half / 500) return false;
    const foot = bottomCentre(before.box);
    const expected = { x: foot.x + this.#velocity.x * seconds, y: foot.y + this.#velocity.y * seconds };
    return apart(expected, bottomCentre(now.box)) > Math.max(6, leapShare * size);
  }
}

const rawPoint = ({ ignored, ...point }: Taken, use: RawPoint['use']): RawPoint => ({ ...point, use });

const useOf = ({ measured, ignored }: Taken): RawPoint['use'] =>
  measured ? (ignored ? 'ignored' : 'earlier') : 'predicted';

const apart = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Straight-line regression of the box over the boxes within `half` of it, evaluated at it. */
function smooth(seen: readonly TrackPoint[], index: number): { box: Box; foot: Point; velocity: Point } {
  const centre = seen[index];
  if (centre === undefined) throw new RangeError(`no box ${index}`);
  const t0 = centre.time.elapsed;
  const near: TrackPoint[] = [];
  for (let i = index; i >= 0; i--) {
    const point = seen[i];
    if (point === undefined || t0 - point.time.elapsed > half) break;
    near.push(point);
  }
  for (let i = index + 1; i < seen.length; i++) {
    const point = seen[i];
    if (point === undefined || point.time.elapsed - t0 > half) break;
    near.push(point);
  }
  if (near.length < 2) {
    // Alone in its span: the neighbours further away still tell the way.
    for (const other of [seen[index - 1], seen[index + 1]]) if (other !== undefined) near.push(other);
  }
  const line = (value: (box: Box) => number): { readonly at: number; readonly slope: number } =>
    regression(
      near.map((point) => (point.time.elapsed - t0) / 1000),
      near.map((point) => value(point.box)),
    );
  const middle = line((box) => box.x + box.width / 2);
  const bottom = line((box) => box.y + box.height);
  const width = Math.max(1, line((box) => box.width).at);
  const height = Math.max(1, line((box) => box.height).at);
  return {
    box: { x: middle.at - width / 2, y: bottom.at - height, width, height },
    foot: { x: middle.at, y: bottom.at },
    velocity: { x: middle.slope, y: bottom.slope },
  };
}

function regression(x: readonly number[], y: readonly number[]): { readonly at: number; readonly slope: number } {
  const mx = x.reduce((sum, value) => sum + value, 0) / x.length;
  const my = y.reduce((sum, value) => sum + value, 0) / y.length;
  let [xx, xy] = [0, 0];
  for (const [i, value] of x.entries()) {
    xx += (value - mx) ** 2;
    xy += (value - mx) * ((y[i] ?? 0) - my);
  }
  const slope = xx > 1e-9 ? xy / xx : 0;
  return { at: my - slope * mx, slope };
}
