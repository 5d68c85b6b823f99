import { type Milliseconds, milliseconds } from '../kernel/units.ts';

/** Whoever has the program ended when it gives no sign of life: the manager of services. None of these throws. */
export interface Heartbeat {
  /** The start is over. */
  ready(): void;
  beat(): void;
  /** The next program under this process id gives its first sign of life within so long; it says itself how often from then on. */
  within(time: Milliseconds): void;
  /** One line for a person. */
  status(text: string): void;
  /** The end has begun. */
  stopping(): void;
}

/** What a run can be held to. All ages are of the monotonic clock. */
export interface RunFacts {
  /** Since the newest frame was captured, or since the run began where none was. */
  readonly sinceCaptured: Milliseconds;
  /** Since the newest frame was judged, or since the run began where none was. */
  readonly sinceJudged: Milliseconds;
  /** Frames judged in this run. */
  readonly judged: number;
  /** The age of the oldest seal under way; undefined where none is. */
  readonly oldestSeal: Milliseconds | undefined;
  /** The source, a recording, has ended: no frames are due. */
  readonly sourceEnded: boolean;
}

/** Where a program stands. `opening` and `ending` are of the run: between two runs of one program both occur. */
export type ProgressFacts =
  | { readonly phase: 'opening' | 'ending'; readonly since: Milliseconds }
  | { readonly phase: 'running'; readonly run: RunFacts };

export interface ProgressLimits {
  /** Longest time to open everything: a large evidence store is read at the start. */
  readonly opening: Milliseconds;
  /** Longest time to end: what was seen is sealed, the report is written. */
  readonly ending: Milliseconds;
  /** A camera that delivers nothing for so long is lost. */
  readonly silence: Milliseconds;
  /** Longest time from one judged frame to the next while frames come; above the detector's own deadline and the wait for a plate. */
  readonly judging: Milliseconds;
  /** Longest time for a seal; above the store's own deadline. */
  readonly sealing: Milliseconds;
}

export const usualProgressLimits: ProgressLimits = {
  opening: milliseconds(600_000),
  ending: milliseconds(150_000),
  silence: milliseconds(10_000),
  judging: milliseconds(90_000),
  sealing: milliseconds(180_000),
};

export type Progress =
  /** The work goes on: watchdogs are fed. */
  | { readonly kind: 'progress'; readonly says: string }
  /** No frames come and everything else works: watchdogs are fed, and `planRestart` says when starting again is tried. */
  | { readonly kind: 'blind'; readonly lost: Milliseconds; readonly says: string }
  /** Something that has a deadline has missed it: watchdogs are not fed. */
  | { readonly kind: 'stuck'; readonly what: 'opening' | 'ending' | 'judging' | 'sealing'; readonly says: string };

/**
 * Whether a program does its work. Pure. That its event loop turns needs no fact: whoever judges runs on it, and does not feed where it
 * stands still.
 */
export function judgeProgress(facts: ProgressFacts, limits: ProgressLimits = usualProgressLimits): Progress {
  if (facts.phase !== 'running') {
    const { phase, since } = facts;
    const says = `${phase} for ${words(since)}`;
    return since > limits[phase] ? { kind: 'stuck', what: phase, says } : { kind: 'progress', says };
  }
  const { sinceCaptured, sinceJudged, judged, oldestSeal, sourceEnded } = facts.run;
  if (oldestSeal !== undefined && oldestSeal > limits.sealing) {
    return { kind: 'stuck', what: 'sealing', says: `a seal is under way for ${words(oldestSeal)}` };
  }
  if (sourceEnded) return { kind: 'progress', says: 'the source has ended; reachable' };
  if (sinceCaptured >= limits.silence) {
    return {
      kind: 'blind',
      lost: sinceCaptured,
      says: `no frame for ${words(sinceCaptured)}; the camera is tried again`,
    };
  }
  if (sinceJudged > limits.judging) {
    return { kind: 'stuck', what: 'judging', says: `frames come, and none was judged for ${words(sinceJudged)}` };
  }
  return { kind: 'progress', says: `${judged} frames judged` };
}

const words = (time: number): string =>
  time < 120_000 ? `${Math.round(time / 1000)} s` : `${Math.round(time / 60_000)} min`;
