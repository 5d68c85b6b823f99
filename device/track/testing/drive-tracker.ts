import type { CaptureTime } from '../../capture/frame.ts';
import type { Box, Detection, ObjectClass } from '../../detect/detection.ts';
import { fraction, milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import { defaultTrackerConfig, type TrackerConfig } from '../config.ts';
import type { Track, TrackUpdate } from '../track.ts';
import { type TrackedFrame, Tracker } from '../tracker.ts';

/** What the tests of this folder drive the tracker with. */

export function captureTime(elapsed: number): CaptureTime {
  return {
    utc: utcMilliseconds(1_700_000_000_000 + elapsed),
    elapsed: milliseconds(elapsed),
    clock: { source: 'recording', synchronised: false, dated: true, intervalError: milliseconds(1) },
  };
}

export function frameAt(sequence: number, elapsed: number): TrackedFrame {
  return { sequence, time: captureTime(elapsed), picture: { width: 1280, height: 720 } };
}

export function detection(box: Box, score = 0.9, objectClass: ObjectClass = 'car'): Detection {
  return { box, class: objectClass, score: fraction(score) };
}

/** A box of 80 x 50 around a centre. */
export function carAt(x: number, y: number): Box {
  return { x: x - 40, y: y - 25, width: 80, height: 50 };
}

export interface Played {
  readonly updates: readonly TrackUpdate[];
  /** Every track that was ever confirmed, as it ended. */
  readonly tracks: readonly Track[];
}

/** Plays frames at the given times (ms) and ends the source. */
export function play(
  times: readonly number[],
  detect: (elapsed: number, index: number) => readonly Detection[],
  config: TrackerConfig = defaultTrackerConfig,
): Played {
  const tracker = new Tracker(config);
  const updates = times.map((elapsed, index) => tracker.update(frameAt(index, elapsed), detect(elapsed, index)));
  const tracks = [...updates.flatMap((update) => update.ended), ...tracker.finish()];
  return { updates, tracks: tracks.sort((a, b) => a.id - b.id) };
}

/** `count` times, `step` ms apart. */
export function every(step: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index * step);
}
