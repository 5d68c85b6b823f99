import type { Box, Detection } from '../detect/detection.ts';
import { fraction, milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { defaultTrackerConfig, type TrackerConfig } from './config.ts';
import type { Observation } from './evaluate.ts';
import { lastPoint, type Track } from './track.ts';
import { Tracker } from './tracker.ts';

/**
 * Holds the tracker against annotated boxes, such as those of Urban Tracker (Jodoin, Bilodeau, Saunier, WACV 2014): lines
 * `frame,id,x,y,w,h,type` after a heading.
 */
export function parseTruth(csv: string): readonly Observation[] {
  return csv
    .split(/\r?\n/)
    .slice(1)
    .filter((line) => line !== '')
    .map((line, index) => {
      const [frame, id, x, y, width, height] = line.split(',').map(Number);
      const numbers = [frame, id, x, y, width, height];
      if (!numbers.every(Number.isFinite)) throw new RangeError(`line ${index + 2} is no box: ${line}`);
      return {
        frame: frame ?? 0,
        id: id ?? 0,
        box: { x: x ?? 0, y: y ?? 0, width: width ?? 0, height: height ?? 0 },
      };
    });
}

/** Random numbers from 0 to 1, the same for the same seed (mulberry32, T. Ettinger 2017). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One number of the standard normal distribution (Box and Muller 1958). */
export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** What a poor detector makes of the truth. */
export interface Degradation {
  /** Share of the boxes that are missed, each by itself. */
  readonly drop: number;
  /** Jitter of each of the four edges by itself, 1 sigma, px. */
  readonly jitter: number;
  readonly random: () => number;
}

export function degrade(truth: readonly Observation[], { drop, jitter, random }: Degradation): readonly Observation[] {
  return truth.flatMap((observation) => {
    if (random() < drop) return [];
    const { x, y, width, height } = observation.box;
    const left = x + jitter * gaussian(random);
    const top = y + jitter * gaussian(random);
    const right = x + width + jitter * gaussian(random);
    const bottom = y + height + jitter * gaussian(random);
    const box: Box = { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
    return [{ ...observation, box }];
  });
}

export interface TrackingRun {
  /** What each frame's update showed as seen in it: no look ahead, no look back, no prediction. */
  readonly online: readonly Observation[];
  /** The histories as the ended tracks hand them over. */
  readonly recorded: readonly Observation[];
  readonly updates: number;
}

export interface TrackingOptions {
  readonly config?: TrackerConfig;
  /** Frames per second of the recording. */
  readonly rate: number;
  /** Only frames whose number divides by this are looked at. */
  readonly stride?: number;
  readonly picture?: { readonly width: number; readonly height: number };
}

/**
 * Tracks boxes as if a detector had found them. All get the same class, so that class is no help in telling them apart.
 */
export function trackBoxes(boxes: readonly Observation[], options: TrackingOptions): TrackingRun {
  const { config = defaultTrackerConfig, rate, stride = 1, picture } = options;
  const tracker = new Tracker(config);
  const frames = Map.groupBy(boxes, (o) => o.frame);
  const numbers = [...frames.keys()].sort((a, b) => a - b);
  const first = numbers[0] ?? 0;
  const last = numbers.at(-1) ?? -1;
  const online: Observation[] = [];
  const recorded: Observation[] = [];
  const record = (track: Track) => {
    for (const point of track.points) recorded.push({ frame: point.frame, id: track.id, box: point.box });
  };
  let updates = 0;
  for (let sequence = Math.ceil(first / stride) * stride; sequence <= last; sequence += stride) {
    const time = {
      utc: utcMilliseconds((sequence * 1000) / rate),
      elapsed: milliseconds((sequence * 1000) / rate),
      clock: { source: 'recording', synchronised: false, dated: true, intervalError: milliseconds(1) } as const,
    };
    const detections: Detection[] = (frames.get(sequence) ?? []).map(({ box }) => ({
      box,
      class: 'car',
      score: fraction(0.9),
    }));
    const update = tracker.update({ sequence, time, ...(picture === undefined ? {} : { picture }) }, detections);
    updates++;
    for (const track of update.live) {
      const point = lastPoint(track);
      if (point.measured) online.push({ frame: sequence, id: track.id, box: point.box });
    }
    update.ended.forEach(record);
  }
  tracker.finish().forEach(record);
  return { online, recorded, updates };
}
