import type { CaptureTime } from '../capture/frame.ts';
import type { ObjectClass } from '../detect/detection.ts';
import type { Track, TrackPoint } from '../track/track.ts';
import type { Phase, PhaseSource } from './phase.ts';

/**
 * The data that an accusation was made from, as the judge had it in hand: so that whoever doubts a figure can derive it again.
 */

/**
 * `held`: the judge had the box in hand when it accused. `earlier`: it judged the box and has let go of it since. `ignored`: the box stands
 * where the scene says that nobody is of interest. `predicted`: the tracker's expectation, which no figure is made from.
 */
export const pointUses = ['held', 'earlier', 'ignored', 'predicted'] as const;
export type PointUse = (typeof pointUses)[number];

export interface RawPoint extends TrackPoint {
  /** The track that it comes from: a road user that was lost and found again has several, one after the other. */
  readonly track: number;
  readonly use: PointUse;
}

/** What a signal head showed from a time on, until the next stretch; milliseconds since the source began. */
export type PhaseStretch =
  | {
      readonly phase: Phase;
      /** When the change was, by the source of the phase. */
      readonly fromMs: number;
      readonly source: 'schedule' | 'input-line';
    }
  /** From the first point on at which nothing was known. */
  | { readonly phase: 'unknown'; readonly fromMs: number; readonly reason: string };

export interface RawData {
  /** Oldest first. */
  readonly points: readonly RawPoint[];
  /** Older points that were thinned out for want of room; no `held` one is ever left out. */
  readonly omitted: number;
  /** The share of the track's vote that each class had when the judge accused. */
  readonly votes: ReadonlyMap<ObjectClass, number>;
  /** What the signal head of the rule showed over the points; empty for a rule without one. */
  readonly phases: readonly PhaseStretch[];
}

/** Readings of one change that differ by less are the same change: dates are in milliseconds, as doubles good to a quarter of a microsecond. */
const sameChange = 1;

/** What the head showed at the points, change by change. */
export function phasesOver(
  points: readonly { readonly time: CaptureTime }[],
  head: string,
  phases: PhaseSource,
): readonly PhaseStretch[] {
  const stretches: PhaseStretch[] = [];
  for (const { time } of points) {
    const reading = phases.phaseAt(head, time.utc, time.elapsed);
    const last = stretches.at(-1);
    if (!reading.known) {
      if (last?.phase !== 'unknown') {
        stretches.push({ phase: 'unknown', fromMs: time.elapsed, reason: reading.reason });
      }
      continue;
    }
    const { phase, source, since } = reading;
    const fromMs = time.elapsed - (time.utc - since);
    if (last?.phase === phase && Math.abs(last.fromMs - fromMs) < sameChange) continue;
    stretches.push({ phase, fromMs, source });
  }
  return stretches;
}

/** The raw data of an accusation of the subject, now. */
export function rawDataOf(
  subject: { readonly track: Track; readonly trail: { raw(): Pick<RawData, 'points' | 'omitted'> } },
  head: string | undefined,
  phases: PhaseSource,
): RawData {
  const { points, omitted } = subject.trail.raw();
  return {
    points,
    omitted,
    votes: subject.track.votes,
    phases: head === undefined ? [] : phasesOver(points, head, phases),
  };
}
